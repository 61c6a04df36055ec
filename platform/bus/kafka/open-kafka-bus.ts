// The Kafka engine of the bus contract: the only thing of this program that speaks to brokers.
import { crc32 } from 'node:zlib';
import type { Cluster, Kafka } from 'kafkajs';
import type { Clock } from '../../core/clock.ts';
import { errorCode, PicketError } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { TOPICS, type TopicDefinition } from '../../core/topics.ts';
import type { Bus, BusMessage, BusRecord, ConsumeOptions, Consumer, DeadLetterReason } from '../bus.ts';
import { DEAD_LETTER_ROOM, makeDeadLetter } from '../dead-letter.ts';
import { measureMessages } from '../measure-messages.ts';
import { Connection, createKafka } from './connection.ts';
import { type ConsumerHost, startKafkaConsumer } from './consumer.ts';
import { ensureTopics } from './ensure-topics.ts';
import { describeFault, faultType, isLasting } from './faults.ts';
import { moveGroup, readLag } from './group-offsets.ts';
import { listPartitionIds, readBounds, readOffsetsAt } from './positions.ts';
import { Producer } from './producer.ts';
import { readPage } from './read-page.ts';
import {
  DEFAULT_KAFKA_LIMITS,
  type KafkaBusLimits,
  type KafkaConnectionSettings,
  type KafkaTopicSettings,
  topicMessageBytes,
} from './settings.ts';
import type { KafkaNotice } from './start-offset.ts';
import { sameTopic } from './topic-config.ts';
import { toWire, type WireMessage } from './wire.ts';

export interface KafkaBusOptions {
  readonly connection: KafkaConnectionSettings;
  readonly topics: KafkaTopicSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<KafkaBusLimits>;
  /** Default: zstd. `none` where brokers or networks are so near that it costs more than it saves. */
  readonly compression?: 'zstd' | 'none';
  /** Opens also while the brokers cannot be reached; default false. */
  readonly patient?: boolean;
  /** Hears of topics that differ, were made anew, or let go of records unread; each is logged as well. */
  readonly onNotice?: (notice: KafkaNotice) => void;
}

/** Producers should slow down from this share of the queue on. */
const CONGESTED_SHARE = 0.8;
const TRIES = 5;

/**
 * Connects and sees to the topic of dead letters.
 * @throws PicketError BUS_UNAVAILABLE, BUS_AUTHENTICATION, BUS_FORBIDDEN, BUS_TOPIC_MISMATCH, BUS_TOPIC_MISSING
 */
export async function openKafkaBus(options: KafkaBusOptions): Promise<Bus> {
  const bus = new KafkaBus(options);
  try {
    await bus.ensureTopics([TOPICS.deadLetters]);
  } catch (error) {
    if (options.patient && errorCode(error) === 'BUS_UNAVAILABLE') return bus;
    await bus.close();
    throw error;
  }
  return bus;
}

/** For a process that writes into topics of somebody else's: connects when it first produces, and asks for no topic of its own. */
export async function openKafkaProducer(options: Omit<KafkaBusOptions, 'patient'>): Promise<Bus> {
  return new KafkaBus(options);
}

class KafkaBus implements Bus, ConsumerHost {
  readonly clock: Clock;
  readonly limits: KafkaBusLimits;
  readonly #options: KafkaBusOptions;
  readonly #kafka: Kafka;
  readonly #connection: Connection;
  readonly #producer: Producer;
  readonly #topics = new Map<string, TopicDefinition>();
  readonly #consumers = new Set<Consumer>();
  readonly #closing = new AbortController();
  #ensuring: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(options: KafkaBusOptions) {
    const limits = { ...DEFAULT_KAFKA_LIMITS, ...options.limits };
    this.#options = options;
    this.clock = options.clock;
    this.limits = limits;
    this.#kafka = createKafka({ settings: options.connection, limits, logger: options.logger });
    this.#connection = new Connection(this.#kafka);
    this.#producer = new Producer({
      connect: () => this.openConnection(),
      clock: options.clock,
      limits,
      compress: options.compression !== 'none',
    });
  }

  openConnection(): Connection {
    return new Connection(this.#kafka);
  }

  notice(notice: KafkaNotice): void {
    const { kind, topic, message } = notice;
    this.#options.logger.warn({ kind, topic }, message);
    this.#options.onNotice?.(notice);
  }

  onStop(consumer: Consumer): void {
    this.#consumers.delete(consumer);
  }

  #refuseClosed(): void {
    if (this.#closed) throw new PicketError({ code: 'BUS_CLOSED', message: 'the bus is closed' });
  }

  #declared(topic: TopicDefinition): TopicDefinition {
    const partitions = this.#options.topics.partitions?.[topic.name];
    return partitions === undefined ? topic : { ...topic, partitions };
  }

  async ensureTopics(topics: readonly TopicDefinition[]): Promise<void> {
    this.#refuseClosed();
    const declared = topics.map((topic) => this.#declared(topic));
    const unseen = declared.filter((topic) => !sameTopic(this.#topics.get(topic.name), topic));
    if (unseen.length === 0) return;
    // One after the other: twelve consumers that begin at once need not each make what is missing.
    const before = this.#ensuring;
    const mine = (async () => {
      await before.catch(() => {});
      const still = unseen.filter((topic) => !sameTopic(this.#topics.get(topic.name), topic));
      await this.#retry('topics', () =>
        ensureTopics({
          kafka: this.#kafka,
          topics: still,
          settings: this.#options.topics,
          max_message_bytes: topicMessageBytes(this.limits),
          clock: this.clock,
          notice: (notice) => this.notice(notice),
        }),
      );
      for (const topic of still) this.#topics.set(topic.name, topic);
    })();
    this.#ensuring = mine;
    await mine;
  }

  produce(
    topic: TopicDefinition,
    messages: readonly BusMessage[],
  ): Promise<readonly { partition: number; offset: number }[]> {
    return this.#produce(topic, messages, this.limits.max_message_bytes);
  }

  async #produce(
    asked: TopicDefinition,
    messages: readonly BusMessage[],
    max_message_bytes: number,
  ): Promise<readonly { partition: number; offset: number }[]> {
    this.#refuseClosed();
    const topic = this.#declared(asked);
    const bytes = measureMessages({ topic, messages, max_message_bytes });
    // A known topic must reach the queue in this very turn: equal keys keep the order of the calls.
    if (this.#topics.get(topic.name)?.partitions !== topic.partitions) await this.ensureTopics([topic]);
    if (messages.length === 0) return [];
    const queued = this.#producer.queuedBytes;
    if (queued > 0 && queued + bytes > this.limits.max_queued_bytes) {
      throw new PicketError({
        code: 'BUS_FULL',
        message: `the bus takes nothing more for now: ${queued} bytes wait for the brokers`,
      });
    }
    return this.#append(topic, messages, bytes);
  }

  async #append(
    topic: TopicDefinition,
    messages: readonly BusMessage[],
    bytes: number,
  ): Promise<{ partition: number; offset: number }[]> {
    const parts = Array.from({ length: topic.partitions }, () => [] as WireMessage[]);
    const places = messages.map((message) => {
      const partition = topic.partitions === 1 ? 0 : crc32(message.key) % topic.partitions;
      const at = (parts[partition] as WireMessage[]).push(toWire(message)) - 1;
      return { partition, offset: at };
    });
    const mean = bytes / messages.length;
    const written = await Promise.all(
      parts.map(async (part, partition) =>
        part.length === 0
          ? []
          : this.#producer.append({
              topic: topic.name,
              partition,
              messages: part,
              bytes: Math.ceil(mean * part.length),
            }),
      ),
    );
    for (const place of places) place.offset = written[place.partition]?.[place.offset] ?? -1;
    return places;
  }

  consume(options: ConsumeOptions): Consumer {
    this.#refuseClosed();
    const consumer = startKafkaConsumer(this, options);
    this.#consumers.add(consumer);
    return consumer;
  }

  async read(options: {
    topic: TopicDefinition;
    partition: number;
    offset: number;
    max_records: number;
  }): Promise<readonly BusRecord[]> {
    const { topic, ...page } = options;
    return this.#ask(topic, (cluster) =>
      readPage({ cluster, topic: topic.name, ...page, limits: this.limits }),
    );
  }

  async offsetsAt(topic: TopicDefinition, timestamp: number): Promise<readonly number[]> {
    return this.#ask(topic, async (cluster) => {
      const partitions = listPartitionIds(cluster, topic.name);
      const [bounds, found] = [
        await readBounds({ cluster, topic: topic.name, partitions }),
        // 0 and less mean something else to Kafka.
        await readOffsetsAt({
          cluster,
          topic: topic.name,
          partitions,
          timestamp: Math.max(1, Math.floor(timestamp)),
        }),
      ];
      return partitions.map((_, at) => found[at] ?? bounds[at]?.next ?? 0);
    });
  }

  async seek(options: { group: string; topic: TopicDefinition; offsets: readonly number[] }): Promise<void> {
    const { group, topic, offsets } = options;
    await this.#ask(topic, (cluster) => moveGroup({ cluster, group, topic: topic.name, offsets }));
  }

  async lag(group: string): Promise<Readonly<Record<string, number>>> {
    this.#refuseClosed();
    return this.#retry(`lag of ${group}`, () => readLag({ connection: this.#connection, group }));
  }

  async bounds(topic: TopicDefinition): Promise<readonly { first: number; next: number }[]> {
    return this.#ask(topic, (cluster) =>
      readBounds({ cluster, topic: topic.name, partitions: listPartitionIds(cluster, topic.name) }),
    );
  }

  async deadLetter(message: BusMessage & { topic?: string }, reason: DeadLetterReason): Promise<void> {
    const { max_message_bytes } = this.limits;
    const letter = makeDeadLetter(message, reason, max_message_bytes);
    await this.#produce(TOPICS.deadLetters, [letter], max_message_bytes + DEAD_LETTER_ROOM);
  }

  congested(): boolean {
    return (
      this.#producer.away !== undefined ||
      this.#producer.queuedBytes >= this.limits.max_queued_bytes * CONGESTED_SHARE
    );
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#consumers].map((consumer) => consumer.stop()));
    await this.#producer.close();
    await this.#connection.close();
  }

  async #ask<T>(topic: TopicDefinition, work: (cluster: Cluster) => Promise<T>): Promise<T> {
    await this.ensureTopics([topic]);
    return this.#retry(topic.name, async () => work(await this.#connection.use([topic.name])));
  }

  /** Leaders move and sockets break: a few tries over a few seconds, each with fresh sockets. */
  async #retry<T>(what: string, work: () => Promise<T>): Promise<T> {
    let wait = this.limits.retry_first_ms;
    for (let nth = 1; ; nth++) {
      try {
        return await work();
      } catch (error) {
        const known =
          error instanceof PicketError || isLasting(error) || faultType(error) === 'INVALID_TOPIC_EXCEPTION';
        if (known || nth >= TRIES || this.#closing.signal.aborted) throw describeFault(error, what);
        this.#connection.fail();
      }
      await this.clock.sleep(wait, this.#closing.signal).catch(() => {});
      wait = Math.min(wait * 4, this.limits.retry_most_ms);
    }
  }
}
