// Keeps a site's counters over restarts, in its records.
import type { Counters, CounterValue } from '../platform/core/counters.ts';
import type { Logger } from '../platform/core/log.ts';
import { type RecordStore, upsertRecord } from '../platform/records/record-store.ts';

const ID = 'totals';
const INTERVAL_MS = 1_000;

/** Restores the totals and stores them once a second; what was counted within the second before a kill is lost. */
export async function keepCounters(options: {
  counters: Counters;
  records: RecordStore;
  logger: Logger;
}): Promise<{ close(): Promise<void> }> {
  const { counters, records, logger } = options;
  const kept = await records.get<{ totals: CounterValue[] }>('counters', ID);
  if (kept) counters.restore(kept.value.totals);
  let stored = JSON.stringify(counters.snapshot());
  const store = async (): Promise<void> => {
    const totals = counters.snapshot();
    const text = JSON.stringify(totals);
    if (text === stored) return;
    await upsertRecord<{ totals: CounterValue[] }>({
      store: records,
      collection: 'counters',
      id: ID,
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
