// Tries what the target does not take now again and again, with a growing wait, and says so: brokers and clusters come back.
import type { Clock } from '../../platform/core/clock.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** A broker or cluster that is away, overloaded or read-only for now. */
const PASSING: ReadonlySet<string> = new Set(['ELASTICSEARCH_UNAVAILABLE', 'BUS_UNAVAILABLE', 'BUS_FULL']);

export interface Persistence {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Hears why it waits, and how long (ms). */
  readonly onWait: (reason: string, wait_ms: number) => void;
}

/** @throws what is no passing fault; the signal's reason when it is aborted */
export async function persist<T>({ clock, signal, onWait }: Persistence, work: () => Promise<T>): Promise<T> {
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!PASSING.has(errorCode(error))) throw error;
      onWait(`${describeError(error)} [${errorCode(error)}]`, wait);
    }
    await clock.sleep(wait, signal);
  }
}
