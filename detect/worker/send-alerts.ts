// Sends queued alerts to the bus: at least once, each revision with the text it was first made with.
import type { Bus } from '../../platform/bus/bus.ts';
import type { Alert } from '../../platform/core/alert.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Logger } from '../../platform/core/log.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { traceIdOf } from '../../platform/core/trace-id.ts';
import type { Correlator, Episode } from '../correlate/correlator.ts';
import { type Pump, startPump } from './pump.ts';

/** Alerts made and sent at a time. */
const LIMIT = 100;

/** Begins with what an earlier run left. */
export function startSending(options: {
  bus: Bus;
  clock: Clock;
  correlator: Correlator;
  logger: Logger;
  build: (episode: Episode, revision: number) => Alert | undefined;
  /** False while nothing may be sent yet; default always true. */
  ready?: () => boolean;
  /** The least number that a revision made now may have; default 1. */
  leastRevision?: () => number;
}): Pump {
  const { bus, clock, correlator, logger, build, ready = () => true, leastRevision = () => 1 } = options;
  const carry = async (): Promise<boolean> => {
    if (!ready()) return false;
    const outgoing = correlator.takeOutgoing({
      now: clock.now(),
      limit: LIMIT,
      least_revision: leastRevision(),
      build: (episode, revision) => {
        const alert = build(episode, revision);
        if (alert && logger.isLevelEnabled('debug')) tellTraces(logger, alert);
        return alert === undefined ? undefined : JSON.stringify(alert);
      },
    });
    if (outgoing.length === 0) return false;
    // A revision that was sent must never be forgotten: its number would be used again with another text.
    await correlator.flush();
    await bus.produce(
      TOPICS.alerts,
      outgoing.map(({ id, revision, text }) => ({
        key: id,
        value: Buffer.from(text),
        headers: { id, revision: String(revision) },
      })),
    );
    correlator.confirmSent(outgoing);
    return true;
  };
  return startPump({
    carry,
    nextDue: () => (ready() ? correlator.nextDue() : undefined),
    what: 'alerts',
    clock,
    logger,
  });
}

/** A line for each event that the alert names. */
function tellTraces(logger: Logger, { id, revision, rule, events }: Alert): void {
  for (const event of events)
    logger.debug({ 'trace.id': traceIdOf(event.id), alert: id, revision, rule: rule.id }, 'in an alert');
}
