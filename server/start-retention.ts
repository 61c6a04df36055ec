// Drops whole index segments when their time is over, once an hour.
import type { Clock } from '../platform/core/clock.ts';
import type { Counters } from '../platform/core/counters.ts';
import type { Logger } from '../platform/core/log.ts';
import type { EventIndex } from '../platform/index/event-index.ts';
import { dropExpiredSegments } from '../platform/index/retention.ts';
import type { SiteConfig } from './site-config.ts';

const INTERVAL_MS = 3_600_000;

export function startRetention(options: {
  index: EventIndex;
  rules: SiteConfig['retention'];
  clock: Clock;
  counters: Counters;
  logger: Logger;
}): { stop(): Promise<void> } {
  const { index, rules, clock, counters, logger } = options;
  const bounds = rules.map(({ days, jurisdiction, dataset }) => ({
    days,
    ...(jurisdiction === undefined ? {} : { jurisdiction }),
    ...(dataset === undefined ? {} : { dataset }),
  }));
  const run = async (): Promise<void> => {
    if (rules.length === 0) return;
    for (const { segment } of await dropExpiredSegments({ index, rules: bounds, now: clock.now() })) {
      counters.add('index', 'retention', { by: segment.events });
      logger.info({ segment: segment.name, events: segment.events }, 'segment dropped by retention');
    }
  };
  let working = Promise.resolve();
  const timer = setInterval(() => {
    working = working.then(run).catch((error: unknown) => logger.error({ err: error }, 'retention'));
  }, INTERVAL_MS);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await working;
    },
  };
}
