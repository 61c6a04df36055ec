// Keeps a correlator's store within its size: looked at once a minute, the oldest days of signals go, and it is said.
import type { Clock } from '../../platform/core/clock.ts';
import type { Counters } from '../../platform/core/counters.ts';
import type { Logger } from '../../platform/core/log.ts';
import type { Correlator } from '../correlate/correlator.ts';

const CHECK_MS = 60_000;

/** Call after each batch; most calls do nothing. */
export function shrinkWhenDue(options: {
  correlator: Correlator;
  max_store_bytes: number;
  clock: Clock;
  counters: Counters;
  logger: Logger;
}): () => void {
  const { correlator, max_store_bytes, clock, counters, logger } = options;
  let checked = clock.monotonic();
  return () => {
    if (clock.monotonic() - checked < CHECK_MS) return;
    checked = clock.monotonic();
    const days = correlator.shrinkTo(max_store_bytes);
    if (days === 0) return;
    counters.add('detect', 'signal-days-lost', { by: days });
    logger.warn({ days, horizon: correlator.horizon() }, 'the oldest days of signals were dropped for space');
  };
}
