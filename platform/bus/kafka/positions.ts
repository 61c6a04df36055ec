// Offsets of a topic's partitions as the brokers have them: the first, the next, the one at a time.
import type { Cluster } from 'kafkajs';

/** First and next offset of each of the partitions, in their order. */
export async function readBounds(options: {
  cluster: Cluster;
  topic: string;
  partitions: readonly number[];
}): Promise<{ first: number; next: number }[]> {
  const { cluster, topic } = options;
  const partitions = options.partitions.map((partition) => ({ partition }));
  const [[firsts], [nexts]] = await Promise.all([
    cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning: true }]),
    cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning: false }]),
  ]);
  const first = byPartition(firsts?.partitions ?? []);
  const next = byPartition(nexts?.partitions ?? []);
  return options.partitions.map((partition) => ({
    first: first.get(partition) ?? 0,
    next: next.get(partition) ?? 0,
  }));
}

/** The first offset of each partition appended at or after `timestamp`; undefined where there is none. */
export async function readOffsetsAt(options: {
  cluster: Cluster;
  topic: string;
  partitions: readonly number[];
  timestamp: number;
}): Promise<(number | undefined)[]> {
  const { cluster, topic, timestamp } = options;
  const partitions = options.partitions.map((partition) => ({ partition }));
  const [found] = await cluster.fetchTopicsOffset([{ topic, partitions, fromTimestamp: timestamp }]);
  const offsets = byPartition(found?.partitions ?? []);
  return options.partitions.map((partition) => {
    const offset = offsets.get(partition);
    return offset === undefined || offset < 0 ? undefined : offset;
  });
}

/** The ids of a topic's partitions, in order. */
export function listPartitionIds(cluster: Cluster, topic: string): number[] {
  return cluster
    .findTopicPartitionMetadata(topic)
    .map(({ partitionId }) => partitionId)
    .sort((a, b) => a - b);
}

function byPartition(
  partitions: readonly { partition: number; offset: string }[],
): ReadonlyMap<number, number> {
  return new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)]));
}
