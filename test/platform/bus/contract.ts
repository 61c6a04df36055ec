// The bus contract as tests: every engine faces the same suite, so it assumes nothing that a broker cannot keep.
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bus, BusBatch, BusMessage, BusRecord, ConsumeOptions } from '../../../platform/bus/bus.ts';
import {
  listDeadLetters,
  listLatestDeadLetters,
  replayDeadLetters,
} from '../../../platform/bus/replay-dead-letters.ts';
import { TOPICS, type TopicDefinition } from '../../../platform/core/topics.ts';
import { waitUntil } from '../../services/wait-until.ts';

/** A fresh place for one test; `reopen` ends the process's hold as a crash would end it, or closes, and opens again. */
export interface BusUnderTest {
  readonly bus: Bus;
  reopen(): Promise<Bus>;
  dispose(): Promise<void>;
}

const WAIT_MS = 20_000;

export function makeTopic(partitions: number, more: Partial<TopicDefinition> = {}): TopicDefinition {
  const name = `test.${randomUUID()}`;
  return { name, partitions, retention_ms: 3_600_000, retention_bytes: 64 * 1024 * 1024, ...more };
}

export function message(key: string, text: string, headers: Record<string, string> = {}): BusMessage {
  return { key, value: Buffer.from(text), headers };
}

export function textOf(record: { value: Uint8Array }): string {
  return Buffer.from(record.value).toString('utf8');
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  await waitUntil({ what, holds, timeout_ms: WAIT_MS, interval_ms: 10 });
}

/** A consumer that keeps all it was given. */
function collect(bus: Bus, options: Omit<ConsumeOptions, 'handle'>) {
  const records: BusRecord[] = [];
  const batches: BusBatch[] = [];
  const consumer = bus.consume({
    ...options,
    handle: async (batch) => {
      batches.push(batch);
      records.push(...batch.records);
    },
  });
  return { consumer, records, batches };
}

export function describeBusContract(name: string, open: () => Promise<BusUnderTest>): void {
  describe(`the bus contract: ${name}`, () => {
    let place: BusUnderTest;
    let bus: Bus;
    beforeEach(async () => {
      place = await open();
      bus = place.bus;
    });
    afterEach(() => place.dispose());

    test('messages of one key keep their order and their partition, with key, headers and bytes untouched', async () => {
      const topic = makeTopic(3);
      await bus.ensureTopics([topic]);
      const sent = Array.from({ length: 60 }, (_, at) =>
        message(`key-${at % 5}`, `value ${at} é漢\u0000`, { id: String(at), tenant: 'tënant' }),
      );
      const positions = [
        ...(await bus.produce(topic, sent.slice(0, 40))),
        ...(await bus.produce(topic, sent.slice(40))),
      ];
      expect(positions).toHaveLength(60);
      const { consumer, records } = collect(bus, { group: randomUUID(), topics: [topic] });
      await until('all records', () => records.length === 60);
      await consumer.stop();
      for (let key = 0; key < 5; key++) {
        const ofKey = records.filter((record) => record.key === `key-${key}`);
        expect(ofKey.map((record) => record.headers['id'])).toEqual(
          sent.filter(({ key: own }) => own === `key-${key}`).map(({ headers }) => headers['id']),
        );
        expect(new Set(ofKey.map((record) => record.partition)).size).toBe(1);
      }
      for (const record of records) {
        const at = Number(record.headers['id']);
        expect(textOf(record)).toBe(`value ${at} é漢\u0000`);
        expect(record.headers['tenant']).toBe('tënant');
        expect({ partition: record.partition, offset: record.offset }).toEqual(positions[at]);
        expect(record.topic).toBe(topic.name);
      }
    });

    test('bytes that are not text come back as they were, also none at all', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
      await bus.produce(topic, [
        { key: 'a', value: bytes, headers: {} },
        { key: 'a', value: new Uint8Array(), headers: {} },
      ]);
      const records = await readAll(bus, topic);
      expect(records.map((record) => [...record.value])).toEqual([[...bytes], []]);
    });

    test('nothing to produce is nothing done', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      expect(await bus.produce(topic, [])).toEqual([]);
    });

    test('a batch holds one partition, is never empty and keeps to max_records', async () => {
      const topic = makeTopic(2);
      await bus.ensureTopics([topic]);
      await bus.produce(
        topic,
        Array.from({ length: 50 }, (_, at) => message(`k${at}`, String(at))),
      );
      const { consumer, records, batches } = collect(bus, {
        group: randomUUID(),
        topics: [topic],
        max_records: 7,
      });
      await until('all records', () => records.length === 50);
      await consumer.stop();
      for (const batch of batches) {
        expect(batch.records.length).toBeGreaterThan(0);
        expect(batch.records.length).toBeLessThanOrEqual(7);
        expect(batch.records.every((record) => record.partition === batch.partition)).toBe(true);
      }
    });

    test('groups are independent: each sees everything', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      const first = collect(bus, { group: randomUUID(), topics: [topic] });
      await bus.produce(topic, [message('a', '1'), message('a', '2')]);
      await until('the first group', () => first.records.length === 2);
      const second = collect(bus, { group: randomUUID(), topics: [topic] });
      await until('the second group', () => second.records.length === 2);
      await Promise.all([first.consumer.stop(), second.consumer.stop()]);
      expect(second.records.map(textOf)).toEqual(first.records.map(textOf));
    });

    test('two consumers of one group do not both get a record', async () => {
      const topic = makeTopic(2);
      await bus.ensureTopics([topic]);
      const group = randomUUID();
      const one = collect(bus, { group, topics: [topic] });
      const two = collect(bus, { group, topics: [topic] });
      for (let at = 0; at < 40; at++) await bus.produce(topic, [message(`k${at}`, String(at))]);
      await until('all records', async () => ((await bus.lag(group))[topic.name] ?? 1) === 0);
      await Promise.all([one.consumer.stop(), two.consumer.stop()]);
      const texts = [...one.records, ...two.records].map(textOf);
      expect(new Set(texts).size).toBe(40);
    });

    test('a group goes on after its committed offset, also in a bus opened again', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      const group = randomUUID();
      await bus.produce(topic, [message('a', '1'), message('a', '2')]);
      const before = collect(bus, { group, topics: [topic] });
      await until('the first two', () => before.records.length === 2);
      await before.consumer.stop();
      expect(await bus.lag(group)).toEqual({ [topic.name]: 0 });
      await bus.produce(topic, [message('a', '3')]);
      expect(await bus.lag(group)).toEqual({ [topic.name]: 1 });
      bus = await place.reopen();
      const after = collect(bus, { group, topics: [topic] });
      await until('the third', () => after.records.length >= 1);
      await after.consumer.stop();
      expect(after.records.map(textOf)).toEqual(['3']);
    });

    test('a batch whose handler never finished comes again after reopening', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      const group = randomUUID();
      await bus.produce(topic, [message('a', '1'), message('a', '2')]);
      let entered = false;
      const stuck = bus.consume({
        group,
        topics: [topic],
        handle: (_, signal) =>
          new Promise((_resolve, reject) => {
            entered = true;
            signal.addEventListener('abort', () => reject(new Error('stopped before it was done')));
          }),
      });
      await until('the handler', () => entered);
      await stuck.stop();
      bus = await place.reopen();
      const after = collect(bus, { group, topics: [topic] });
      await until('both again', () => after.records.length === 2);
      await after.consumer.stop();
      expect(after.records.map(textOf)).toEqual(['1', '2']);
    });

    test('stop waits for the batch in hand and commits it', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      const group = randomUUID();
      await bus.produce(topic, [message('a', '1')]);
      const entered = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      const consumer = bus.consume({
        group,
        topics: [topic],
        handle: async () => {
          entered.resolve();
          await finish.promise;
        },
      });
      await entered.promise;
      const stopped = consumer.stop();
      finish.resolve();
      await stopped;
      bus = await place.reopen();
      expect(await bus.lag(group)).toEqual({ [topic.name]: 0 });
    });

    test('a failing handler gets the same batch again until it takes it, and onError hears of each failure', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      await bus.produce(topic, [message('a', '1'), message('a', '2')]);
      const seen: string[][] = [];
      const errors: unknown[] = [];
      const consumer = bus.consume({
        group: randomUUID(),
        topics: [topic],
        handle: async (batch) => {
          seen.push(batch.records.map(textOf));
          if (seen.length < 3) throw new Error(`no ${seen.length}`);
        },
        onError: (error) => errors.push((error as Error).message),
      });
      await until('three tries', () => seen.length >= 3);
      await consumer.stop();
      expect(seen.slice(0, 3)).toEqual([
        ['1', '2'],
        ['1', '2'],
        ['1', '2'],
      ]);
      expect(errors).toEqual(['no 1', 'no 2']);
    });

    test('a poisoned record goes to the dead letters and the rest is worked', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic, TOPICS.deadLetters]);
      const code = `TEST_${randomUUID()}`;
      await bus.produce(topic, [message('a', 'good 1'), message('a', 'poison'), message('a', 'good 2')]);
      const good: string[] = [];
      const consumer = bus.consume({
        group: randomUUID(),
        topics: [topic],
        handle: async (batch) => {
          for (const record of batch.records) {
            if (textOf(record) === 'poison')
              await bus.deadLetter(record, { stage: 'normalise', code, message: 'bad' });
            else good.push(textOf(record));
          }
        },
      });
      await until('both good ones', () => good.length >= 2);
      await consumer.stop();
      const letters = await listDeadLetters({ bus, filter: { code } });
      expect(letters.map((letter) => textOf(letter.message))).toEqual(['poison']);
      expect(letters[0]?.topic).toBe(topic.name);
    });

    test('pause holds back, resume goes on', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      const group = randomUUID();
      const { consumer, records } = collect(bus, { group, topics: [topic] });
      await bus.produce(topic, [message('a', '1')]);
      await until('the first', () => records.length === 1);
      consumer.pause();
      await until('the commit', async () => (await bus.lag(group))[topic.name] === 0);
      // A batch already asked for may still come; what follows it may not.
      await bus.produce(topic, [message('a', '2')]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const held = records.length;
      await bus.produce(topic, [message('a', '3')]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(records.length).toBe(held);
      consumer.resume();
      await until('the rest', () => records.length === 3);
      await consumer.stop();
      expect(records.map(textOf)).toEqual(['1', '2', '3']);
    });

    test('from latest sees only what comes after the group began', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      const group = randomUUID();
      await bus.produce(topic, [message('a', 'old')]);
      const { consumer, records } = collect(bus, { group, topics: [topic], from: 'latest' });
      await until('the group stands at the end', async () => (await bus.lag(group))[topic.name] === 0);
      await bus.produce(topic, [message('a', 'new')]);
      await until('the new one', () => records.length > 0);
      await consumer.stop();
      expect(records.map(textOf)).toEqual(['new']);
    });

    test('a position of the consumer goes before the committed offset', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      const group = randomUUID();
      const positions = await bus.produce(topic, [message('a', '1'), message('a', '2'), message('a', '3')]);
      const first = collect(bus, { group, topics: [topic] });
      await until('all', () => first.records.length === 3);
      await first.consumer.stop();
      const again = collect(bus, { group, topics: [topic], position: () => positions[1]?.offset });
      await until('from the second on', () => again.records.length === 2);
      await again.consumer.stop();
      expect(again.records.map(textOf)).toEqual(['2', '3']);
    });

    test('seek moves a stopped group by time', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      const group = randomUUID();
      await bus.produce(topic, [message('a', '1')]);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await bus.produce(topic, [message('a', '2'), message('a', '3')]);
      const records = await readAll(bus, topic);
      const times = records.map((record) => record.timestamp);
      expect([...times].sort((a, b) => a - b)).toEqual(times);
      const first = collect(bus, { group, topics: [topic] });
      await until('all', () => first.records.length === 3);
      await first.consumer.stop();
      const offsets = await bus.offsetsAt(topic, times[1] as number);
      expect(offsets).toEqual([records[1]?.offset]);
      await bus.seek({ group, topic, offsets });
      expect(await bus.lag(group)).toEqual({ [topic.name]: 2 });
      const again = collect(bus, { group, topics: [topic] });
      await until('two again', () => again.records.length === 2);
      await again.consumer.stop();
      expect(again.records.map(textOf)).toEqual(['2', '3']);
      const bounds = await bus.bounds(topic);
      expect(await bus.offsetsAt(topic, (times[2] as number) + 3_600_000)).toEqual([bounds[0]?.next]);
      expect(await bus.offsetsAt(topic, 0)).toEqual([bounds[0]?.first]);
    });

    test('read gives records from an offset on, without a group, and nothing at the end', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      const positions = await bus.produce(topic, [message('a', '1'), message('a', '2'), message('a', '3')]);
      const offset = positions[1]?.offset as number;
      const two = await bus.read({ topic, partition: 0, offset, max_records: 10 });
      expect(two.map(textOf)).toEqual(['2', '3']);
      expect((await bus.read({ topic, partition: 0, offset, max_records: 1 })).map(textOf)).toEqual(['2']);
      const [bounds] = await bus.bounds(topic);
      expect(
        await bus.read({ topic, partition: 0, offset: bounds?.next as number, max_records: 10 }),
      ).toEqual([]);
    });

    test('the latest dead letters are the last ones, oldest first', async () => {
      await bus.ensureTopics([TOPICS.deadLetters]);
      const code = `TEST_${randomUUID()}`;
      for (let nth = 0; nth < 30; nth++) {
        const value = Uint8Array.of(nth);
        await bus.deadLetter({ key: 'a', value, headers: {} }, { stage: 'normalise', code, message: 'bad' });
      }
      const latest = await listLatestDeadLetters({ bus, limit: 5 });
      expect(latest.map(({ message }) => message.value[0])).toEqual([25, 26, 27, 28, 29]);
      expect(latest.every((letter) => letter.code === code)).toBe(true);
    });

    test('of a dead letter that is too large for the bus the first part is kept, and it says so', async () => {
      await bus.ensureTopics([TOPICS.deadLetters]);
      const value = Buffer.alloc(17 * 1024 ** 2, 'x');
      await bus.deadLetter(
        { key: 'a', value, headers: { source: 'cluster' } },
        { stage: 'bus', code: 'BUS_MESSAGE_TOO_LARGE', message: 'too large' },
      );
      const [bounds] = await bus.bounds(TOPICS.deadLetters);
      const [letter] = await bus.read({
        topic: TOPICS.deadLetters,
        partition: 0,
        offset: (bounds?.next ?? 1) - 1,
        max_records: 1,
      });
      expect(letter?.headers).toMatchObject({
        source: 'cluster',
        truncated: '1',
        bytes: String(value.byteLength),
        'dl-code': 'BUS_MESSAGE_TOO_LARGE',
      });
      expect(letter?.value.byteLength).toBe(16 * 1024 ** 2 - 64 * 1024);
    });

    test('a dead letter keeps bytes, headers and reason, can be filtered, and is replayed once', async () => {
      await bus.ensureTopics([TOPICS.deadLetters]);
      const code = `TEST_${randomUUID()}`;
      const value = Uint8Array.of(0, 255, 10, 13);
      await bus.deadLetter(
        { key: 'audit', value, headers: { tenant: 't', source: 'audit' }, topic: 'picket.events' },
        { stage: 'normalise', code, message: 'not JSON', place: 'byte 3' },
      );
      await bus.deadLetter({ key: 'other', value, headers: {} }, { stage: 'index', code, message: 'bad' });
      const letters = await listDeadLetters({ bus, filter: { code, source: 'audit' } });
      expect(letters).toHaveLength(1);
      expect(letters[0]).toMatchObject({
        stage: 'normalise',
        code,
        reason: 'not JSON',
        place: 'byte 3',
        topic: 'picket.events',
        replayed: false,
        message: { key: 'audit', headers: { tenant: 't', source: 'audit' } },
      });
      expect([...(letters[0]?.message.value ?? [])]).toEqual([...value]);
      const fed: BusMessage[] = [];
      const replay = () =>
        replayDeadLetters({
          bus,
          filter: { code },
          now: 1,
          feed: async (one) => {
            if (one.key === 'other' && fed.length < 2) {
              fed.push(one);
              throw new Error('still broken');
            }
            fed.push(one);
          },
        });
      expect(await replay()).toMatchObject({
        matched: 2,
        replayed: 1,
        already: 0,
        failed: [{ code: 'INTERNAL' }],
      });
      bus = await place.reopen();
      expect(await replay()).toMatchObject({ matched: 2, replayed: 1, already: 1, failed: [] });
      expect(await replay()).toMatchObject({ matched: 2, replayed: 0, already: 2, failed: [] });
      expect(fed.map(({ key }) => key)).toEqual(['audit', 'other', 'other']);
    });

    test('a topic with other partitions is refused, the same one is not', async () => {
      const topic = makeTopic(2);
      await bus.ensureTopics([topic]);
      await bus.ensureTopics([{ ...topic, retention_ms: topic.retention_ms * 2 }]);
      await expect(bus.ensureTopics([{ ...topic, partitions: 3 }])).rejects.toMatchObject({
        code: 'BUS_TOPIC_MISMATCH',
      });
    });

    test('a message that is too large is refused with its place, and its neighbours with it', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      const huge = { key: 'a', value: new Uint8Array(64 * 1024 * 1024), headers: {} };
      await expect(bus.produce(topic, [message('a', 'small'), huge])).rejects.toMatchObject({
        code: 'BUS_MESSAGE_TOO_LARGE',
      });
      expect(await readAll(bus, topic)).toEqual([]);
    });

    test('a closed bus says so', async () => {
      const topic = makeTopic(1);
      await bus.ensureTopics([topic]);
      await bus.close();
      await expect(bus.produce(topic, [message('a', '1')])).rejects.toMatchObject({ code: 'BUS_CLOSED' });
    });
  });
}

/** Every record of a topic, partition after partition. */
export async function readAll(bus: Bus, topic: TopicDefinition): Promise<BusRecord[]> {
  const all: BusRecord[] = [];
  for (const [partition, { first, next }] of (await bus.bounds(topic)).entries()) {
    let offset = first;
    while (offset < next) {
      const records = await bus.read({ topic, partition, offset, max_records: 1_000 });
      const last = records.at(-1);
      if (!last) break;
      all.push(...records);
      offset = last.offset + 1;
    }
  }
  return all;
}
