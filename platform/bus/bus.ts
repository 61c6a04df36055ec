// The bus contract: what every engine (embedded SQLite log, Kafka) promises alike; test/platform/bus/contract.ts holds it to it.
import type { TopicDefinition } from '../core/topics.ts';

export interface BusMessage {
  /** Decides the partition: equal keys keep their order. */
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

export interface BusRecord extends BusMessage {
  readonly topic: string;
  readonly partition: number;
  /** Position in the partition, from 0; gaps are allowed, order is not broken. */
  readonly offset: number;
  /** Append time in ms since the epoch. */
  readonly timestamp: number;
}

export interface BusBatch {
  readonly topic: string;
  readonly partition: number;
  /** In offset order, never empty. */
  readonly records: readonly BusRecord[];
}

export interface ConsumeOptions {
  readonly group: string;
  readonly topics: readonly TopicDefinition[];
  /**
   * Called with one batch of one partition at a time (partitions may run side by side). The group's offset
   * is committed after it resolves: at least once. When it rejects, the same batch comes again after a
   * growing wait; `onError` hears of it. A handler that wants a poisoned record out of the way calls deadLetter.
   */
  readonly handle: (batch: BusBatch, signal: AbortSignal) => Promise<void>;
  readonly onError?: (error: unknown, batch: BusBatch) => void;
  /** Where a group without committed offset begins; default `earliest`. */
  readonly from?: 'earliest' | 'latest';
  /**
   * For a consumer that keeps its positions with its own state, in its own transaction: the next offset to
   * read of a partition; undefined falls to the committed one. Asked when the partition is assigned.
   */
  readonly position?: (topic: string, partition: number) => number | undefined;
  /**
   * The position that was asked for is not in the topic: it was made anew, or what stood there expired. Awaited before
   * the first batch from `next` on; one who compares offsets with positions of its own must begin at `next` as well.
   */
  readonly onReset?: (topic: string, partition: number, next: number) => Promise<void> | void;
  readonly max_records?: number;
  readonly max_bytes?: number;
}

export interface Consumer {
  pause(): void;
  resume(): void;
  /** Resolves when the batch in hand is finished and committed. */
  stop(): Promise<void>;
}

export interface DeadLetterReason {
  /** Stage that gave up: receive, normalise, index… */
  readonly stage: string;
  /** Stable code. */
  readonly code: string;
  readonly message: string;
  /** describePlace() of where in the record. */
  readonly place?: string;
}

export interface Bus {
  /** Makes what is missing. @throws PicketError BUS_TOPIC_MISMATCH when a topic exists with other partitions. */
  ensureTopics(topics: readonly TopicDefinition[]): Promise<void>;
  /**
   * Appends; resolves when all are durable (fsync, group commit), with their positions in order.
   * @throws PicketError BUS_FULL (disk bound met: the caller answers 429), BUS_CLOSED, BUS_MESSAGE_TOO_LARGE.
   */
  produce(
    topic: TopicDefinition,
    messages: readonly BusMessage[],
  ): Promise<readonly { partition: number; offset: number }[]>;
  /** Begins to consume at once; independent groups see everything. */
  consume(options: ConsumeOptions): Consumer;
  /** Reads without a group, from an offset on; empty at the end. */
  read(options: {
    topic: TopicDefinition;
    partition: number;
    offset: number;
    max_records: number;
  }): Promise<readonly BusRecord[]>;
  /** The first offset of each partition whose append time is at or after `timestamp` (end offset when there is none). */
  offsetsAt(topic: TopicDefinition, timestamp: number): Promise<readonly number[]>;
  /** Moves a stopped group. */
  seek(options: { group: string; topic: TopicDefinition; offsets: readonly number[] }): Promise<void>;
  /** Records not yet committed by a group, per topic name. */
  lag(group: string): Promise<Readonly<Record<string, number>>>;
  /** First and next offset of each partition. */
  bounds(topic: TopicDefinition): Promise<readonly { first: number; next: number }[]>;
  /** Writes a message to the dead-letter topic with its reason headers (`dl-stage`, `dl-code`, `dl-message`, `dl-place`, `dl-topic`). */
  deadLetter(message: BusMessage & { topic?: string }, reason: DeadLetterReason): Promise<void>;
  /** True when producers should slow down (disk or memory bound near): receivers answer 429 with Retry-After. */
  congested(): boolean;
  close(): Promise<void>;
}
