// Carries what waits in a store to the bus, again and again: woken when there is something, slowed down when the bus refuses.
import type { Clock } from '../../platform/core/clock.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';

/** Wait after the bus refused, and the longest wait for something due. */
const RETRY_MS = 1_000;

export interface Pump {
  /** Looks at once for what is due. */
  wake(): void;
  /** Carries what is due once more and ends. */
  stop(): Promise<void>;
}

/** Begins with what an earlier run left. */
export function startPump(options: {
  /** Carries some of it; false when nothing is due. What fails comes again. */
  carry: () => Promise<boolean>;
  /** When something is due next (ms since the epoch); undefined when nothing waits. */
  nextDue: () => number | undefined;
  /** What is carried, for the log: `alerts`. */
  what: string;
  clock: Clock;
  logger: Logger;
}): Pump {
  const { carry, nextDue, what, clock, logger } = options;
  let stopping = false;
  let waker = new AbortController();
  const run = async (): Promise<void> => {
    for (;;) {
      const wait = waker.signal;
      try {
        while (await carry());
        if (stopping) return;
      } catch (error) {
        if (stopping) return;
        logger.warn({ code: errorCode(error) }, `${what} wait to be sent: ${describeError(error)}`);
      }
      const due = nextDue();
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
