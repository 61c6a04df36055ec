// Tells a person on stderr how a long step goes: how much of it, how fast, and why it waits.
import type { Clock } from '../../platform/core/clock.ts';

const EVERY_MS = 5_000;
/** Writes under way at the same time wait for the same reason: it is said once. */
const WAITS_APART_MS = 500;

export interface Teller {
  /** Begins a step: `events`, of so many (undefined when nobody knows). Ends the one before. */
  begin(what: string, total: number | undefined): void;
  add(count: number): void;
  /** Ends the step and says how it went. */
  end(): void;
  wait(reason: string, wait_ms: number): void;
}

export function createTeller(options: { clock: Clock; write: (line: string) => void }): Teller {
  const { clock, write } = options;
  let step:
    | { what: string; total: number | undefined; done: number; begun: number; told: number }
    | undefined;
  let waited = Number.NEGATIVE_INFINITY;
  const rate = (done: number, begun: number): string =>
    Math.round(done / Math.max(0.001, (clock.monotonic() - begun) / 1_000)).toLocaleString('en');
  const tell = (): void => {
    if (!step) return;
    const { what, total, done, begun } = step;
    const share =
      total === undefined || total === 0
        ? done.toLocaleString('en')
        : `${done.toLocaleString('en')} of ${total.toLocaleString('en')} (${Math.floor((100 * done) / total)}%)`;
    write(`${what}: ${share}, ${rate(done, begun)}/s`);
    step.told = clock.monotonic();
  };
  return {
    begin(what, total) {
      const now = clock.monotonic();
      step = { what, total, done: 0, begun: now, told: now };
      write(`${what}: ${total === undefined ? 'moving' : `${total.toLocaleString('en')} to move`}`);
    },
    add(count) {
      if (!step) return;
      step.done += count;
      if (clock.monotonic() - step.told >= EVERY_MS) tell();
    },
    end() {
      tell();
      step = undefined;
    },
    wait(reason, wait_ms) {
      const now = clock.monotonic();
      if (now - waited < WAITS_APART_MS) return;
      waited = now;
      write(`waits ${wait_ms / 1_000} s and tries again: ${reason}`);
    },
  };
}
