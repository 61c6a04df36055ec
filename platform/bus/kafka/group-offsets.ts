// Where consumer groups stand: how far behind, and moving one that is stopped.
import type { Cluster } from 'kafkajs';
import { PicketError } from '../../core/errors.ts';
import { TOPICS } from '../../core/topics.ts';
import type { Connection } from './connection.ts';
import { faultType } from './faults.ts';
import { readCommitted } from './membership.ts';
import { listPartitionIds, readBounds } from './positions.ts';
import { findCoordinator } from './wire.ts';

/** Whoever commits as nobody of no generation is taken for an outsider: the broker lets that be only in a group without members. */
const OUTSIDER = { memberId: '', groupGenerationId: -1 };

/** Records not yet committed, by topic; topics that are gone are left out. */
export async function readLag(options: {
  connection: Connection;
  group: string;
}): Promise<Record<string, number>> {
  const { connection, group } = options;
  // kafkajs wants to know one topic before it asks for anything else.
  const coordinator = await findCoordinator(await connection.use([TOPICS.deadLetters.name]), group);
  const committed = await readCommitted({ coordinator, group, topics: [] });
  const lag: Record<string, number> = {};
  for (const [topic, offsets] of committed) {
    try {
      const cluster = await connection.use([topic]);
      const partitions = listPartitionIds(cluster, topic);
      const bounds = await readBounds({ cluster, topic, partitions });
      lag[topic] = partitions.reduce((sum, partition, at) => {
        const { first, next } = bounds[at] ?? { first: 0, next: 0 };
        return sum + Math.max(0, next - Math.max(offsets.get(partition) ?? 0, first));
      }, 0);
    } catch (error) {
      if (faultType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
    }
  }
  return lag;
}

/** @throws PicketError BUS_GROUP_BUSY when somebody consumes in it */
export async function moveGroup(options: {
  cluster: Cluster;
  group: string;
  topic: string;
  offsets: readonly number[];
}): Promise<void> {
  const { cluster, group, topic, offsets } = options;
  const coordinator = await findCoordinator(cluster, group);
  try {
    await coordinator.offsetCommit({
      groupId: group,
      ...OUTSIDER,
      topics: [
        { topic, partitions: offsets.map((offset, partition) => ({ partition, offset: String(offset) })) },
      ],
    });
  } catch (cause) {
    if (!/MEMBER|GENERATION|REBALANCE/.test(faultType(cause) ?? '')) throw cause;
    throw new PicketError({
      code: 'BUS_GROUP_BUSY',
      message: `group ${group} is consuming ${topic}: stop it before moving it`,
      cause,
    });
  }
}
