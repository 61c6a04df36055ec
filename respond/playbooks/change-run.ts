// Changes one stored run, whoever else changes it at the same moment.
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { PlaybookRun } from '../../platform/core/playbook-run.ts';
import { type RecordStore, upsertRecord } from '../../platform/records/record-store.ts';

/** `edit` returning undefined leaves the run. @throws PicketError RUN_NOT_FOUND and what `edit` throws */
export async function changeRun(options: {
  records: RecordStore;
  clock: Clock;
  id: string;
  edit: (run: PlaybookRun) => PlaybookRun | undefined;
}): Promise<PlaybookRun> {
  const { records, clock, id, edit } = options;
  const run = await upsertRecord<PlaybookRun>({
    store: records,
    collection: 'runs',
    id,
    change: (current) => {
      if (!current) throw new PicketError({ code: 'RUN_NOT_FOUND', message: `no run ${id}` });
      const edited = edit(current);
      return edited && { ...edited, updated: new Date(clock.now()).toISOString() };
    },
  });
  return run as PlaybookRun;
}
