// The investigator: asks about each new incident by itself, and again when it has grown, one at a time.
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Incident } from '../../platform/core/incident.ts';
import type { Investigation } from '../../platform/core/investigation.ts';
import type { Logger } from '../../platform/core/log.ts';
import { fingerprintOf, type Investigating, investigate } from './investigate.ts';

export interface Investigator {
  /** Ends what is being asked. */
  stop(): Promise<void>;
}

export const INVESTIGATOR_ACTOR = 'picket';

/** How long after a change a case is asked about: alerts come in showers. */
const SETTLE_MS = 5_000;
/** At a start cases of so long ago are still asked about when that was cut short. */
const CATCH_UP = 200;

export async function startInvestigator(
  options: Investigating & { logger: Logger; settle_ms?: number },
): Promise<Investigator> {
  const { records, clock, questions, logger, settle_ms = SETTLE_MS } = options;
  const ending = new AbortController();
  /** Incident → when it is due, ms of the monotonic clock. */
  const due = new Map<string, number>();
  let turn: Promise<void> = Promise.resolve();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const look = async (id: string): Promise<void> => {
    const incident = (await records.get<Incident>('incidents', id))?.value;
    if (!incident || incident.merged_into !== undefined || incident.alerts.length === 0) return;
    const known = (await records.get<Investigation>('investigations', id))?.value;
    if (known?.fingerprint === fingerprintOf(incident, questions)) return;
    await investigate({ ...options, incident, actor: INVESTIGATOR_ACTOR, signal: ending.signal });
  };

  const workDue = (): void => {
    timer = undefined;
    const now = clock.monotonic();
    for (const [id, at] of due) {
      if (at > now) continue;
      due.delete(id);
      turn = turn
        .then(() => (ending.signal.aborted ? undefined : look(id)))
        .catch((error: unknown) =>
          logger.error(
            { code: errorCode(error), incident: id },
            `an incident was not investigated: ${describeError(error)}`,
          ),
        );
    }
    plan();
  };
  const plan = (): void => {
    if (timer !== undefined || due.size === 0 || ending.signal.aborted) return;
    const wait = Math.max(0, Math.min(...due.values()) - clock.monotonic());
    timer = setTimeout(workDue, wait);
  };
  const note = (id: string): void => {
    // The first change counts: a case that never rests is asked about all the same.
    if (!due.has(id)) due.set(id, clock.monotonic() + settle_ms);
    plan();
  };

  const unwatch = records.watch(({ collection, id, kind }) => {
    if (collection === 'incidents' && kind === 'put') note(id);
  });
  const latest = await records.query<Incident>('incidents', {
    limit: CATCH_UP,
    sort: { field: 'updated', direction: 'desc' },
  });
  for (const { id } of latest.records) note(id);

  return {
    async stop() {
      unwatch();
      clearTimeout(timer);
      ending.abort();
      await turn;
    },
  };
}
