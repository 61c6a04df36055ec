// Leases over real embedded records, with a clock that the test moves.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../platform/core/clock.ts';
import { PicketError } from '../../../platform/core/errors.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { type HeldLease, holdLease, type Lease } from '../../../platform/records/hold-lease.ts';
import { openRecords } from '../../../platform/records/open-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';

const DURATION_MS = 15_000;
const BEAT_MS = DURATION_MS / 3;

let folder: string;
let records: RecordStore;
let clocks: ReturnType<typeof makeClocks>;
const held: HeldLease[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'picket-lease-'));
  records = await openRecords({ engine: 'embedded', folder, clock: systemClock });
  clocks = makeClocks();
});
afterEach(async () => {
  clocks.release();
  for (const one of held.splice(0)) await one.stop();
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Time that stands until it is moved; each process may have a wall clock of its own. */
function makeClocks() {
  let time = 0;
  let free = false;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  return {
    clock: (wall = 0): Clock => ({
      now: () => wall + time,
      monotonic: () => time,
      sleep: (duration_ms, signal) =>
        new Promise((resolve, reject) => {
          if (free) return void setImmediate(resolve);
          const sleeper = { at: time + duration_ms, wake: resolve };
          sleepers.add(sleeper);
          signal?.addEventListener('abort', () => {
            sleepers.delete(sleeper);
            reject(new Error('aborted'));
          });
        }),
    }),
    /** Moves on by beats, and lets what wakes run. */
    async pass(beats: number): Promise<void> {
      for (let beat = 0; beat < beats; beat++) {
        time += BEAT_MS;
        for (const sleeper of sleepers) {
          if (sleeper.at > time) continue;
          sleepers.delete(sleeper);
          sleeper.wake();
        }
        await systemClock.sleep(30);
      }
    },
    release: () => void (free = true),
  };
}

interface Candidate {
  readonly lease: HeldLease;
  /** How often its work was started and stopped. */
  readonly starts: number;
  readonly stops: number;
}

async function stand(
  holder: string,
  options: { store?: RecordStore; wall?: number; start?: () => void } = {},
): Promise<Candidate> {
  const counts = { starts: 0, stops: 0 };
  const lease = await holdLease({
    records: options.store ?? records,
    name: 'incidents',
    holder,
    duration_ms: DURATION_MS,
    clock: clocks.clock(options.wall),
    logger: silentLogger,
    start: () => {
      options.start?.();
      counts.starts++;
      return { stop: async () => void counts.stops++ };
    },
  });
  held.push(lease);
  return {
    lease,
    get starts() {
      return counts.starts;
    },
    get stops() {
      return counts.stops;
    },
  };
}

/** A store whose writes fail while `away` is true. */
function makeFlaky(): { store: RecordStore; away: boolean } {
  const flaky = {
    away: false,
    store: new Proxy(records, {
      get(target, name: keyof RecordStore) {
        const value = target[name];
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (flaky.away) return Promise.reject(new PicketError({ code: 'RECORDS_AWAY', message: 'away' }));
          return (value as (...all: unknown[]) => unknown).apply(target, args);
        };
      },
    }),
  };
  return flaky;
}

const leaseNow = async (): Promise<Lease | undefined> =>
  (await records.get<Lease>('leases', 'incidents'))?.value;

describe('work under a lease', () => {
  test('is done by the first alone, and by the next as soon as the first gives it back', async () => {
    const first = await stand('a');
    const second = await stand('b');
    await clocks.pass(10);
    expect([first.starts, first.stops, second.starts]).toEqual([1, 0, 0]);
    await first.lease.stop();
    expect(await leaseNow()).toMatchObject({ holder: '' });
    await clocks.pass(1);
    expect([first.stops, second.starts, second.lease.holds()]).toEqual([1, 1, true]);
    expect(await leaseNow()).toMatchObject({ holder: 'b', transitions: 1 });
  });

  test('goes to another when the holder falls silent, and the holder has stopped by then', async () => {
    const flaky = makeFlaky();
    const first = await stand('a', { store: flaky.store });
    const second = await stand('b');
    await clocks.pass(3);
    flaky.away = true;
    await clocks.pass(2);
    expect([first.stops, first.lease.holds(), second.starts]).toEqual([1, false, 0]);
    await clocks.pass(2);
    expect(second.lease.holds()).toBe(true);
    flaky.away = false;
    await clocks.pass(10);
    expect([first.starts, second.starts, second.stops]).toEqual([1, 1, 0]);
  });

  test('is gone on with at once by an instance of the same name, and the one before it leaves', async () => {
    const first = await stand('a');
    const again = await stand('a');
    expect(again.lease.holds()).toBe(true);
    await clocks.pass(1);
    expect([first.stops, first.lease.holds(), again.stops]).toEqual([1, false, 0]);
  });

  test('stays where it is when wall clocks differ by hours', async () => {
    const first = await stand('a', { wall: 3_600_000 });
    const second = await stand('b', { wall: -3_600_000 });
    const third = await stand('c', { wall: 86_400_000 });
    await clocks.pass(20);
    expect([first, second, third].map(({ starts }) => starts)).toEqual([1, 0, 0]);
    expect(first.stops).toBe(0);
  });

  test('is tried again when it could not be started, by whoever is first', async () => {
    let broken = true;
    const first = await stand('a', {
      start: () => {
        if (broken) throw new PicketError({ code: 'CONTENT', message: 'no playbooks' });
      },
    });
    expect([first.lease.holds(), await leaseNow()]).toMatchObject([false, { holder: '' }]);
    const second = await stand('b');
    expect(second.lease.holds()).toBe(true);
    await second.lease.stop();
    broken = false;
    await clocks.pass(1);
    expect(first.lease.holds()).toBe(true);
  });

  test('goes on when a renewal was written and its answer lost', async () => {
    let lose = false;
    const store = new Proxy(records, {
      get(target, name: keyof RecordStore) {
        if (name !== 'update') return (target[name] as () => unknown).bind(target);
        return async (...args: Parameters<RecordStore['update']>) => {
          const written = await target.update(...args);
          if (lose) throw new PicketError({ code: 'RECORD_CONFLICT', message: 'sent twice' });
          return written;
        };
      },
    });
    const first = await stand('a', { store });
    const second = await stand('b');
    lose = true;
    await clocks.pass(1);
    lose = false;
    await clocks.pass(10);
    expect([first.starts, first.stops, second.starts]).toEqual([1, 0, 0]);
  });
});
