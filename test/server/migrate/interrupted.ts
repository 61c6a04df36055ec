// A migration's surroundings for tests: progress in a folder, and a target that dies after so many calls.

import { systemClock } from '../../../platform/core/clock.ts';
import { openProgress, type Progress } from '../../../server/migrate/open-progress.ts';
import type { Persistence } from '../../../server/migrate/persist.ts';

export class Killed extends Error {}

/** Lets `after` calls of these methods through; the next does its work and dies before anyone hears of it. */
export function dieAfter<T extends object>(target: T, methods: readonly (keyof T)[], after: number): T {
  let left = after;
  return new Proxy(target, {
    get(of, name) {
      const value: unknown = Reflect.get(of, name);
      if (typeof value !== 'function') return value;
      if (!methods.includes(name as keyof T)) return value.bind(of) as unknown;
      return async (...args: unknown[]) => {
        const answer: unknown = await value.apply(of, args);
        if (left-- <= 0) throw new Killed('killed');
        return answer;
      };
    },
  });
}

export function persistence(signal: AbortSignal = new AbortController().signal): Persistence {
  return { clock: systemClock, signal, onWait: () => undefined };
}

/** Works with each of the limits in turn, each time with the progress as it stands on disk, and lastly without any. */
export async function runKilled<T>(options: {
  folder: string;
  limits: readonly number[];
  work: (progress: Progress, limit: number) => Promise<T>;
}): Promise<T> {
  const { folder, limits, work } = options;
  for (const limit of [...limits, Number.POSITIVE_INFINITY]) {
    const progress = openProgress(folder);
    try {
      return await work(progress, limit);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    } finally {
      await progress.close();
    }
  }
  throw new Error('the last run has no limit');
}
