/** Asks again and again until a condition holds, for services that say nothing when they are ready. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when `holds` gives true; rejects with `what` after `timeout_ms`, or at once when `signal` aborts. */
export async function waitUntil(options: {
  what: string;
  holds: () => Promise<boolean> | boolean;
  timeout_ms: number;
  interval_ms?: number;
  signal?: AbortSignal;
}): Promise<void> {
  const deadline = performance.now() + options.timeout_ms;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await options.holds()) return;
    if (performance.now() > deadline) throw new Error(`${options.what}: not within ${options.timeout_ms} ms`);
    await sleep(options.interval_ms ?? 100);
  }
}
