// A consumer of the Kafka bus: a member of its group, a reader for each partition it has, and commits of what is done.
import type { Cluster } from 'kafkajs';
import type { Clock } from '../../core/clock.ts';
import type { BusBatch, ConsumeOptions, Consumer } from '../bus.ts';
import { Gate } from '../gate.ts';
import { keyOf, type TopicPartition } from './assign-partitions.ts';
import type { Connection } from './connection.ts';
import { describeFault, faultType } from './faults.ts';
import { Fetcher } from './fetcher.ts';
import { type Membership, startMembership } from './membership.ts';
import { PartitionReader, type ReaderHost } from './partition-reader.ts';
import { readBounds } from './positions.ts';
import type { KafkaBusLimits } from './settings.ts';
import { judgeStart, type KafkaNotice } from './start-offset.ts';

export interface ConsumerHost {
  readonly clock: Clock;
  readonly limits: KafkaBusLimits;
  /** A set of sockets of the consumer's own: its long requests hold up nobody else. */
  openConnection(): Connection;
  ensureTopics(topics: ConsumeOptions['topics']): Promise<void>;
  notice(notice: KafkaNotice): void;
  onStop(consumer: Consumer): void;
}

/** How long an ending consumer waits for the broker before it leaves the rest to the session's end. */
const GOODBYE_MS = 5_000;

const TELL_AGAIN_MS = 10_000;

export function startKafkaConsumer(host: ConsumerHost, options: ConsumeOptions): Consumer {
  return new KafkaConsumer(host, options);
}

class KafkaConsumer implements Consumer, ReaderHost {
  readonly options: ConsumeOptions;
  readonly clock: Clock;
  readonly limits: KafkaBusLimits;
  readonly gate = new Gate();
  readonly #host: ConsumerHost;
  readonly #connection: Connection;
  readonly #topics: readonly string[];
  readonly #stopping = new AbortController();
  readonly #readers = new Map<string, PartitionReader>();
  readonly #begun: Promise<void>;
  #membership: Membership | undefined;
  #fetcher: Fetcher | undefined;
  #undone = new Map<PartitionReader, number>();
  #committing: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #told: { code: string; at: number } | undefined;

  constructor(host: ConsumerHost, options: ConsumeOptions) {
    this.#host = host;
    this.options = options;
    this.clock = host.clock;
    this.limits = host.limits;
    this.#topics = options.topics.map(({ name }) => name);
    this.#connection = host.openConnection();
    this.#begun = this.#begin();
  }

  async #begin(): Promise<void> {
    const { signal } = this.#stopping;
    for (let wait = this.limits.retry_first_ms; !signal.aborted; wait *= 2) {
      try {
        await this.#host.ensureTopics(this.options.topics);
        break;
      } catch (error) {
        this.#failed(error);
        await this.clock.sleep(Math.min(wait, this.limits.retry_most_ms), signal).catch(() => {});
      }
    }
    if (signal.aborted) return;
    this.#fetcher = new Fetcher({
      connection: this.#connection,
      topics: this.#topics,
      limits: this.limits,
      clock: this.clock,
      signal,
      readers: () => this.#readers.values(),
      astray: (readers) => {
        for (const reader of readers) this.#goAstray(reader);
      },
      failed: (error) => this.#failed(error),
    });
    this.#membership = startMembership({
      group: this.options.group,
      topics: this.#topics,
      connection: this.#connection,
      clock: this.clock,
      limits: this.limits,
      signal,
      held: () => [...this.#readers.values()].map(({ topic, partition }) => ({ topic, partition })),
      assigned: (partitions) => this.#assign(partitions),
      lost: () => this.#giveBack([...this.#readers.values()], { commit: false }),
      failed: (error) => this.#failed(error),
    });
  }

  async #assign(partitions: readonly TopicPartition[]): Promise<boolean> {
    const wanted = new Map(partitions.map((one) => [keyOf(one), one]));
    const revoked = [...this.#readers].filter(([key]) => !wanted.has(key)).map(([, reader]) => reader);
    for (const [key, { topic, partition }] of wanted) {
      const held = this.#readers.get(key);
      if (!held) this.#startReader(topic, partition);
      // Given back while it was being let go of: begins again when it has ended.
      else if (held.signal.aborted) void this.#restart(held);
    }
    await this.#giveBack(revoked, { commit: true });
    return revoked.length > 0;
  }

  async #restart(reader: PartitionReader): Promise<void> {
    await this.#giveBack([reader], { commit: true });
    if (!this.#stopping.signal.aborted && !this.#readers.has(keyOf(reader)))
      this.#startReader(reader.topic, reader.partition);
  }

  #startReader(topic: string, partition: number): void {
    const reader = new PartitionReader({ host: this, topic, partition });
    this.#readers.set(keyOf(reader), reader);
    void this.#findStart(reader, undefined);
  }

  /** Resolves when the handlers have let go of them and what they did is committed, as far as it can be. */
  async #giveBack(readers: readonly PartitionReader[], { commit }: { commit: boolean }): Promise<void> {
    await Promise.all(readers.map((reader) => reader.stop()));
    if (commit) await this.#flush(GOODBYE_MS);
    for (const reader of readers) {
      this.#undone.delete(reader);
      if (this.#readers.get(keyOf(reader)) === reader) this.#readers.delete(keyOf(reader));
    }
  }

  /** Where a reader begins; tried until it is known. `after` is the offset it stood at, when it went astray. */
  async #findStart(reader: PartitionReader, after: number | undefined): Promise<void> {
    const { signal } = reader;
    for (let wait = this.limits.retry_first_ms; !signal.aborted; wait *= 2) {
      try {
        const start = await this.#judge(reader, after);
        if (signal.aborted) return;
        if (start.notice) {
          this.#host.notice(start.notice);
          await this.options.onReset?.(reader.topic, reader.partition, start.offset);
        }
        reader.startAt(start.offset);
        // Written down, so that `latest` means the moment the group was first seen, also after a restart.
        if (start.commit) this.done(reader, start.offset);
        this.#fetcher?.pump();
        return;
      } catch (error) {
        this.#failed(error);
        if (faultType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') this.#connection.fail();
        await this.clock.sleep(Math.min(wait, this.limits.retry_most_ms), signal).catch(() => {});
      }
    }
  }

  async #judge(reader: PartitionReader, after: number | undefined): Promise<ReturnType<typeof judgeStart>> {
    const { topic, partition } = reader;
    const cluster: Cluster = await this.#connection.use([topic]);
    const committed = await this.#membership?.committed([{ topic, partitions: [partition] }]);
    const [bounds] = await readBounds({ cluster, topic, partitions: [partition] });
    return judgeStart({
      group: this.options.group,
      topic,
      partition,
      position: this.options.position?.(topic, partition),
      committed: committed?.get(topic)?.get(partition) ?? -1,
      after,
      bounds: bounds ?? { first: 0, next: 0 },
      from: this.options.from ?? 'earliest',
    });
  }

  #goAstray(reader: PartitionReader): void {
    if (reader.next === undefined || reader.signal.aborted) return;
    const after = reader.next;
    reader.hold();
    // Offsets of a topic that may be gone are not written into the one that follows it.
    this.#undone.delete(reader);
    void this.#findStart(reader, after);
  }

  wantsMore(): void {
    this.#fetcher?.pump();
  }

  done(reader: PartitionReader, next: number): void {
    this.#undone.set(reader, next);
    this.#committing ??= this.#commitSoon();
  }

  async #commitSoon(): Promise<void> {
    const { signal } = this.#stopping;
    let wait = this.limits.commit_wait_ms;
    while (this.#undone.size > 0 && !signal.aborted) {
      await this.clock.sleep(wait, signal).catch(() => {});
      if (signal.aborted) break;
      wait = (await this.#commit()) ? this.limits.commit_wait_ms : Math.min(wait * 2, 2_000);
    }
    this.#committing = undefined;
  }

  /** False when it has to be tried again: what could not be written stays noted. */
  async #commit(): Promise<boolean> {
    const undone = this.#undone;
    if (undone.size === 0) return true;
    this.#undone = new Map();
    const offsets = new Map<string, { partition: number; offset: string }[]>();
    for (const [{ topic, partition }, next] of undone) {
      const list = offsets.get(topic) ?? [];
      offsets.set(topic, list);
      list.push({ partition, offset: String(next) });
    }
    try {
      await this.#membership?.commit(offsets);
      return true;
    } catch (error) {
      for (const [reader, next] of undone) {
        const held = this.#readers.get(keyOf(reader)) === reader && reader.next !== undefined;
        if (held && !this.#undone.has(reader)) this.#undone.set(reader, next);
      }
      // The membership notices a changed group by itself; only what is neither is worth a word.
      if (!/REBALANCE|MEMBER|GENERATION/.test(faultType(error) ?? '')) this.#failed(error);
      return false;
    }
  }

  async #flush(timeout_ms: number): Promise<void> {
    const deadline = this.clock.monotonic() + timeout_ms;
    let wait = this.limits.retry_first_ms;
    while (!(await this.#commit()) && this.clock.monotonic() + wait < deadline) {
      await this.clock.sleep(wait);
      wait = Math.min(wait * 2, 1_000);
    }
  }

  /** While brokers are away the same is met again and again: it is told when it changes, and now and then. */
  #failed(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const fault = describeFault(error, `group ${this.options.group}`);
    const now = this.clock.monotonic();
    if (fault.code === this.#told?.code && now < this.#told.at + TELL_AGAIN_MS) return;
    this.#told = { code: fault.code, at: now };
    const batch: BusBatch = { topic: this.#topics.join(','), partition: -1, records: [] };
    this.options.onError?.(fault, batch);
  }

  pause(): void {
    this.gate.shut();
  }

  resume(): void {
    this.gate.open();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    await this.#begun;
    await Promise.all([...this.#readers.values()].map((reader) => reader.stop()));
    await this.#committing;
    await this.#flush(GOODBYE_MS);
    const goodbye = this.#sayGoodbye();
    const late = new AbortController();
    await Promise.race([goodbye, this.clock.sleep(GOODBYE_MS, late.signal).catch(() => {})]);
    late.abort();
    this.#host.onStop(this);
  }

  async #sayGoodbye(): Promise<void> {
    try {
      await this.#membership?.ended;
      await this.#membership?.leave();
    } catch {
      // The broker finds out when the session ends.
    }
    await this.#connection.close();
  }
}
