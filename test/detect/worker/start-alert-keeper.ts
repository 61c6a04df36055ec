// Keeps the alerts of a bus as records and does nothing else: for tests of detection alone, where no incidents are built.
import { keepAlert, readAlert } from '../../../detect/worker/keep-alert.ts';
import type { Bus, Consumer } from '../../../platform/bus/bus.ts';
import type { Counters } from '../../../platform/core/counters.ts';
import { describeError, errorCode } from '../../../platform/core/errors.ts';
import type { Logger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';

const GROUP = 'alert-keeper';

/** Starts the consumer of `picket.alerts`. What is no alert goes to the dead letters. */
export function startAlertKeeper(options: {
  bus: Bus;
  records: RecordStore;
  counters: Counters;
  logger: Logger;
}): Consumer {
  const { bus, records, counters, logger } = options;
  return bus.consume({
    group: GROUP,
    topics: [TOPICS.alerts],
    handle: async (batch) => {
      for (const record of batch.records) {
        const read = readAlert(record.value);
        if ('alert' in read) {
          counters.add('detect', `alert-${await keepAlert(records, read.alert)}`);
          continue;
        }
        counters.add('detect', 'alert-dead-lettered');
        await bus.deadLetter(
          { topic: record.topic, key: record.key, value: record.value, headers: record.headers },
          { stage: 'detect', code: 'ALERT_INVALID', message: read.message },
        );
      }
    },
    onError: (error) =>
      logger.error(
        { code: errorCode(error) },
        `alerts were not kept and come again: ${describeError(error)}`,
      ),
  });
}
