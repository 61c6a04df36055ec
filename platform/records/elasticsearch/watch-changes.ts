// Tells listeners of changes: those of this process at once, those of others as soon as they are read.
import type { Clock } from '../../core/clock.ts';
import { describeError, errorCode } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { ChangeListeners } from '../change-listeners.ts';
import type { RecordChange, RecordStore } from '../record-store.ts';

/** How often the changes of other processes are asked for. */
const POLL_MS = 1_000;
const PAGE = 1_000;

export interface Watching {
  /** Returns how to stop. */
  add(listener: (change: RecordChange) => void): () => void;
  /** A change that this process made. */
  tell(change: RecordChange): void;
  stop(): Promise<void>;
}

/** Asks nothing while nobody listens. */
export function startWatching(options: {
  changes: RecordStore['changes'];
  /** The newest sequence there is. */
  newest: () => Promise<number>;
  clock: Clock;
  logger: Logger;
}): Watching {
  const { changes, newest, clock, logger } = options;
  const listeners = new ChangeListeners();
  /** Told already, though not yet read back. */
  const own = new Set<number>();
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  const poll = async (): Promise<void> => {
    let after: number | undefined;
    while (!stopping.signal.aborted && listeners.size > 0) {
      try {
        after ??= await newest();
        for (let page = await changes({ after, limit: PAGE }); page.length > 0; ) {
          for (const change of page) if (!own.delete(change.sequence)) listeners.notify(change);
          after = page.at(-1)?.sequence ?? after;
          page = page.length < PAGE ? [] : await changes({ after, limit: PAGE });
        }
        // Of a record only the newest change is read back: what this process wrote before it is past.
        for (const sequence of own) if (sequence <= after) own.delete(sequence);
      } catch (error) {
        if (stopping.signal.aborted) return;
        logger.warn({ code: errorCode(error) }, `changes of records were not read: ${describeError(error)}`);
      }
      await clock.sleep(POLL_MS, stopping.signal).catch(() => undefined);
    }
    running = undefined;
  };

  return {
    add(listener) {
      const stop = listeners.add(listener);
      running ??= poll();
      return stop;
    },
    tell(change) {
      if (listeners.size === 0) return;
      own.add(change.sequence);
      listeners.notify(change);
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
