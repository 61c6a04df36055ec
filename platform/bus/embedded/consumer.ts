// A consumer of the embedded bus: one loop a partition, woken by appends, retrying with a growing wait.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import type { BusBatch, ConsumeOptions, Consumer } from '../bus.ts';
import { Gate } from '../gate.ts';
import type { PartitionLog } from './partition-log.ts';

/** What a consumer needs of its bus. */
export interface ConsumerHost {
  readonly clock: Clock;
  readonly limits: { readonly retry_first_ms: number; readonly retry_most_ms: number };
  /** Partitions of the options' topics, made when missing. */
  openLogs(options: ConsumeOptions): Promise<readonly PartitionLog[]>;
  committed(group: string, log: PartitionLog): number | undefined;
  /** Notes an offset; it reaches the disk with the next transaction or soon after. */
  commit(group: string, log: PartitionLog, next: number): void;
  /** Resolves when all noted offsets are on disk. */
  flushCommits(): Promise<void>;
  /** Resolves with a release once no other consumer of the group holds the partition. */
  claim(group: string, log: PartitionLog, signal: AbortSignal): Promise<() => void>;
  onStop(consumer: Consumer): void;
}

const DEFAULT_MAX_RECORDS = 500;
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;

/**
 * Begins at once. `stop` aborts the handler's signal: a handler that ignores it is waited for and its batch
 * committed, one that rejects because of it gets the batch again at the next start.
 */
export function startConsumer(host: ConsumerHost, options: ConsumeOptions): Consumer {
  const stopping = new AbortController();
  const gate = new Gate();
  const running = runAll({ host, options, gate, signal: stopping.signal });
  let stopped: Promise<void> | undefined;
  const consumer: Consumer = {
    pause: () => gate.shut(),
    resume: () => gate.open(),
    stop: () => {
      stopped ??= (async () => {
        stopping.abort();
        gate.open();
        try {
          await running;
          await host.flushCommits();
        } finally {
          host.onStop(consumer);
        }
      })();
      return stopped;
    },
  };
  return consumer;
}

interface Run {
  readonly host: ConsumerHost;
  readonly options: ConsumeOptions;
  readonly gate: Gate;
  readonly signal: AbortSignal;
}

async function runAll(run: Run): Promise<void> {
  let logs: readonly PartitionLog[] | undefined;
  for (let wait = run.host.limits.retry_first_ms; !logs && !run.signal.aborted; wait *= 2) {
    try {
      logs = await run.host.openLogs(run.options);
    } catch (error) {
      // A full disk at start: the topics are made once there is room. No batch is in hand yet.
      run.options.onError?.(error, { topic: topicNames(run.options), partition: -1, records: [] });
      await pauseFor(run, Math.min(wait, run.host.limits.retry_most_ms));
    }
  }
  await Promise.all((logs ?? []).map((log) => runPartition(run, log)));
}

function topicNames(options: ConsumeOptions): string {
  return options.topics.map((topic) => topic.name).join(',');
}

async function runPartition(run: Run, log: PartitionLog): Promise<void> {
  const { host, options, gate, signal } = run;
  const release = await host.claim(options.group, log, signal);
  try {
    let next = await startOffset(run, log);
    while (!signal.aborted) {
      await gate.passed();
      if (signal.aborted) return;
      const records = await readOn(run, log, next);
      const last = records.at(-1);
      if (!last) {
        await log.waitFor(Math.max(next, log.first), signal);
        continue;
      }
      const delivered = await deliver(run, { topic: log.topic.name, partition: log.partition, records });
      if (!delivered) return;
      next = last.offset + 1;
      host.commit(options.group, log, next);
      // Reads and fast handlers never leave the microtask queue: give the rest of the process its turn.
      await nextTurn();
    }
  } finally {
    release();
  }
}

/** The next records; a read that fails is reported and tried again after a wait. */
async function readOn({ host, options, signal, gate }: Run, log: PartitionLog, next: number) {
  for (let wait = host.limits.retry_first_ms; ; wait = Math.min(wait * 2, host.limits.retry_most_ms)) {
    try {
      return log.read({
        offset: next,
        max_records: options.max_records ?? DEFAULT_MAX_RECORDS,
        max_bytes: options.max_bytes ?? DEFAULT_MAX_BYTES,
      });
    } catch (error) {
      options.onError?.(error, { topic: log.topic.name, partition: log.partition, records: [] });
    }
    await pauseFor({ host, options, signal, gate }, wait);
    if (signal.aborted) return [];
  }
}

/** A position outside what is kept (dropped by retention, or of an older folder) falls to `from`, as Kafka's auto.offset.reset. */
async function startOffset({ host, options }: Run, log: PartitionLog): Promise<number> {
  const committed = host.committed(options.group, log);
  const wanted = options.position?.(log.topic.name, log.partition) ?? committed;
  if (wanted !== undefined && wanted >= log.first && wanted <= log.next) {
    // A consumer with positions of its own: the group's lag is from where it stands.
    if (wanted !== committed) host.commit(options.group, log, wanted);
    return wanted;
  }
  const start = wanted === undefined && options.from === 'latest' ? log.next : log.first;
  // Written down, so that `latest` means the moment the group was first seen, also after a restart.
  host.commit(options.group, log, start);
  if (wanted !== undefined) await options.onReset?.(log.topic.name, log.partition, start);
  return start;
}

/** True once the handler took the batch; false when the consumer stopped before. */
async function deliver(run: Run, batch: BusBatch): Promise<boolean> {
  const { host, options, gate, signal } = run;
  for (let wait = host.limits.retry_first_ms; ; wait = Math.min(wait * 2, host.limits.retry_most_ms)) {
    try {
      await options.handle(batch, signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      options.onError?.(error, batch);
    }
    await pauseFor(run, wait);
    await gate.passed();
    if (signal.aborted) return false;
  }
}

async function pauseFor({ host, signal }: Run, wait_ms: number): Promise<void> {
  try {
    await host.clock.sleep(wait_ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
