// The Kafka bus when things go wrong, against a real broker: killed, emptied, recreated, shared among more consumers.
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Bus, BusBatch, ConsumeOptions } from '../../../platform/bus/bus.ts';
import { describeKafka } from '../../../platform/bus/kafka/describe-cluster.ts';
import type { KafkaNotice } from '../../../platform/bus/kafka/start-offset.ts';
import { type KafkaBusSettings, openBus } from '../../../platform/bus/open-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { errorCode } from '../../../platform/core/errors.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import type { TopicDefinition } from '../../../platform/core/topics.ts';
import { kafkaAdmin } from '../../services/kafka/admin.ts';
import { type Kafka, startKafka } from '../../services/kafka.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { makeTopic, message, readAll, textOf } from './contract.ts';

const WAIT_MS = 60_000;

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  await waitUntil({ what, holds, timeout_ms: WAIT_MS, interval_ms: 20 });
}

function holdsAll(seen: readonly string[], wanted: readonly string[]): boolean {
  const known = new Set(seen);
  return wanted.every((text) => known.has(text));
}

/** A signal reaches a process's threads one by one. */
function isStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) =>
    /^State:\s+T/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')),
  );
}

describe('the Kafka bus in trouble', { timeout: 120_000 }, () => {
  let kafka: Kafka;
  const undo: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    if (isRealRun()) kafka = await startKafka();
  });
  beforeEach((context) => requireReal(context, 'java', 'kafka'));
  afterEach(async () => {
    for (const one of undo.splice(0).reverse()) await one();
  });
  afterAll(() => kafka?.stop());

  async function open(more: Partial<KafkaBusSettings> = {}): Promise<Bus> {
    const bus = await openBus({
      engine: 'kafka',
      connection: { brokers: [kafka.broker], client_id: 'picket-test' },
      topics: { replication_factor: 1, create: true },
      clock: systemClock,
      logger: silentLogger,
      ...more,
    });
    undo.push(() => bus.close());
    return bus;
  }

  /** Keeps the texts of what it was given, in order. */
  function collect(bus: Bus, options: Omit<ConsumeOptions, 'handle'>): string[] {
    const texts: string[] = [];
    bus.consume({
      ...options,
      handle: async ({ records }) => {
        texts.push(...records.map(textOf));
      },
    });
    return texts;
  }

  test('processes that start at the same moment agree on topics that none of them found', async () => {
    const buses = await Promise.all(Array.from({ length: 6 }, () => open()));
    for (let round = 0; round < 5; round++) {
      const topics = Array.from({ length: 4 }, (_, at) => makeTopic(at + 1));
      await Promise.all(buses.map((bus) => bus.ensureTopics(topics)));
      const bounds = await Promise.all(topics.map((topic) => (buses[round] as Bus).bounds(topic)));
      expect(bounds.map(({ length }) => length)).toEqual([1, 2, 3, 4]);
    }
  });

  test('a broker killed and started again: producers end in bounded time, consumers find back, what was acknowledged is there once', async () => {
    const bus = await open({ limits: { delivery_timeout_ms: 2_000 } });
    const topic = makeTopic(2);
    await bus.ensureTopics([topic]);
    const group = randomUUID();
    const seen = collect(bus, { group, topics: [topic] });
    const acknowledged: string[] = [];
    const refused: { text: string; code: string }[] = [];
    const load = { on: true };
    const sender = async (name: string): Promise<void> => {
      for (let nth = 0; load.on; nth++) {
        const text = `${name}-${nth}`;
        try {
          await bus.produce(topic, [message(text, text)]);
          acknowledged.push(text);
        } catch (error) {
          refused.push({ text, code: errorCode(error) });
        }
      }
    };
    const senders = ['a', 'b', 'c', 'd'].map(sender);
    await until('a thousand records', () => seen.length > 1_000);
    await kafka.kill();
    await until('a refusal', () => refused.length > 0);
    expect(bus.congested()).toBe(true);
    const before = acknowledged.length;
    await kafka.start();
    await until('more acknowledged', () => acknowledged.length > before + 500);
    expect(bus.congested()).toBe(false);
    load.on = false;
    await Promise.all(senders);
    await until('all consumed', () => holdsAll(seen, acknowledged));
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['BUS_UNAVAILABLE']));
    const stored = (await readAll(bus, topic)).map(textOf);
    const known = new Set(acknowledged);
    expect(stored.filter((text) => known.has(text)).toSorted()).toEqual(acknowledged.toSorted());
  });

  test('a bus that was opened and finds the broker gone and back needs nobody to produce for it', async () => {
    const bus = await open({ limits: { delivery_timeout_ms: 500 } });
    const topic = makeTopic(1);
    await bus.ensureTopics([topic]);
    await kafka.kill();
    await expect(bus.produce(topic, [message('a', '1')])).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
    expect(bus.congested()).toBe(true);
    await kafka.start();
    await until('the bus to see it', () => !bus.congested());
    await bus.produce(topic, [message('a', '2')]);
  });

  test('a broker that stalls and goes on: what was given up may be there, what was acknowledged is there once', async () => {
    const bus = await open({ limits: { delivery_timeout_ms: 1_500 } });
    const topic = makeTopic(1);
    await bus.ensureTopics([topic]);
    const acknowledged: string[] = [];
    const refused: string[] = [];
    const send = async (text: string): Promise<void> => {
      try {
        await bus.produce(topic, [message('a', text)]);
        acknowledged.push(text);
      } catch (error) {
        refused.push(`${text} ${errorCode(error)}`);
      }
    };
    // More than once: what is given up while a new identity is asked for must not share numbers with what follows it.
    for (let round = 0; round < 3; round++) {
      refused.length = 0;
      for (let nth = 0; nth < 5; nth++) await send(`before-${round}-${nth}`);
      const stalled = [0, 1, 2].map((nth) => `stalled-${round}-${nth}`) as [string, string, string];
      process.kill(kafka.pid(), 'SIGSTOP');
      try {
        await until('each of its threads stands still', () => isStopped(kafka.pid()));
        await Promise.all([send(stalled[0]), send(stalled[1])]);
        await send(stalled[2]);
      } finally {
        process.kill(kafka.pid(), 'SIGCONT');
      }
      expect(refused).toEqual(stalled.map((text) => `${text} BUS_UNAVAILABLE`));
      const before = acknowledged.length;
      await until('the broker answers', async () => {
        await send(`probe-${round}-${refused.length}`);
        return acknowledged.length > before;
      });
    }
    for (let nth = 0; nth < 20; nth++) await send(`after-${nth}`);
    const stored = (await readAll(bus, topic)).map(textOf);
    expect(acknowledged.filter((text) => text.startsWith('after'))).toHaveLength(20);
    for (const text of acknowledged) expect(stored.filter((one) => one === text)).toEqual([text]);
  });

  test('a topic made anew is read from its first record, and it is said', async () => {
    const notices: KafkaNotice[] = [];
    const bus = await open({ onNotice: (notice) => notices.push(notice) });
    const topic = makeTopic(1);
    await bus.ensureTopics([topic]);
    const group = randomUUID();
    const seen = collect(bus, { group, topics: [topic] });
    await bus.produce(
      topic,
      ['1', '2', '3'].map((text) => message('a', text)),
    );
    await until('three', async () => seen.length === 3 && (await bus.lag(group))[topic.name] === 0);
    const admin = await kafkaAdmin(kafka);
    undo.push(() => admin.disconnect());
    await admin.deleteTopics({ topics: [topic.name] });
    const other = await open();
    await until('the topic is there again', async () => {
      await other.ensureTopics([topic]).catch(() => {});
      return (await admin.listTopics()).includes(topic.name);
    });
    // As many as there were before and more: offsets alone would not tell the two topics apart.
    const anew = ['4', '5', '6', '7', '8'];
    await until('the new ones are written', async () => {
      try {
        await other.produce(
          topic,
          anew.map((text) => message('a', text)),
        );
        return true;
      } catch {
        return false;
      }
    });
    await until('all of the new', () => holdsAll(seen, anew));
    await until('no lag', async () => (await bus.lag(group))[topic.name] === 0);
    expect(notices.map(({ kind, topic: name }) => [kind, name])).toContainEqual([
      'topic-recreated',
      topic.name,
    ]);
  });

  test('a topic that is gone disturbs no other, and is worked again when it is back', async () => {
    const bus = await open({ limits: { delivery_timeout_ms: 1_000 } });
    const [stays, goes] = [makeTopic(2), makeTopic(2)];
    await bus.ensureTopics([stays, goes]);
    const group = randomUUID();
    const seen = collect(bus, { group, topics: [stays, goes] });
    const send = (topic: TopicDefinition, text: string) => bus.produce(topic, [message(text, text)]);
    await send(stays, 'stays 1');
    await send(goes, 'goes 1');
    await until('both', async () => seen.length === 2 && (await bus.lag(group))[goes.name] === 0);
    const admin = await kafkaAdmin(kafka);
    undo.push(() => admin.disconnect());
    await admin.deleteTopics({ topics: [goes.name] });
    for (let nth = 2; nth < 12; nth++) {
      const [kept, lost] = await Promise.allSettled([send(stays, `stays ${nth}`), send(goes, `lost ${nth}`)]);
      expect(kept.status).toBe('fulfilled');
      expect(lost).toMatchObject({ status: 'rejected', reason: { code: 'BUS_TOPIC_MISSING' } });
      expect(bus.congested()).toBe(false);
    }
    await until('the other topic', () => seen.includes('stays 11'));
    const other = await open();
    await other.ensureTopics([goes]);
    await until('it takes something again', async () => {
      try {
        await send(goes, 'goes 2');
        return true;
      } catch {
        return false;
      }
    });
    await until('and it is read', () => seen.includes('goes 2'));
    // What was not committed when the other topic went may come again.
    expect(new Set(seen.filter((text) => text.startsWith('stays'))).size).toBe(11);
  });

  test('records that expired before they were read are said, and reading goes on', async () => {
    const notices: KafkaNotice[] = [];
    const bus = await open({ onNotice: (notice) => notices.push(notice) });
    const topic = makeTopic(1);
    await bus.ensureTopics([topic]);
    const group = randomUUID();
    await bus.produce(
      topic,
      ['1', '2', '3', '4'].map((text) => message('a', text)),
    );
    await bus.seek({ group, topic, offsets: [1] });
    const admin = await kafkaAdmin(kafka);
    undo.push(() => admin.disconnect());
    // kafkajs' admin must have seen the topic before it can cut it.
    await admin.fetchTopicOffsets(topic.name);
    await admin.deleteTopicRecords({ topic: topic.name, partitions: [{ partition: 0, offset: '3' }] });
    const resets: unknown[] = [];
    const seen = collect(bus, {
      group,
      topics: [topic],
      onReset: (name, partition, next) => void resets.push([name, partition, next]),
    });
    await until('the last', () => seen.length > 0);
    expect(seen).toEqual(['4']);
    expect(resets).toEqual([[topic.name, 0, 3]]);
    expect(notices).toMatchObject([{ kind: 'records-expired', topic: topic.name }]);
    expect(notices[0]?.message).toContain('2 records from 1 on');
  });

  test('consumers come and go: partitions stay where they are as far as can be, and no two work one at a time', async () => {
    const bus = await open();
    const topic = makeTopic(6);
    await bus.ensureTopics([topic]);
    const group = randomUUID();
    const working = new Map<number, string>();
    const clashes: string[] = [];
    const aborted: string[] = [];
    const owners = new Map<number, Set<string>>();
    const seen: string[] = [];
    const begin = (name: string) =>
      bus.consume({
        group,
        topics: [topic],
        max_records: 5,
        handle: async ({ partition, records }: BusBatch, signal) => {
          const other = working.get(partition);
          if (other !== undefined) clashes.push(`${partition}: ${other} and ${name}`);
          working.set(partition, name);
          await systemClock.sleep(15);
          working.delete(partition);
          if (signal.aborted) aborted.push(`${name} ${partition}`);
          owners.set(partition, (owners.get(partition) ?? new Set()).add(name));
          seen.push(...records.map(textOf));
        },
      });
    const load = { on: true };
    let sent = 0;
    const producer = (async () => {
      while (load.on) {
        await bus.produce(
          topic,
          Array.from({ length: 30 }, () => message(`k${sent % 97}`, String(sent++))),
        );
      }
    })();
    const share = (name: string): number[] =>
      [...owners].flatMap(([partition, names]) => (names.has(name) ? [partition] : []));
    const one = begin('one');
    await until('one works all', () => share('one').length === 6);
    owners.clear();
    const two = begin('two');
    await until('two works', () => share('two').length === 3);
    owners.clear();
    await until('one works the rest', () => share('one').length + share('two').length >= 6);
    expect(share('two')).toHaveLength(3);
    const ofTwo = share('two');
    const three = begin('three');
    await until('three works', () => share('three').length === 2);
    owners.clear();
    await until('all are worked', () => owners.size === 6);
    // What two lost is one partition at most; what it has it had before.
    const still = share('two');
    expect(still.length).toBeGreaterThanOrEqual(2);
    expect(ofTwo).toEqual(expect.arrayContaining(still));
    await two.stop();
    owners.clear();
    await until('two is replaced', () => owners.size === 6);
    load.on = false;
    await producer;
    await until('no lag', async () => (await bus.lag(group))[topic.name] === 0);
    await Promise.all([one.stop(), three.stop()]);
    expect(clashes).toEqual([]);
    expect(new Set(seen).size).toBe(sent);
    // Nothing is worked twice: what moved was finished and committed first.
    expect(seen).toHaveLength(sent);
  });

  test('a handler that fails holds up its own partition and no other', async () => {
    const bus = await open();
    const topic = makeTopic(2);
    await bus.ensureTopics([topic]);
    const keys = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5'];
    const sent = await bus.produce(
      topic,
      keys.map((key) => message(key, key)),
    );
    const poisoned = sent[0]?.partition;
    const seen: string[] = [];
    const consumer = bus.consume({
      group: randomUUID(),
      topics: [topic],
      handle: async ({ partition, records }) => {
        if (partition === poisoned) throw new Error('poisoned');
        seen.push(...records.map(textOf));
      },
    });
    const others = keys.filter((_, at) => sent[at]?.partition !== poisoned);
    await until('the other partition', () => seen.length === others.length);
    await bus.produce(
      topic,
      others.map((key) => message(key, `${key} again`)),
    );
    await until('and what came later', () => seen.length === others.length * 2);
    await consumer.stop();
    expect(seen).toEqual([...others, ...others.map((key) => `${key} again`)]);
  });

  test('while a consumer pauses, its lag grows in Kafka and goes when it resumes', async () => {
    const bus = await open();
    const topic = makeTopic(1);
    await bus.ensureTopics([topic]);
    const group = randomUUID();
    const seen: string[] = [];
    const consumer = bus.consume({
      group,
      topics: [topic],
      handle: async ({ records }) => {
        seen.push(...records.map(textOf));
      },
    });
    await bus.produce(topic, [message('a', 'first')]);
    await until('the first', async () => (await bus.lag(group))[topic.name] === 0);
    consumer.pause();
    for (let nth = 0; nth < 5; nth++) await bus.produce(topic, [message('a', String(nth))]);
    expect(await bus.lag(group)).toEqual({ [topic.name]: 5 });
    consumer.resume();
    await until('no lag', async () => (await bus.lag(group))[topic.name] === 0);
    expect(seen).toEqual(['first', '0', '1', '2', '3', '4']);
  });

  test('says which brokers and topics there are, and what is wrong with them', async () => {
    const bus = await open();
    const declared = [makeTopic(2), makeTopic(1)] as const;
    await bus.ensureTopics([declared[0]]);
    const state = await describeKafka({
      connection: { brokers: [kafka.broker], client_id: 'picket-test' },
      topics: { create: true, partitions: { [declared[0].name]: 3 } },
      logger: silentLogger,
      declared,
    });
    const [host, port] = kafka.broker.split(':');
    expect(state.brokers).toEqual([{ id: 1, host, port: Number(port) }]);
    expect(state.controller).toBe(1);
    expect(state.topics).toEqual([
      {
        name: declared[0].name,
        partitions: 2,
        replicas: 1,
        offline: [],
        under_replicated: [],
        differences: [expect.stringContaining('partitions is 2, declared is 3')],
      },
      {
        name: declared[1].name,
        partitions: 0,
        replicas: 0,
        offline: [],
        under_replicated: [],
        differences: ['it is not there'],
      },
    ]);
    const away = { brokers: ['127.0.0.1:1'], client_id: 'picket-test' };
    await expect(
      describeKafka({ connection: away, topics: { create: true }, logger: silentLogger }),
    ).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
  });

  describe('topics that others made', () => {
    async function make(topic: TopicDefinition, config: Record<string, string>): Promise<void> {
      const admin = await kafkaAdmin(kafka);
      undo.push(() => admin.disconnect());
      await admin.createTopics({
        waitForLeaders: true,
        topics: [
          {
            topic: topic.name,
            numPartitions: topic.partitions,
            replicationFactor: 1,
            configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
          },
        ],
      });
    }

    test('with another retention or time of messages are used, and each difference is said with its remedy', async () => {
      const notices: KafkaNotice[] = [];
      const bus = await open({ onNotice: (notice) => notices.push(notice) });
      const topic = makeTopic(1);
      await make(topic, { 'retention.ms': '1000000', 'max.message.bytes': '1048588' });
      await bus.ensureTopics([topic]);
      expect(notices.map(({ message: text }) => text)).toEqual([
        expect.stringContaining(
          `retention.ms is 1000000, declared is ${topic.retention_ms}; kafka-configs.sh`,
        ),
        expect.stringContaining('retention.bytes is -1'),
        expect.stringContaining('message.timestamp.type is CreateTime, declared is LogAppendTime'),
        expect.stringContaining('max.message.bytes is 1048588'),
      ]);
    });

    test('with compaction where all is to be kept are refused', async () => {
      const bus = await open();
      const topic = makeTopic(1);
      await make(topic, { 'cleanup.policy': 'compact' });
      await expect(bus.ensureTopics([topic])).rejects.toMatchObject({ code: 'BUS_TOPIC_MISMATCH' });
    });

    test('are waited for where this program is not to make them', async () => {
      const bus = await open({ topics: { replication_factor: 1, create: false } });
      const topic = makeTopic(1);
      await expect(bus.ensureTopics([topic])).rejects.toMatchObject({ code: 'BUS_TOPIC_MISSING' });
      await make(topic, {});
      await bus.ensureTopics([topic]);
    });

    test('with a lower limit than ours: a batch over it goes message by message, one message over it is refused', async () => {
      const bus = await open({ compression: 'none' });
      const topic = makeTopic(1);
      await make(topic, { 'max.message.bytes': '20000' });
      const part = Buffer.alloc(6_000, 'x').toString();
      const fitting = Array.from({ length: 6 }, (_, nth) => message('a', `${nth}${part}`));
      const positions = await bus.produce(topic, fitting);
      expect(positions.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5]);
      await expect(bus.produce(topic, [message('a', part.repeat(4))])).rejects.toMatchObject({
        code: 'BUS_MESSAGE_TOO_LARGE',
      });
      await bus.produce(topic, [message('a', 'after it')]);
      expect((await readAll(bus, topic)).map((record) => textOf(record)[0])).toEqual([
        '0',
        '1',
        '2',
        '3',
        '4',
        '5',
        'a',
      ]);
    });
  });
});
