// What was started, to be ended last first; a part that fails to end, or hangs, is told and the rest still end.
import { describeError } from '../platform/core/errors.ts';
import type { Logger } from '../platform/core/log.ts';

/** Longest that one part may take; those that wait for a broker or a cluster give up sooner. */
const PATIENCE_MS = 30_000;

export class Endings {
  readonly #parts: { name: string; end: () => Promise<unknown> }[] = [];

  add(name: string, end: () => Promise<unknown>): void {
    this.#parts.push({ name, end });
  }

  async run(logger: Pick<Logger, 'debug' | 'error'>, patience_ms = PATIENCE_MS): Promise<void> {
    for (const { name, end } of this.#parts.splice(0).reverse()) {
      try {
        await within(end(), patience_ms);
        logger.debug({ part: name }, 'ended');
      } catch (error) {
        logger.error({ err: error, part: name }, `did not end cleanly: ${describeError(error)}`);
      }
    }
  }
}

function within(work: Promise<unknown>, patience_ms: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${patience_ms / 1_000} s`)), patience_ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
