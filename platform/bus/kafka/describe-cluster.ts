// What stands on the other side: brokers, and the declared topics with what is wrong with each. For people and for `picket doctor`.
import type { Logger } from '../../core/log.ts';
import { TOPICS, type TopicDefinition } from '../../core/topics.ts';
import { createKafka } from './connection.ts';
import { readConfig } from './ensure-topics.ts';
import { describeFault, faultType } from './faults.ts';
import {
  DEFAULT_KAFKA_LIMITS,
  type KafkaConnectionSettings,
  type KafkaTopicSettings,
  topicMessageBytes,
} from './settings.ts';
import { compareTopic, describeRemedy, topicConfig } from './topic-config.ts';

export interface KafkaTopicState {
  readonly name: string;
  /** 0 for a topic that is not there. */
  readonly partitions: number;
  /** Copies of its first partition. */
  readonly replicas: number;
  /** Partitions that cannot be written to now: no leader. */
  readonly offline: readonly number[];
  /** Partitions of which a copy is behind or away. */
  readonly under_replicated: readonly number[];
  /** What differs from the declaration, each with the command that puts it right. */
  readonly differences: readonly string[];
}

export interface KafkaState {
  readonly cluster_id: string;
  /** Broker id of the one that answers for the cluster. */
  readonly controller: number | undefined;
  readonly brokers: readonly { readonly id: number; readonly host: string; readonly port: number }[];
  readonly topics: readonly KafkaTopicState[];
}

/**
 * Looks and changes nothing; a topic that is missing is in the answer as one without partitions.
 * @throws PicketError BUS_UNAVAILABLE, BUS_AUTHENTICATION, BUS_FORBIDDEN
 */
export async function describeKafka(options: {
  connection: KafkaConnectionSettings;
  topics: KafkaTopicSettings;
  logger: Logger;
  /** Default: every declared topic. */
  declared?: readonly TopicDefinition[];
}): Promise<KafkaState> {
  const { connection, topics, logger, declared = Object.values(TOPICS) } = options;
  const limits = DEFAULT_KAFKA_LIMITS;
  const admin = createKafka({ settings: connection, limits, logger }).admin();
  try {
    await admin.connect();
    const { brokers, controller, clusterId } = await admin.describeCluster();
    const states: KafkaTopicState[] = [];
    for (const topic of declared) {
      const partitions = topics.partitions?.[topic.name] ?? topic.partitions;
      states.push(await describeTopic({ admin, topic: { ...topic, partitions }, settings: topics }));
    }
    return {
      cluster_id: clusterId,
      controller: controller ?? undefined,
      brokers: brokers.map(({ nodeId, host, port }) => ({ id: nodeId, host, port })),
      topics: states,
    };
  } catch (error) {
    throw describeFault(error, connection.brokers.join(', '));
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

type Admin = ReturnType<ReturnType<typeof createKafka>['admin']>;

async function describeTopic(options: {
  admin: Admin;
  topic: TopicDefinition;
  settings: KafkaTopicSettings;
}): Promise<KafkaTopicState> {
  const { admin, topic, settings } = options;
  const { name } = topic;
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    const list = topics[0]?.partitions ?? [];
    const wanted = topicConfig({
      topic,
      max_message_bytes: topicMessageBytes(DEFAULT_KAFKA_LIMITS),
      replication_factor: settings.replication_factor,
    });
    const config = await readConfig(admin, name);
    return {
      name,
      partitions: list.length,
      replicas: list[0]?.replicas.length ?? 0,
      offline: list.filter(({ leader }) => leader < 0).map(({ partitionId }) => partitionId),
      under_replicated: list
        .filter(({ isr, replicas }) => isr.length < replicas.length)
        .map(({ partitionId }) => partitionId),
      differences: compareTopic({ topic, partitions: list.length, config, wanted }).map(
        (difference) =>
          `${difference.setting} is ${difference.is}, declared is ${difference.wanted}: ${describeRemedy(name, difference)}`,
      ),
    };
  } catch (error) {
    if (faultType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
    const differences = ['it is not there'];
    return { name, partitions: 0, replicas: 0, offline: [], under_replicated: [], differences };
  }
}
