// A real embedded bus and record store in a folder of the test's own, which can be closed and found again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '../../platform/bus/bus.ts';
import { openBus } from '../../platform/bus/open-bus.ts';
import { type Clock, systemClock } from '../../platform/core/clock.ts';
import { TOPICS, type TopicDefinition } from '../../platform/core/topics.ts';
import { openRecords } from '../../platform/records/open-records.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';

export interface Stores {
  readonly folder: string;
  readonly bus: Bus;
  readonly records: RecordStore;
  close(): Promise<void>;
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'picket-respond-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export async function openStores(folder: string): Promise<Stores> {
  const bus = await openBus({ engine: 'embedded', folder: join(folder, 'bus'), clock: systemClock });
  await bus.ensureTopics(Object.values(TOPICS));
  const records = await openRecords({
    engine: 'embedded',
    folder: join(folder, 'records'),
    clock: systemClock,
  });
  return {
    folder,
    bus,
    records,
    async close() {
      await bus.close();
      await records.close();
    },
  };
}

/** Every value of a topic, parsed, by partition and offset. */
export async function readTopic<T>(bus: Bus, topic: TopicDefinition): Promise<T[]> {
  const found: T[] = [];
  for (const [partition, { first, next }] of (await bus.bounds(topic)).entries()) {
    for (let offset = first; offset < next; ) {
      const records = await bus.read({ topic, partition, offset, max_records: 1_000 });
      const last = records.at(-1);
      if (!last) break;
      found.push(...records.map(({ value }) => JSON.parse(Buffer.from(value).toString('utf8')) as T));
      offset = last.offset + 1;
    }
  }
  return found;
}

/** A clock that stands until it is moved. */
export function makeClock(start: number): Clock & { move(by_ms: number): void } {
  let now = start;
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (duration_ms, signal) => systemClock.sleep(duration_ms, signal),
    move: (by_ms) => void (now += by_ms),
  };
}
