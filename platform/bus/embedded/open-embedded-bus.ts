// The embedded engine of the bus contract: a segmented log in one SQLite file that one process owns.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { Clock } from '../../core/clock.ts';
import { PicketError } from '../../core/errors.ts';
import { TOPICS, type TopicDefinition } from '../../core/topics.ts';
import { DurableDatabase } from '../../sqlite/durable-database.ts';
import type { Bus, BusMessage, BusRecord, ConsumeOptions, Consumer, DeadLetterReason } from '../bus.ts';
import { DEAD_LETTER_ROOM, makeDeadLetter } from '../dead-letter.ts';
import { measureMessages } from '../measure-messages.ts';
import { CommittedOffsets } from './committed-offsets.ts';
import { type ConsumerHost, startConsumer } from './consumer.ts';
import { DEFAULT_LIMITS, type EmbeddedBusLimits } from './limits.ts';
import { type DroppedSegment, PartitionLog } from './partition-log.ts';
import { CONGESTED_SHARE, FULL_SHARE, type MeasureDisk, measureDisk, Pressure } from './pressure.ts';
import { BUS_SCHEMA, BUS_SCHEMA_VERSION } from './schema.ts';

export interface EmbeddedBusOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly limits?: Partial<EmbeddedBusLimits>;
  readonly measureDisk?: MeasureDisk;
  /** Nothing is dropped by retention: for whoever moves all of it elsewhere. */
  readonly keep_all?: boolean;
  /** Hears of every segment that retention drops. */
  readonly onDrop?: (dropped: DroppedSegment) => void;
}

/** Most bytes that one `read` gives. */
const READ_BYTES = 16 * 1024 * 1024;

/**
 * Opens or makes the bus in a folder; topics of earlier runs are found again.
 * @throws PicketError BUS_LOCKED (another live process has it), BUS_FOLDER, BUS_SCHEMA, BUS_STORAGE
 */
export async function openEmbeddedBus(options: EmbeddedBusOptions): Promise<Bus> {
  const bus = new EmbeddedBus(options);
  await bus.ensureTopics([TOPICS.deadLetters]);
  return bus;
}

class EmbeddedBus implements Bus, ConsumerHost {
  readonly clock: Clock;
  readonly limits: EmbeddedBusLimits;
  readonly #store: DurableDatabase;
  readonly #offsets: CommittedOffsets;
  readonly #pressure: Pressure;
  readonly #onDrop: (dropped: DroppedSegment) => void;
  readonly #logs = new Map<string, readonly PartitionLog[]>();
  readonly #claims = new Map<string, Promise<unknown>>();
  readonly #consumers = new Set<Consumer>();
  readonly #closing = new AbortController();
  readonly #retention: Promise<void>;
  #queuedBytes = 0;
  #commitTimer: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: EmbeddedBusOptions) {
    const limits: EmbeddedBusLimits = { ...DEFAULT_LIMITS, ...options.limits };
    this.clock = options.clock;
    this.limits = limits;
    this.#onDrop = options.onDrop ?? (() => {});
    this.#store = new DurableDatabase({
      folder: options.folder,
      file: 'bus.sqlite',
      codePrefix: 'BUS',
      schemaVersion: BUS_SCHEMA_VERSION,
      schema: BUS_SCHEMA,
      group_wait_ms: limits.group_wait_ms,
      max_bytes: limits.max_bytes,
      beforeCommit: () => this.#offsets.write(),
      afterSync: () => this.#showSynced(),
      afterRollback: () => {
        this.#offsets.restore();
        for (const logs of this.#logs.values()) for (const log of logs) log.reload();
      },
    });
    this.#offsets = new CommittedOffsets(this.#store.database);
    this.#pressure = new Pressure({
      folder: options.folder,
      clock: options.clock,
      max_bytes: limits.max_bytes,
      usedBytes: () => this.#store.usedBytes(),
      measureDisk: options.measureDisk ?? measureDisk,
    });
    this.#loadTopics();
    this.#retention = options.keep_all ? Promise.resolve() : this.#keepRetention();
  }

  #showSynced(): void {
    this.#offsets.settle();
    let rolled = false;
    for (const logs of this.#logs.values()) {
      for (const log of logs) {
        log.markDurable();
        rolled ||= log.rolled;
        log.rolled = false;
      }
    }
    // A fast producer must not outrun the bound in bytes until the next interval.
    if (rolled && !this.#closed) this.#dropOld().catch(() => {});
  }

  #loadTopics(): void {
    const rows = this.#store.database
      .prepare('SELECT id, name, partitions, retention_ms, retention_bytes FROM topic')
      .all() as unknown as (TopicDefinition & { id: number })[];
    for (const { id, ...topic } of rows) this.#addTopic(id, { ...topic });
  }

  #addTopic(topicId: number, topic: TopicDefinition): readonly PartitionLog[] {
    const logs = Array.from(
      { length: topic.partitions },
      (_, partition) =>
        new PartitionLog({
          database: this.#store.database,
          topicId,
          topic,
          partition,
          segment_bytes: this.limits.segment_bytes,
        }),
    );
    this.#logs.set(topic.name, logs);
    return logs;
  }

  async ensureTopics(topics: readonly TopicDefinition[]): Promise<void> {
    for (const topic of topics) await this.#logsOf(topic);
  }

  /** The topic's partitions; made when missing, with the definition's retention from now on. */
  async #logsOf(topic: TopicDefinition): Promise<readonly PartitionLog[]> {
    if (this.#closed) throw this.#store.closedError();
    const known = this.#logs.get(topic.name);
    const held = known?.[0]?.topic;
    if (
      known &&
      held?.partitions === topic.partitions &&
      held.retention_ms === topic.retention_ms &&
      held.retention_bytes === topic.retention_bytes
    )
      return known;
    if (held && held.partitions !== topic.partitions) {
      throw new PicketError({
        code: 'BUS_TOPIC_MISMATCH',
        message: `topic ${topic.name} has ${held.partitions} partitions, not ${topic.partitions}`,
      });
    }
    const id = await this.#store.submit(() => {
      const { id } = this.#store.database
        .prepare(
          `INSERT INTO topic (name, partitions, retention_ms, retention_bytes) VALUES (?, ?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET retention_ms = excluded.retention_ms, retention_bytes = excluded.retention_bytes
           RETURNING id`,
        )
        .get(topic.name, topic.partitions, topic.retention_ms, topic.retention_bytes) as { id: number };
      return id;
    });
    const logs = this.#logs.get(topic.name);
    if (!logs) return this.#addTopic(id, topic);
    for (const log of logs) log.topic = topic;
    return logs;
  }

  produce(
    topic: TopicDefinition,
    messages: readonly BusMessage[],
  ): Promise<readonly { partition: number; offset: number }[]> {
    return this.#produce(topic, messages, this.limits.max_message_bytes);
  }

  async #produce(
    topic: TopicDefinition,
    messages: readonly BusMessage[],
    max_message_bytes: number,
  ): Promise<readonly { partition: number; offset: number }[]> {
    if (this.#closed) throw this.#store.closedError();
    const bytes = measureMessages({ topic, messages, max_message_bytes });
    // A known topic must reach submit in this very turn: equal keys keep the order of the calls.
    const logs = this.#holds(topic) ?? (await this.#logsOf(topic));
    if (messages.length === 0) return [];
    this.#refuseWhenFull(bytes);
    this.#queuedBytes += bytes;
    try {
      return await this.#store.submit(() => this.#append(logs, messages));
    } finally {
      this.#queuedBytes -= bytes;
    }
  }

  #holds(topic: TopicDefinition): readonly PartitionLog[] | undefined {
    const logs = this.#logs.get(topic.name);
    return logs?.length === topic.partitions ? logs : undefined;
  }

  #refuseWhenFull(bytes: number): void {
    const share = this.#pressure.share();
    if (share >= FULL_SHARE) {
      const what = this.limits.max_bytes === undefined ? 'the disk' : `its ${this.limits.max_bytes} bytes`;
      throw new PicketError({
        code: 'BUS_FULL',
        message: `the bus takes nothing more: ${Math.floor(share * 100)}% of ${what} are in use`,
      });
    }
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > this.limits.max_queued_bytes) {
      throw new PicketError({
        code: 'BUS_FULL',
        message: `the bus takes nothing more for now: ${this.#queuedBytes} bytes wait for the disk`,
      });
    }
  }

  /** Inside a transaction. */
  #append(
    logs: readonly PartitionLog[],
    messages: readonly BusMessage[],
  ): { partition: number; offset: number }[] {
    const now = this.clock.now();
    if (logs.length === 1) {
      const offset = (logs[0] as PartitionLog).append(messages, now);
      return messages.map((_, index) => ({ partition: 0, offset: offset + index }));
    }
    const parts = logs.map(() => [] as BusMessage[]);
    const places = messages.map((message) => {
      const partition = crc32(message.key) % logs.length;
      const part = parts[partition] as BusMessage[];
      return { partition, offset: part.push(message) - 1 };
    });
    const bases = parts.map((part, partition) =>
      part.length > 0 ? (logs[partition] as PartitionLog).append(part, now) : 0,
    );
    for (const place of places) place.offset += bases[place.partition] as number;
    return places;
  }

  consume(options: ConsumeOptions): Consumer {
    if (this.#closed) throw this.#store.closedError();
    const consumer = startConsumer(this, options);
    this.#consumers.add(consumer);
    return consumer;
  }

  async openLogs(options: ConsumeOptions): Promise<readonly PartitionLog[]> {
    const logs: PartitionLog[] = [];
    for (const topic of options.topics) logs.push(...(await this.#logsOf(topic)));
    return logs;
  }

  committed(group: string, log: PartitionLog): number | undefined {
    return this.#offsets.get(group, log);
  }

  commit(group: string, log: PartitionLog, next: number): void {
    this.#offsets.set(group, log, next);
    this.#commitTimer ??= setTimeout(() => {
      this.#commitTimer = undefined;
      // A failure leaves the offsets noted: they go with the next transaction, or the batch comes again.
      if (this.#offsets.dirty) this.flushCommits().catch(() => {});
    }, this.limits.commit_wait_ms).unref();
  }

  /** Also waits for a group under way that may hold offsets already. */
  flushCommits(): Promise<void> {
    return this.#store.submit(() => {});
  }

  async claim(group: string, log: PartitionLog, signal: AbortSignal): Promise<() => void> {
    const key = `${log.topicId}/${log.partition}/${group}`;
    const before = this.#claims.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine = Promise.all([before, promise]);
    this.#claims.set(key, mine);
    const forget = async (): Promise<void> => {
      await mine;
      if (this.#claims.get(key) === mine) this.#claims.delete(key);
    };
    void forget();
    if (before) {
      const aborted = Promise.withResolvers<void>();
      const give = (): void => aborted.resolve();
      signal.addEventListener('abort', give);
      await Promise.race([before, aborted.promise]);
      signal.removeEventListener('abort', give);
    }
    return resolve;
  }

  onStop(consumer: Consumer): void {
    this.#consumers.delete(consumer);
  }

  async read(options: {
    topic: TopicDefinition;
    partition: number;
    offset: number;
    max_records: number;
  }): Promise<readonly BusRecord[]> {
    const logs = await this.#logsOf(options.topic);
    const log = logs[options.partition];
    if (!log) return [];
    return log.read({ offset: options.offset, max_records: options.max_records, max_bytes: READ_BYTES });
  }

  async offsetsAt(topic: TopicDefinition, timestamp: number): Promise<readonly number[]> {
    const logs = await this.#logsOf(topic);
    return logs.map((log) => log.offsetAt(timestamp));
  }

  async seek(options: { group: string; topic: TopicDefinition; offsets: readonly number[] }): Promise<void> {
    const logs = await this.#logsOf(options.topic);
    if (logs.some((log) => this.#claims.has(`${log.topicId}/${log.partition}/${options.group}`))) {
      throw new PicketError({
        code: 'BUS_GROUP_BUSY',
        message: `group ${options.group} is consuming ${options.topic.name}: stop it before moving it`,
      });
    }
    for (const log of logs) {
      const offset = options.offsets[log.partition];
      if (offset !== undefined) this.#offsets.set(options.group, log, offset);
    }
    await this.flushCommits();
  }

  async lag(group: string): Promise<Readonly<Record<string, number>>> {
    const lag: Record<string, number> = {};
    for (const [name, logs] of this.#logs) {
      const committed = logs.map((log) => this.#offsets.get(group, log));
      if (committed.every((offset) => offset === undefined)) continue;
      lag[name] = logs.reduce(
        (sum, log, partition) => sum + Math.max(0, log.next - Math.max(committed[partition] ?? 0, log.first)),
        0,
      );
    }
    return lag;
  }

  async bounds(topic: TopicDefinition): Promise<readonly { first: number; next: number }[]> {
    const logs = await this.#logsOf(topic);
    return logs.map((log) => ({ first: log.first, next: log.next }));
  }

  async deadLetter(message: BusMessage & { topic?: string }, reason: DeadLetterReason): Promise<void> {
    const { max_message_bytes } = this.limits;
    const letter = makeDeadLetter(message, reason, max_message_bytes);
    await this.#produce(TOPICS.deadLetters, [letter], max_message_bytes + DEAD_LETTER_ROOM);
  }

  congested(): boolean {
    return (
      this.#queuedBytes >= this.limits.max_queued_bytes * CONGESTED_SHARE ||
      this.#pressure.share() >= CONGESTED_SHARE
    );
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#consumers].map((consumer) => consumer.stop()));
    clearTimeout(this.#commitTimer);
    await this.#retention;
    await this.#store.close();
  }

  /** Drops old segments now and then; a failure (a full disk) is tried again the next time. */
  async #keepRetention(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#dropOld().catch(() => {});
      await this.clock.sleep(this.limits.retention_interval_ms, signal).catch(() => {});
      await nextTurn();
    }
  }

  async #dropOld(): Promise<void> {
    const now = this.clock.now();
    for (const logs of this.#logs.values()) {
      for (const log of logs) {
        if (this.#closing.signal.aborted || !log.exceedsRetention(now)) continue;
        const dropped = await this.#store.submit(() => log.applyRetention(now));
        for (const segment of dropped) this.#onDrop(segment);
      }
    }
  }
}
