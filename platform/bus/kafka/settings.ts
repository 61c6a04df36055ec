// What the Kafka bus is told: where the brokers are, how to prove oneself to them, and its bounds with their defaults.
import { DEAD_LETTER_ROOM } from '../dead-letter.ts';

export interface KafkaTls {
  /** Authorities that sign the brokers' certificates, PEM; the system's own when left out. */
  readonly ca?: string;
  /** Own certificate and key for mutual TLS, PEM. */
  readonly certificate?: string;
  readonly key?: string;
  /** The name that the brokers' certificates must carry, when it is not the name they are reached by. */
  readonly server_name?: string;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface KafkaConnectionSettings {
  /** `host:port` each; the first that answers tells the rest. */
  readonly brokers: readonly string[];
  /** What brokers show in their logs and quotas. */
  readonly client_id: string;
  readonly tls?: KafkaTls;
  readonly sasl?: KafkaSasl;
}

export interface KafkaTopicSettings {
  /** Copies of each partition, for topics that this program makes; default: what the brokers have for theirs. */
  readonly replication_factor?: number;
  /** False where topics are made by the cluster's own people: a missing one is then an error. */
  readonly create: boolean;
  /** Partitions by topic name, where they are not the declared ones. */
  readonly partitions?: Readonly<Record<string, number>>;
}

export interface KafkaBusLimits {
  /** Largest message: key, headers and value together. Topics that this program makes allow it. */
  readonly max_message_bytes: number;
  /** Most bytes handed to produce and not yet acknowledged. */
  readonly max_queued_bytes: number;
  /** Messages of one partition that travel together, before compression. */
  readonly batch_bytes: number;
  /** Batches of several partitions in one request. */
  readonly request_bytes: number;
  /** Longest that a produce waits for its acknowledgement before it fails. */
  readonly delivery_timeout_ms: number;
  /** A member that is not heard of for so long has left the group. */
  readonly session_timeout_ms: number;
  readonly heartbeat_ms: number;
  /** Longest that a fetch waits at the broker for something new. */
  readonly fetch_wait_ms: number;
  /** Bytes of one partition asked for at a time. */
  readonly fetch_bytes: number;
  /** Bytes of one partition held ahead of its handler. */
  readonly ahead_bytes: number;
  /** Least time between two commits of a consumer's offsets. */
  readonly commit_wait_ms: number;
  readonly connect_timeout_ms: number;
  readonly request_timeout_ms: number;
  readonly retry_first_ms: number;
  readonly retry_most_ms: number;
}

const MIB = 1024 ** 2;

export const DEFAULT_KAFKA_LIMITS: KafkaBusLimits = {
  max_message_bytes: 16 * MIB,
  max_queued_bytes: 64 * MIB,
  batch_bytes: MIB,
  request_bytes: 8 * MIB,
  delivery_timeout_ms: 15_000,
  session_timeout_ms: 20_000,
  heartbeat_ms: 1_000,
  fetch_wait_ms: 500,
  fetch_bytes: 2 * MIB,
  ahead_bytes: 4 * MIB,
  commit_wait_ms: 100,
  connect_timeout_ms: 3_000,
  request_timeout_ms: 30_000,
  retry_first_ms: 50,
  retry_most_ms: 5_000,
};

/** What a topic must allow a batch to weigh, so that the largest dead letter fits with its frame. */
export function topicMessageBytes(limits: Pick<KafkaBusLimits, 'max_message_bytes'>): number {
  return limits.max_message_bytes + 2 * DEAD_LETTER_ROOM;
}
