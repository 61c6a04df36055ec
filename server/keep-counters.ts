// Keeps a site's counters over restarts, in its records.
import { Counters, type CounterValue, type Stage } from '../platform/core/counters.ts';
import type { Logger } from '../platform/core/log.ts';
import { eachRecord, type RecordStore, upsertRecord } from '../platform/records/record-store.ts';
import { idOfProcess, isOfAnyProcess } from './record-of-process.ts';

const ID = 'totals';
const INTERVAL_MS = 1_000;

interface Totals {
  readonly totals: readonly CounterValue[];
}

/** Restores the totals and stores them once a second; what was counted within the second before a kill is lost. */
export async function keepCounters(options: {
  counters: Counters;
  records: RecordStore;
  process: string | undefined;
  logger: Logger;
}): Promise<{ close(): Promise<void> }> {
  const { counters, records, logger } = options;
  const id = idOfProcess(ID, options.process);
  const kept = await records.get<Totals>('counters', id);
  if (kept) counters.restore(kept.value.totals);
  let stored = JSON.stringify(counters.snapshot());
  const store = async (): Promise<void> => {
    const totals = counters.snapshot();
    const text = JSON.stringify(totals);
    if (text === stored) return;
    await upsertRecord<Totals>({
      store: records,
      collection: 'counters',
      id,
      change: () => ({ totals }),
    });
    stored = text;
  };
  let working: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    working = working
      .then(store)
      .catch((error: unknown) => logger.error({ err: error }, 'counters not stored'));
  }, INTERVAL_MS);
  return {
    async close() {
      clearInterval(timer);
      await working;
      await store();
    },
  };
}

/** What all processes of the site counted, this one up to now and others as they last stored it. */
export async function sumCounters(options: {
  counters: Counters;
  records: RecordStore;
  process: string | undefined;
}): Promise<CounterValue[]> {
  const { counters, records, process } = options;
  if (process === undefined) return counters.snapshot();
  const own = idOfProcess(ID, process);
  const sum = new Counters();
  sum.restore(counters.snapshot());
  for await (const { id, value } of eachRecord<Totals>(records, 'counters')) {
    if (id === own || !isOfAnyProcess(id, ID)) continue;
    for (const { stage, reason, source, count } of value.totals)
      sum.add(stage as Stage, reason, { by: count, ...(source === undefined ? {} : { source }) });
  }
  return sum.snapshot();
}
