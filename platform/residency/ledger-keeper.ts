// Keeps residency ledger entries as records, each once however often it comes.
import type { Bus, Consumer } from '../bus/bus.ts';
import { errorCode } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { ResidencyLedgerEntry } from '../core/residency-ledger.ts';
import { TOPICS } from '../core/topics.ts';
import type { RecordStore } from '../records/record-store.ts';

/** The consumer group that keeps ledger entries as records. */
export const LEDGER_GROUP = 'residency-ledger';

/** Reads topic `picket.residency` into the collection `residency-ledger` (id = entry id), at a site and at its parent alike. */
export function startLedgerKeeper(options: { bus: Bus; records: RecordStore; logger: Logger }): Consumer {
  const { bus, records, logger } = options;
  return bus.consume({
    group: LEDGER_GROUP,
    topics: [TOPICS.residency],
    handle: async (batch) => {
      for (const record of batch.records) {
        const entry = readEntry(record.value);
        if (!entry) {
          await bus.deadLetter(record, {
            stage: 'residency',
            code: 'RESIDENCY_LEDGER_INVALID',
            message: 'not a residency ledger entry',
          });
          continue;
        }
        try {
          await records.create('residency-ledger', entry.id, entry);
        } catch (error) {
          if (errorCode(error) !== 'RECORD_EXISTS') throw error;
        }
      }
    },
    onError: (error) => logger.error({ err: error }, 'residency ledger cannot be kept'),
  });
}

function readEntry(value: Uint8Array): ResidencyLedgerEntry | undefined {
  try {
    const parsed = ResidencyLedgerEntry.safeParse(JSON.parse(Buffer.from(value).toString('utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
