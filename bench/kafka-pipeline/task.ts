// What the processes of the pipeline bench say to one another.

/** `index` and `detect` are the product's; `bare-write` and `bare-parse` the bounds: kafkajs and the least that must be done. */
export type RoleName = 'index' | 'detect' | 'bare-write' | 'bare-parse';

/** Given as JSON on the command line. */
export interface WorkerTask {
  readonly role: RoleName;
  readonly broker: string;
  readonly elasticsearch: string;
  /** Folder of the process' own. */
  readonly folder: string;
  readonly partitions: number;
  /** Of the bounds; the product's groups have names of their own. */
  readonly group: string;
  /** Of `bare-write`: where the events of each dataset go. */
  readonly indices: Readonly<Record<string, string>>;
}

/** How far a process is, told twenty times a second. */
export interface Progress {
  readonly kind: 'progress';
  /** Events that are done. */
  readonly done: number;
  /** Signals found, and signals correlated. */
  readonly signals: number;
  readonly correlated: number;
  /** Events left out by `bare-write`, which the mapping cannot hold. */
  readonly refused: number;
  /** CPU seconds since it was told to begin. */
  readonly cpu_s: number;
  /** What went wrong without ending it: batches that came again, refused events. */
  readonly faults: number;
}

export type WorkerMessage = { readonly kind: 'ready' } | Progress;

/** Limits that both sides keep to, so that requests are of one size (platform/index/elasticsearch/write.ts). */
export const BATCH = { records: 2_000, bytes: 8 * 1024 ** 2, in_flight: 4 } as const;
/** kafkajs fetches as the bus does (platform/bus/kafka/settings.ts). */
export const FETCH = { wait_ms: 500, partition_bytes: 2 * 1024 ** 2, bytes: 8 * 1024 ** 2 } as const;
