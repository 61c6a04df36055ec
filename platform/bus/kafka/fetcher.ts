// Fetches for all partitions of one consumer: one request at a time to each broker, for the partitions that have room.
import type { Cluster } from 'kafkajs';
import type { Clock } from '../../core/clock.ts';
import type { Connection } from './connection.ts';
import { faultType } from './faults.ts';
import { fetchRecords } from './fetch.ts';
import type { PartitionReader } from './partition-reader.ts';
import type { KafkaBusLimits } from './settings.ts';
import { findBroker, type WireBroker } from './wire.ts';

export interface FetcherOptions {
  readonly connection: Connection;
  readonly topics: readonly string[];
  readonly limits: KafkaBusLimits;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly readers: () => Iterable<PartitionReader>;
  /** Where these stand can no longer be trusted: their topic is gone, or their offset is not in it. */
  readonly astray: (readers: readonly PartitionReader[]) => void;
  readonly failed: (error: unknown) => void;
}

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #busy = new Set<string>();
  #pumping = false;
  #again = false;
  #holdUntil: Promise<void> | undefined;
  #wait: number;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#wait = options.limits.retry_first_ms;
  }

  /** Something may be wanted now: a partition was assigned, has room again, or may go on. */
  pump(): void {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    void this.#pump();
  }

  async #pump(): Promise<void> {
    const { signal } = this.#options;
    try {
      do {
        this.#again = false;
        await this.#holdUntil;
        if (signal.aborted) return;
        await this.#begin();
      } while (this.#again && !signal.aborted);
    } finally {
      this.#pumping = false;
    }
  }

  async #begin(): Promise<void> {
    const { connection, topics, readers, astray } = this.#options;
    const ready = [...readers()].filter((reader) => reader.ready);
    if (ready.length === 0) return;
    let cluster: Cluster;
    try {
      cluster = await connection.use(topics);
    } catch (error) {
      this.#failed(error, ready);
      return;
    }
    const groups = groupByLeader(cluster, ready);
    const gone = groups.get('');
    if (gone) astray(gone);
    groups.delete('');
    for (const [leader, list] of groups) {
      if (this.#busy.has(leader)) continue;
      this.#busy.add(leader);
      void this.#fetch({ cluster, leader, list });
    }
  }

  async #fetch(options: {
    cluster: Cluster;
    leader: string;
    list: readonly PartitionReader[];
  }): Promise<void> {
    const { cluster, leader, list } = options;
    try {
      const broker = await findBroker(cluster, leader);
      await fetchInto({ broker, list, limits: this.#options.limits });
      this.#wait = this.#options.limits.retry_first_ms;
    } catch (error) {
      if (!this.#options.signal.aborted) {
        this.#options.connection.fail(cluster);
        this.#failed(error, list);
      }
    } finally {
      this.#busy.delete(leader);
      if (!this.#options.signal.aborted) this.pump();
    }
  }

  #failed(fault: unknown, list: readonly PartitionReader[]): void {
    const { astray, failed, clock, signal, limits } = this.#options;
    const type = faultType(fault);
    if (type === 'OFFSET_OUT_OF_RANGE') {
      const { topic, partition } = fault as { topic?: string; partition?: number };
      astray(list.filter((reader) => reader.topic === topic && reader.partition === partition));
      return;
    }
    if (type === 'UNKNOWN_TOPIC_OR_PARTITION') astray(list);
    failed(fault);
    const wait = this.#wait;
    this.#wait = Math.min(wait * 2, limits.retry_most_ms);
    this.#holdUntil = clock.sleep(wait, signal).catch(() => {});
    this.#again = true;
    this.pump();
  }
}

/** By the broker's id; under the empty text those whose topic is not there. */
function groupByLeader(
  cluster: Cluster,
  readers: readonly PartitionReader[],
): Map<string, PartitionReader[]> {
  const groups = new Map<string, PartitionReader[]>();
  for (const reader of readers) {
    const [leader = ''] = Object.keys(cluster.findLeaderForPartitions(reader.topic, [reader.partition]));
    const group = groups.get(leader);
    if (group) group.push(reader);
    else groups.set(leader, [reader]);
  }
  return groups;
}

async function fetchInto(options: {
  broker: WireBroker;
  list: readonly PartitionReader[];
  limits: KafkaBusLimits;
}): Promise<void> {
  const { broker, list, limits } = options;
  const fetched = await fetchRecords({
    broker,
    partitions: list.flatMap((reader) => {
      const { topic, partition, next } = reader;
      return next === undefined ? [] : [{ topic, partition, offset: next, reader }];
    }),
    wait_ms: limits.fetch_wait_ms,
    partition_bytes: limits.fetch_bytes,
    all_bytes: limits.fetch_bytes * 4,
  });
  for (const { asked, records, next } of fetched) {
    const { reader, offset } = asked;
    // Moved or given back meanwhile: what came is not what is wanted now.
    if (reader.next !== offset || reader.signal.aborted) continue;
    if (next > offset) reader.add(records, next);
  }
}
