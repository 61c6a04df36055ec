// The embedded bus: the contract, and what only a log on our own disk promises.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Bus } from '../../../platform/bus/bus.ts';
import type { EmbeddedBusOptions } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import type { DroppedSegment } from '../../../platform/bus/embedded/partition-log.ts';
import { openBus } from '../../../platform/bus/open-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { describeBusContract, makeTopic, message, readAll, textOf } from './contract.ts';

const PRODUCER = new URL('./produce-until-killed.ts', import.meta.url).pathname;

async function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'picket-bus-'));
}

describeBusContract('embedded', async () => {
  const folder = await makeFolder();
  let bus = await openBus({ engine: 'embedded', folder, clock: systemClock });
  return {
    bus,
    reopen: async () => {
      await bus.close();
      bus = await openBus({ engine: 'embedded', folder, clock: systemClock });
      return bus;
    },
    dispose: async () => {
      await bus.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

describe('the embedded bus', () => {
  const undo: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const one of undo.splice(0).reverse()) await one();
  });

  async function open(options: Partial<EmbeddedBusOptions> = {}): Promise<{ bus: Bus; folder: string }> {
    const folder = options.folder ?? (await makeFolder());
    if (!options.folder) undo.push(() => rm(folder, { recursive: true, force: true }));
    const bus = await openEmbeddedBus({ folder, clock: systemClock, ...options });
    undo.push(() => bus.close());
    return { bus, folder };
  }

  test('kill -9 in the middle of producing loses nothing acknowledged and tears no batch', async () => {
    const folder = await makeFolder();
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const topic = makeTopic(2);
    let acknowledged = 0;
    for (const acknowledgementsToSee of [1, 40, 160]) {
      const child = execa(process.execPath, [PRODUCER, folder, topic.name], { reject: false, buffer: false });
      const target = acknowledged + acknowledgementsToSee;
      let said = '';
      await new Promise<void>((resolve, reject) => {
        child.stdout.on('data', (chunk: Buffer) => {
          said += chunk.toString('utf8');
          if (said.split('\n').length - 1 >= acknowledgementsToSee) resolve();
        });
        child.once('exit', () => reject(new Error('the producer ended by itself')));
      });
      child.kill('SIGKILL');
      await child;
      const last = said.trimEnd().split('\n').at(-1);
      acknowledged = Number(last);
      expect(acknowledged + 1).toBeGreaterThanOrEqual(target);
      const bus = await openEmbeddedBus({ folder, clock: systemClock });
      const sizes = new Map<number, number>();
      for (const record of await readAll(bus, topic)) {
        const batch = Number(record.headers['batch']);
        sizes.set(batch, (sizes.get(batch) ?? 0) + 1);
      }
      await bus.close();
      for (let batch = 0; batch <= acknowledged; batch++) expect(sizes.get(batch)).toBe(10);
      expect([...sizes.values()].every((size) => size === 10)).toBe(true);
      acknowledged = sizes.size;
    }
  });

  test('a folder that a live process owns is refused with its pid and name', async () => {
    const { folder } = await open();
    await expect(openEmbeddedBus({ folder, clock: systemClock })).rejects.toMatchObject({
      code: 'BUS_LOCKED',
      message: expect.stringContaining(`process ${process.pid} has the folder ${folder} open`),
    });
  });

  test('retention drops whole segments by bytes, oldest first, and says which', async () => {
    const dropped: DroppedSegment[] = [];
    const { bus } = await open({
      limits: { segment_bytes: 10_000 },
      onDrop: (one) => dropped.push(one),
    });
    const topic = makeTopic(1, { retention_bytes: 35_000 });
    await bus.ensureTopics([topic]);
    for (let at = 0; at < 100; at++) await bus.produce(topic, [message('k', String(at).padEnd(1_000))]);
    await waitUntil({
      what: 'retention',
      holds: async () => ((await bus.bounds(topic))[0]?.first ?? 0) >= 60,
      timeout_ms: 5_000,
    });
    const [bounds] = await bus.bounds(topic);
    const records = await readAll(bus, topic);
    expect(records[0]?.offset).toBe(bounds?.first);
    expect(records.at(-1)?.offset).toBe(99);
    expect(dropped.reduce((sum, one) => sum + one.records, 0)).toBe(bounds?.first);
    expect(dropped.every((one) => one.reason === 'bytes' && one.records === 10)).toBe(true);
  });

  test('retention by age empties a quiet partition and offsets go on from where they were', async () => {
    let now = 1_000_000;
    const clock = { ...systemClock, now: () => now };
    const { bus } = await open({ clock, limits: { retention_interval_ms: 20 } });
    const topic = makeTopic(1, { retention_ms: 60_000 });
    await bus.produce(topic, [message('k', '1'), message('k', '2')]);
    now += 60_001;
    await waitUntil({
      what: 'retention',
      holds: async () => (await bus.bounds(topic))[0]?.first === 2,
      timeout_ms: 5_000,
    });
    expect(await bus.produce(topic, [message('k', '3')])).toEqual([{ partition: 0, offset: 2 }]);
    expect((await readAll(bus, topic)).map(textOf)).toEqual(['3']);
  });

  test('append times never fall when the clock steps back', async () => {
    let now = 5_000;
    const { bus } = await open({ clock: { ...systemClock, now: () => now } });
    const topic = makeTopic(1);
    await bus.produce(topic, [message('k', '1')]);
    now = 1_000;
    await bus.produce(topic, [message('k', '2')]);
    expect((await readAll(bus, topic)).map((record) => record.timestamp)).toEqual([5_000, 5_000]);
  });

  test('a bus near its budget is congested, at 95% it is full, and nothing acknowledged is lost', async () => {
    const { bus, folder } = await open({ limits: { max_bytes: 2_000_000 } });
    const topic = makeTopic(1);
    let kept = 0;
    let wasCongested = false;
    let refusal: unknown;
    while (refusal === undefined && kept < 5_000) {
      try {
        await bus.produce(topic, [message('k', String(kept).padEnd(2_000))]);
        kept++;
        wasCongested ||= bus.congested();
      } catch (error) {
        refusal = error;
      }
    }
    expect(refusal).toMatchObject({ code: 'BUS_FULL' });
    expect(wasCongested).toBe(true);
    await bus.close();
    const again = await open({ folder });
    expect(await readAll(again.bus, topic)).toHaveLength(kept);
  });

  test('what SQLite itself has no room for is BUS_FULL and leaves no part behind', async () => {
    const { bus } = await open({ limits: { max_bytes: 2_000_000 } });
    const topic = makeTopic(2);
    await bus.produce(topic, [message('a', 'before')]);
    const tooMany = Array.from({ length: 500 }, (_, at) => message(`k${at}`, 'x'.repeat(10_000)));
    await expect(bus.produce(topic, tooMany)).rejects.toMatchObject({ code: 'BUS_FULL' });
    expect((await readAll(bus, topic)).map(textOf)).toEqual(['before']);
    await bus.produce(topic, [message('a', 'after')]);
    expect((await readAll(bus, topic)).map(textOf)).toEqual(['before', 'after']);
  });

  test('without a budget the fullness of the disk counts', async () => {
    let used = 89;
    let monotonic = 0;
    const clock = { ...systemClock, monotonic: () => (monotonic += 2_000) };
    const { bus } = await open({ clock, measureDisk: () => ({ used, total: 100 }) });
    const topic = makeTopic(1);
    expect(bus.congested()).toBe(false);
    used = 90;
    expect(bus.congested()).toBe(true);
    await bus.produce(topic, [message('k', '1')]);
    used = 95;
    await expect(bus.produce(topic, [message('k', '2')])).rejects.toMatchObject({ code: 'BUS_FULL' });
  });

  test('too many bytes waiting for the disk are refused, and taken once it caught up', async () => {
    const { bus } = await open({ limits: { max_queued_bytes: 10_000 } });
    const topic = makeTopic(1);
    await bus.ensureTopics([topic]);
    const first = bus.produce(topic, [message('k', 'x'.repeat(9_500))]);
    expect(bus.congested()).toBe(true);
    await expect(bus.produce(topic, [message('k', 'x'.repeat(9_500))])).rejects.toMatchObject({
      code: 'BUS_FULL',
    });
    await first;
    await bus.produce(topic, [message('k', 'x'.repeat(9_500))]);
  });

  test('a running group is not moved', async () => {
    const { bus } = await open();
    const topic = makeTopic(1);
    await bus.produce(topic, [message('k', '1')]);
    let seen = 0;
    const consumer = bus.consume({ group: 'g', topics: [topic], handle: async () => void seen++ });
    await waitUntil({ what: 'the record', holds: () => seen === 1, timeout_ms: 5_000, interval_ms: 5 });
    await expect(bus.seek({ group: 'g', topic, offsets: [0] })).rejects.toMatchObject({
      code: 'BUS_GROUP_BUSY',
    });
    await consumer.stop();
    await bus.seek({ group: 'g', topic, offsets: [0] });
  });

  test('any run of producing, consuming and restarting keeps each acknowledged record once and in order per key', async () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('produce' as const),
        keys: fc.array(fc.constantFrom('a', 'b', 'ключ', ''), { minLength: 1, maxLength: 20 }),
      }),
      fc.record({ kind: fc.constant('consume' as const), records: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ kind: fc.constant('restart' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const folder = await makeFolder();
        const topic = makeTopic(3);
        const options = { folder, clock: systemClock, limits: { segment_bytes: 60 } };
        let bus = await openEmbeddedBus(options);
        await bus.ensureTopics([topic]);
        const sent: { key: string; id: string }[] = [];
        const handled: { key: string; id: string }[] = [];
        const consume = async (wanted: number): Promise<void> => {
          const target = Math.min(sent.length, handled.length + wanted);
          const consumer = bus.consume({
            group: 'g',
            topics: [topic],
            max_records: 3,
            handle: async (batch) => {
              for (const record of batch.records) handled.push({ key: record.key, id: textOf(record) });
            },
          });
          await waitUntil({
            what: 'records',
            holds: () => handled.length >= target,
            timeout_ms: 10_000,
            interval_ms: 1,
          });
          await consumer.stop();
        };
        for (const one of steps) {
          if (one.kind === 'produce') {
            const batch = one.keys.map((key, at) => ({ key, id: String(sent.length + at) }));
            await bus.produce(
              topic,
              batch.map(({ key, id }) => message(key, id)),
            );
            sent.push(...batch);
          } else if (one.kind === 'consume') await consume(one.records);
          else {
            await bus.close();
            bus = await openEmbeddedBus(options);
          }
        }
        await consume(sent.length);
        await bus.close();
        await rm(folder, { recursive: true, force: true });
        for (const key of new Set(sent.map((one) => one.key))) {
          const idsOf = (list: typeof sent): string[] =>
            list.filter((one) => one.key === key).map(({ id }) => id);
          expect(idsOf(handled)).toEqual(idsOf(sent));
        }
      }),
      { numRuns: 25 },
    );
  });
});
