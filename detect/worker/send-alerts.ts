// Sends queued alerts to the bus: at least once, each revision with the text it was first made with.
import type { Bus } from '../../platform/bus/bus.ts';
import type { Alert } from '../../platform/core/alert.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import type { Correlator, Episode } from '../correlate/correlator.ts';

/** Alerts made and sent at a time. */
const LIMIT = 100;
/** Wait after the bus refused, and the longest wait for a due revision. */
const RETRY_MS = 1_000;

export interface Sender {
  /** Looks at once for what is due. */
  wake(): void;
  /** Sends what is due once more and ends. */
  stop(): Promise<void>;
}

/** Begins with what an earlier run left. */
export function startSending(options: {
  bus: Bus;
  clock: Clock;
  correlator: Correlator;
  logger: Logger;
  build: (episode: Episode, revision: number) => Alert | undefined;
}): Sender {
  const { bus, clock, correlator, logger, build } = options;
  let stopping = false;
  let waker = new AbortController();

  const sendDue = async (): Promise<boolean> => {
    const outgoing = correlator.takeOutgoing({
      now: clock.now(),
      limit: LIMIT,
      build: (episode, revision) => {
        const alert = build(episode, revision);
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

  const run = async (): Promise<void> => {
    for (;;) {
      const wait = waker.signal;
      try {
        while (await sendDue());
        if (stopping) return;
      } catch (error) {
        if (stopping) return;
        logger.warn({ code: errorCode(error) }, `alerts wait to be sent: ${describeError(error)}`);
      }
      const due = correlator.nextDue();
      // Idle, it sleeps until woken; the long wait only bounds what a lost wake-up could cost.
      const pause = due === undefined ? 60 * RETRY_MS : Math.min(RETRY_MS, Math.max(20, due - clock.now()));
      await clock.sleep(pause, wait).catch(() => undefined);
      if (waker.signal.aborted) waker = new AbortController();
    }
  };
  const running = run();
  return {
    wake: () => waker.abort(),
    async stop() {
      stopping = true;
      waker.abort();
      await running;
    },
  };
}
