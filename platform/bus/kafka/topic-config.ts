// What a declared topic is in Kafka's settings, and what of a topic that is there differs from it.
import type { TopicDefinition } from '../../core/topics.ts';

const DAY_MS = 86_400_000;
const GIB = 1024 ** 3;
/** Kafka drops whole segments: so many stand for the whole of a retention, at least. */
const SEGMENTS_KEPT = 8;
const LEAST_SEGMENT_BYTES = 1024 ** 2;
const LEAST_SEGMENT_MS = 60_000;

/** Settings of a topic that this program makes (https://kafka.apache.org/documentation/#topicconfigs). Retention in bytes is a partition's. */
export function topicConfig(options: {
  topic: TopicDefinition;
  max_message_bytes: number;
  replication_factor: number | undefined;
}): Record<string, string> {
  const { topic, max_message_bytes, replication_factor } = options;
  const segmentBytes = Math.max(
    LEAST_SEGMENT_BYTES,
    Math.min(GIB, Math.floor(topic.retention_bytes / SEGMENTS_KEPT)),
  );
  const segmentMs = Math.max(
    LEAST_SEGMENT_MS,
    Math.min(7 * DAY_MS, Math.floor(topic.retention_ms / SEGMENTS_KEPT)),
  );
  return {
    'cleanup.policy': topic.compacted ? 'compact' : 'delete',
    ...(topic.compacted
      ? {}
      : { 'retention.ms': String(topic.retention_ms), 'retention.bytes': String(topic.retention_bytes) }),
    // Seeking by time means the time of appending, which never falls within a partition and which no sender chooses.
    'message.timestamp.type': 'LogAppendTime',
    'max.message.bytes': String(max_message_bytes),
    'segment.bytes': String(segmentBytes),
    'segment.ms': String(segmentMs),
    // One copy may be away while the rest acknowledges; with fewer copies none may.
    ...(replication_factor === undefined
      ? {}
      : { 'min.insync.replicas': String(replication_factor >= 3 ? 2 : 1) }),
  };
}

/** The settings that are looked at in a topic that is there: the rest is its owner's. */
export const CHECKED_SETTINGS = [
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'message.timestamp.type',
  'max.message.bytes',
] as const;

export interface TopicDifference {
  readonly setting: string;
  readonly is: string;
  readonly wanted: string;
  /** Messages would be lost or misread: not to be worked with. */
  readonly fatal: boolean;
}

/** Empty when all is as declared. More room, in time or bytes, than is asked for is no difference of weight but is said. */
export function compareTopic(options: {
  topic: TopicDefinition;
  partitions: number;
  config: Readonly<Record<string, string>>;
  wanted: Readonly<Record<string, string>>;
}): TopicDifference[] {
  const { topic, partitions, config, wanted } = options;
  const differences: TopicDifference[] = [];
  if (partitions !== topic.partitions) {
    differences.push({
      setting: 'partitions',
      is: String(partitions),
      wanted: String(topic.partitions),
      fatal: true,
    });
  }
  for (const setting of CHECKED_SETTINGS) {
    const is = config[setting];
    const should = wanted[setting];
    if (is === undefined || should === undefined || is === should) continue;
    if (setting === 'max.message.bytes' && Number(is) >= Number(should)) continue;
    // Compaction removes messages that have a successor: of events that would be loss without a word.
    differences.push({ setting, is, wanted: should, fatal: setting === 'cleanup.policy' });
  }
  return differences;
}

/** The command that puts it right, for an operator. */
export function describeRemedy(topic: string, { setting, wanted }: TopicDifference): string {
  return setting === 'partitions'
    ? `make the topic again with ${wanted} partitions`
    : `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config ${setting}=${wanted}`;
}

/** Declared alike: looked at once is enough. */
export function sameTopic(known: TopicDefinition | undefined, topic: TopicDefinition): boolean {
  return (
    known !== undefined &&
    known.partitions === topic.partitions &&
    known.retention_ms === topic.retention_ms &&
    known.retention_bytes === topic.retention_bytes &&
    known.compacted === topic.compacted
  );
}
