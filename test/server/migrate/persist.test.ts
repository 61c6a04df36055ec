// A target that is away is waited for and said; what does not pass, and a wish to stop, end the wait.
import { describe, expect, test } from 'vitest';
import { PicketError } from '../../../platform/core/errors.ts';
import { type Persistence, persist } from '../../../server/migrate/persist.ts';

/** Sleeps take no time and are noted. */
function stopwatch(signal = new AbortController().signal) {
  const waits: number[] = [];
  const reasons: string[] = [];
  const persistence: Persistence = {
    clock: {
      now: () => 0,
      monotonic: () => 0,
      sleep: async (wait) => void waits.push(wait),
    },
    signal,
    onWait: (reason) => void reasons.push(reason),
  };
  return { waits, reasons, persistence };
}

const away = (code: string): PicketError => new PicketError({ code, message: 'no answer' });

describe('what the target does not take now', () => {
  test('is tried again with a growing wait, each time with the reason', async () => {
    const { waits, reasons, persistence } = stopwatch();
    let tries = 0;
    const answer = await persist(persistence, async () => {
      if (tries++ < 7) throw away(tries % 2 ? 'ELASTICSEARCH_UNAVAILABLE' : 'BUS_UNAVAILABLE');
      return 'taken';
    });
    expect(answer).toBe('taken');
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(reasons.slice(0, 2)).toEqual([
      'no answer [ELASTICSEARCH_UNAVAILABLE]',
      'no answer [BUS_UNAVAILABLE]',
    ]);
  });

  test('is not tried again when it can never pass', async () => {
    const { waits, persistence } = stopwatch();
    const refused = persist(persistence, () => Promise.reject(away('ELASTICSEARCH_FORBIDDEN')));
    await expect(refused).rejects.toMatchObject({ code: 'ELASTICSEARCH_FORBIDDEN' });
    expect(waits).toEqual([]);
  });

  test('is left when someone wants to stop', async () => {
    const stop = new AbortController();
    const { persistence } = stopwatch(stop.signal);
    let tries = 0;
    const left = persist(persistence, () => {
      if (++tries === 3) stop.abort(away('MIGRATE_INTERRUPTED'));
      return Promise.reject(away('BUS_FULL'));
    });
    await expect(left).rejects.toMatchObject({ code: 'MIGRATE_INTERRUPTED' });
    expect(tries).toBe(3);
  });
});
