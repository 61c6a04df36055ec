// Makes declared topics that are missing and says how those that are there differ from their declaration.
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import type { Clock } from '../../core/clock.ts';
import { PicketError } from '../../core/errors.ts';
import type { TopicDefinition } from '../../core/topics.ts';
import { faultType } from './faults.ts';
import type { KafkaTopicSettings } from './settings.ts';
import type { KafkaNotice } from './start-offset.ts';
import {
  CHECKED_SETTINGS,
  compareTopic,
  describeRemedy,
  type TopicDifference,
  topicConfig,
} from './topic-config.ts';

/** Asks for the brokers' own default.replication.factor (KIP-464). */
const BROKER_DEFAULT = -1;

/** Waits for a topic that was just made: twelve seconds in all. */
const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 6_400;

export interface EnsureTopicsOptions {
  readonly kafka: Kafka;
  readonly topics: readonly TopicDefinition[];
  readonly settings: KafkaTopicSettings;
  readonly max_message_bytes: number;
  readonly clock: Clock;
  readonly notice: (notice: KafkaNotice) => void;
}

/** @throws PicketError BUS_TOPIC_MISMATCH, BUS_TOPIC_MISSING (not there and not ours to make); kafkajs' errors */
export async function ensureTopics(options: EnsureTopicsOptions): Promise<void> {
  const { kafka, topics, settings, notice } = options;
  if (topics.length === 0) return;
  const admin = kafka.admin();
  try {
    await admin.connect();
    for (const topic of topics) {
      let partitions = await countPartitions(admin, topic.name);
      if (partitions === undefined) {
        if (!settings.create) {
          throw new PicketError({
            code: 'BUS_TOPIC_MISSING',
            message: `topic ${topic.name} is not there, and this program is not to make it (topics.create)`,
          });
        }
        await createTopic(admin, options, topic);
        partitions = await awaitTopic(admin, topic.name, options.clock);
      }
      const differences = await inspect(admin, options, topic, partitions);
      const fatal = differences.find((difference) => difference.fatal);
      if (fatal) throw mismatch(topic, fatal);
      for (const difference of differences)
        notice({ kind: 'topic-differs', topic: topic.name, message: describe(topic, difference) });
    }
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** A broker hears of a topic some moments after it was made, which another process may have done just now. */
async function awaitTopic(admin: Admin, name: string, clock: Clock): Promise<number> {
  for (let wait = FIRST_WAIT_MS; ; wait *= 2) {
    const partitions = await countPartitions(admin, name);
    if (partitions !== undefined) return partitions;
    if (wait > LONGEST_WAIT_MS)
      throw new PicketError({
        code: 'BUS_UNAVAILABLE',
        message: `topic ${name} was made, and is not there yet`,
      });
    await clock.sleep(wait);
  }
}

/** Undefined for a topic that is not there. */
export async function countPartitions(admin: Admin, name: string): Promise<number | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    return topics[0]?.partitions.length;
  } catch (error) {
    if (faultType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined;
    throw error;
  }
}

async function createTopic(
  admin: Admin,
  { settings, max_message_bytes }: EnsureTopicsOptions,
  topic: TopicDefinition,
): Promise<void> {
  const { replication_factor } = settings;
  const config = topicConfig({ topic, max_message_bytes, replication_factor });
  // False when another process was first, which is as good.
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      {
        topic: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: replication_factor ?? BROKER_DEFAULT,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      },
    ],
  });
}

async function inspect(
  admin: Admin,
  { settings, max_message_bytes }: EnsureTopicsOptions,
  topic: TopicDefinition,
  partitions: number,
): Promise<TopicDifference[]> {
  const { replication_factor } = settings;
  const wanted = topicConfig({ topic, max_message_bytes, replication_factor });
  return compareTopic({ topic, partitions, config: await readConfig(admin, topic.name), wanted });
}

/** Nothing where this account may not look (DESCRIBE_CONFIGS is a right of its own): what it cannot see it does not judge. */
export async function readConfig(admin: Admin, name: string): Promise<Record<string, string>> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: [...CHECKED_SETTINGS] }],
    });
    return Object.fromEntries(
      (resources[0]?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]),
    );
  } catch (error) {
    if (faultType(error)?.endsWith('AUTHORIZATION_FAILED')) return {};
    throw error;
  }
}

function mismatch(topic: TopicDefinition, difference: TopicDifference): PicketError {
  return new PicketError({ code: 'BUS_TOPIC_MISMATCH', message: describe(topic, difference) });
}

function describe(topic: TopicDefinition, difference: TopicDifference): string {
  const { setting, is, wanted } = difference;
  return `topic ${topic.name}: ${setting} is ${is}, declared is ${wanted}; ${describeRemedy(topic.name, difference)}`;
}
