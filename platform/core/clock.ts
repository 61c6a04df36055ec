// Time as an argument: what reads the clock or waits takes a Clock, so that tests can own both.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since the Unix epoch (wall time: may step). */
  now(): number;
  /** Milliseconds of a clock that never steps back; only differences mean something. */
  monotonic(): number;
  /** Resolves after `duration_ms`; rejects with AbortError when `signal` aborts. */
  sleep(duration_ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (duration_ms, signal) => {
    await sleep(duration_ms, undefined, signal ? { signal } : {});
  },
};
