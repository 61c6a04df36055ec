// The bounds of the embedded bus and their defaults.

export interface EmbeddedBusLimits {
  /** Budget of the database file; without it the disk's own fullness counts. */
  readonly max_bytes: number | undefined;
  /** Largest message: key, headers and value together. */
  readonly max_message_bytes: number;
  /** Most bytes handed to produce and not yet on disk. */
  readonly max_queued_bytes: number;
  /** A segment takes no more messages once it holds this much. */
  readonly segment_bytes: number;
  /** Least time between two commits under load. */
  readonly group_wait_ms: number;
  /** Longest that a consumer's commit waits for a transaction to join. */
  readonly commit_wait_ms: number;
  readonly retention_interval_ms: number;
  readonly retry_first_ms: number;
  readonly retry_most_ms: number;
}

const MIB = 1024 ** 2;

export const DEFAULT_LIMITS: EmbeddedBusLimits = {
  max_bytes: undefined,
  max_message_bytes: 16 * MIB,
  max_queued_bytes: 64 * MIB,
  segment_bytes: 32 * MIB,
  group_wait_ms: 2,
  commit_wait_ms: 200,
  retention_interval_ms: 60_000,
  retry_first_ms: 50,
  retry_most_ms: 30_000,
};
