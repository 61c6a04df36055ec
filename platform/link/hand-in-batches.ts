// Hands a site's batches in by its own topic at the parent's Kafka instead of the link: durable there is delivered.
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import { describeError, errorCode } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { ingressTopic } from '../core/topics.ts';

const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 15_000;

/** Resolves when the brokers have the batch; tries until then, and rejects only when `signal` aborts. */
export function handInBatches(options: {
  bus: Bus;
  site: string;
  clock: Clock;
  counters: Counters;
  logger: Logger;
}): (body: Buffer, signal: AbortSignal) => Promise<void> {
  const { bus, site, clock, counters, logger } = options;
  const topic = ingressTopic(site);
  return async (body, signal) => {
    for (let wait = RETRY_FIRST_MS; ; wait = Math.min(wait * 2, RETRY_MOST_MS)) {
      signal.throwIfAborted();
      try {
        await bus.produce(topic, [{ key: site, value: body, headers: {} }]);
        return;
      } catch (error) {
        const code = errorCode(error);
        counters.add('uplink', `retry:${code}`);
        logger.warn({ code, reason: describeError(error) }, 'a batch waits for the brokers of the parent');
      }
      await clock.sleep(wait, signal);
    }
  };
}
