// The Kafka bus against kafkajs alone, on the same real broker: the same bytes, batch sizes, acknowledgements and compression.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Bus, BusMessage, Consumer } from '../platform/bus/bus.ts';
import { openBus } from '../platform/bus/open-bus.ts';
import { systemClock } from '../platform/core/clock.ts';
import { silentLogger } from '../platform/core/log.ts';
import type { TopicDefinition } from '../platform/core/topics.ts';
import { install } from '../test/services/install.ts';
import { startKafka } from '../test/services/kafka.ts';

export const description =
  'Kafka bus: produce and consume of 700-byte messages against kafkajs alone on the same broker (idempotent, acks of all, zstd and none)';

const BODY_BYTES = 700;
const ROUNDS = 3;
const PARTITIONS = 4;
/** Messages handed in at a time, and how many such calls are under way at once. */
const BATCHES = [
  { size: 100, messages: 40_000, in_flight: 4 },
  { size: 1_000, messages: 80_000, in_flight: 4 },
] as const;

interface Rates {
  produce: number;
  consume: number;
  /** CPU seconds of this process a million messages. */
  produce_cpu: number;
  consume_cpu: number;
}

export async function run({ progress }: { progress: (line: string) => void }) {
  await install(['kafka']);
  const kafka = await startKafka();
  const table: Record<string, string | number>[] = [];
  const figures: Record<string, number | string> = {};
  try {
    for (const compression of ['none', 'zstd'] as const) {
      const bus = await openBus({
        engine: 'kafka',
        connection: { brokers: [kafka.broker], client_id: 'bench' },
        topics: { create: true },
        clock: systemClock,
        logger: silentLogger,
        compression,
        limits: { delivery_timeout_ms: 60_000 },
      });
      const client = new kafkajs.Kafka({
        clientId: 'bench-raw',
        brokers: [kafka.broker],
        logLevel: kafkajs.logLevel.NOTHING,
      });
      for (const { size, messages, in_flight } of BATCHES) {
        const ours: Rates[] = [];
        const raw: Rates[] = [];
        // Turn about, and the other first every second time, so that what else the machine does hits both.
        for (let round = 0; round < ROUNDS; round++) {
          progress(`${compression}, batches of ${size}, round ${round + 1} of ${ROUNDS}`);
          const work = { size, messages, in_flight, compression };
          const one = async () => void ours.push(await measureBus(bus, work));
          const other = async () => void raw.push(await measureRaw(client, bus, work));
          for (const measure of round % 2 === 0 ? [one, other] : [other, one]) await measure();
        }
        const produce = ratio(ours, raw, 'produce');
        const consume = ratio(ours, raw, 'consume');
        table.push({
          compression,
          batch: size,
          'bus produced/s': rate(ours, 'produce'),
          'kafkajs produced/s': rate(raw, 'produce'),
          'produce ratio': produce,
          'bus consumed/s': rate(ours, 'consume'),
          'kafkajs consumed/s': rate(raw, 'consume'),
          'consume ratio': consume,
          'bus CPU s/million': `${seconds(ours, 'produce_cpu')} + ${seconds(ours, 'consume_cpu')}`,
          'kafkajs CPU s/million': `${seconds(raw, 'produce_cpu')} + ${seconds(raw, 'consume_cpu')}`,
        });
        figures[`produce_ratio_${compression}_${size}`] = produce;
        figures[`consume_ratio_${compression}_${size}`] = consume;
        figures[`produce_cpu_ratio_${compression}_${size}`] = ratio(ours, raw, 'produce_cpu');
        figures[`consume_cpu_ratio_${compression}_${size}`] = ratio(ours, raw, 'consume_cpu');
      }
      await bus.close();
    }
  } finally {
    await kafka.stop();
  }
  return { table, figures };
}

interface Work {
  readonly size: number;
  readonly messages: number;
  readonly in_flight: number;
  readonly compression: 'none' | 'zstd';
}

function makeTopic(): TopicDefinition {
  return {
    name: `bench.${randomUUID()}`,
    partitions: PARTITIONS,
    retention_ms: 3_600_000,
    retention_bytes: 8 * 1024 ** 3,
  };
}

const HEADERS = {
  id: 'Zm9vYmFyYmF6cXV4MTIzNA',
  dataset: 'kubernetes.audit',
  jurisdiction: 'eu-fr',
  tenant: 'demo',
};

/** Text that packs about as well as events do. */
function makeBatch(size: number): BusMessage[] {
  return Array.from({ length: size }, (_, at) => {
    let text = '';
    for (let nth = 0; text.length < BODY_BYTES; nth++)
      text += `"field.${(at * 31 + nth * 17) % 97}":"value ${(at * 131 + nth * 7919) % 100_003}",`;
    return { key: `site/source-${at % 41}`, value: Buffer.from(text.slice(0, BODY_BYTES)), headers: HEADERS };
  });
}

/** Hands all in, so many calls at a time. */
async function produceAll(work: Work, send: () => Promise<unknown>): Promise<void> {
  let left = work.messages / work.size;
  const sender = async (): Promise<void> => {
    while (left-- > 0) await send();
  };
  await Promise.all(Array.from({ length: work.in_flight }, sender));
}

async function measureBus(bus: Bus, work: Work): Promise<Rates> {
  const topic = makeTopic();
  await bus.ensureTopics([topic]);
  const batch = makeBatch(work.size);
  const produced = await timed(() => produceAll(work, () => bus.produce(topic, batch)));
  let seen = 0;
  let consumer: Consumer | undefined;
  const done = Promise.withResolvers<void>();
  const consume = (): Promise<void> => {
    consumer = bus.consume({
      group: topic.name,
      topics: [topic],
      max_records: 10_000,
      handle: async ({ records }) => {
        seen += records.length;
        if (seen >= work.messages) done.resolve();
      },
    });
    return done.promise;
  };
  const consumed = await timed(consume);
  await consumer?.stop();
  return ratesOf(work, produced, consumed);
}

async function measureRaw(client: kafkajs.Kafka, bus: Bus, work: Work): Promise<Rates> {
  const topic = makeTopic();
  await bus.ensureTopics([topic]);
  const compression =
    work.compression === 'zstd' ? kafkajs.CompressionTypes.ZSTD : kafkajs.CompressionTypes.None;
  const producer = client.producer({
    idempotent: true,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  const messages = makeBatch(work.size).map(({ key, value, headers }) => ({
    key,
    value: value as Buffer,
    headers: { ...headers },
  }));
  // The first call learns where the topic is; ours did so above.
  await producer.send({ topic: topic.name, messages: messages.slice(0, 1), acks: -1, compression });
  const produced = await timed(() =>
    produceAll(work, () => producer.send({ topic: topic.name, messages, acks: -1, compression })),
  );
  await producer.disconnect();
  const consumer = client.consumer({
    groupId: topic.name,
    maxWaitTimeInMs: 500,
    maxBytesPerPartition: 2 * 1024 ** 2,
  });
  let seen = 0;
  const done = Promise.withResolvers<void>();
  const consumed = await timed(async () => {
    await consumer.connect();
    await consumer.subscribe({ topics: [topic.name], fromBeginning: true });
    await consumer.run({
      partitionsConsumedConcurrently: PARTITIONS,
      eachBatch: async ({ batch }) => {
        seen += batch.messages.length;
        if (seen >= work.messages) done.resolve();
      },
    });
    await done.promise;
  });
  await consumer.disconnect();
  return ratesOf(work, produced, consumed);
}

interface Timed {
  readonly seconds: number;
  readonly cpu: number;
}

async function timed(work: () => Promise<unknown>): Promise<Timed> {
  const start = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  const took = { seconds: (performance.now() - start) / 1_000, cpu: (user + system) / 1e6 };
  // The broker writes its last pages before the next begins.
  await sleep(200);
  return took;
}

function ratesOf({ messages }: Work, produced: Timed, consumed: Timed): Rates {
  return {
    produce: messages / produced.seconds,
    consume: messages / consumed.seconds,
    produce_cpu: (produced.cpu / messages) * 1e6,
    consume_cpu: (consumed.cpu / messages) * 1e6,
  };
}

function middle(list: readonly Rates[], name: keyof Rates): number {
  return list.map((one) => one[name]).sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
}

function rate(list: readonly Rates[], name: keyof Rates): number {
  return Math.round(middle(list, name));
}

function seconds(list: readonly Rates[], name: keyof Rates): string {
  return middle(list, name).toFixed(1);
}

function ratio(ours: readonly Rates[], raw: readonly Rates[], name: keyof Rates): number {
  return Math.round((middle(ours, name) / middle(raw, name)) * 100) / 100;
}
