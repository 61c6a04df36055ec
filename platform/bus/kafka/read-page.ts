// Reads a page of one partition without a group.
import type { Cluster } from 'kafkajs';
import { PicketError } from '../../core/errors.ts';
import type { BusRecord } from '../bus.ts';
import { faultType } from './faults.ts';
import { fetchRecords } from './fetch.ts';
import { readBounds } from './positions.ts';
import type { KafkaBusLimits } from './settings.ts';
import { findBroker } from './wire.ts';

/** From `offset` (or the first kept after it), at most so many; empty at the end only. @throws kafkajs' errors */
export async function readPage(options: {
  cluster: Cluster;
  topic: string;
  partition: number;
  offset: number;
  max_records: number;
  limits: KafkaBusLimits;
}): Promise<readonly BusRecord[]> {
  const { cluster, topic, partition, max_records, limits } = options;
  const [leader] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
  if (leader === undefined) return [];
  const broker = await findBroker(cluster, leader);
  let offset = options.offset;
  for (;;) {
    try {
      const [fetched] = await fetchRecords({
        broker,
        partitions: [{ topic, partition, offset }],
        wait_ms: 0,
        partition_bytes: limits.fetch_bytes,
        all_bytes: limits.fetch_bytes,
      });
      const { records, next } = fetched ?? { records: [], next: offset };
      if (records.length > 0 || next === offset) return records.slice(0, max_records);
      offset = next;
    } catch (error) {
      if (faultType(error) !== 'OFFSET_OUT_OF_RANGE') throw error;
      const [bounds] = await readBounds({ cluster, topic, partitions: [partition] });
      if (!bounds) throw new PicketError({ code: 'BUS_TOPIC_MISSING', message: topic, cause: error });
      if (offset >= bounds.first) return [];
      offset = bounds.first;
    }
  }
}
