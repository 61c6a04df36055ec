// One assigned partition: holds what was fetched ahead, hands it to the handler batch by batch, and notes what is done.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import type { BusBatch, BusRecord, ConsumeOptions } from '../bus.ts';
import type { Gate } from '../gate.ts';
import type { FetchedRecord } from './read-record-batches.ts';

const DEFAULT_MAX_RECORDS = 500;
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;

export interface ReaderHost {
  readonly options: ConsumeOptions;
  readonly clock: Clock;
  readonly gate: Gate;
  readonly limits: {
    readonly retry_first_ms: number;
    readonly retry_most_ms: number;
    readonly ahead_bytes: number;
  };
  /** There is room for more of this partition. */
  wantsMore(): void;
  /** Everything before `next` is done. */
  done(reader: PartitionReader, next: number): void;
}

export class PartitionReader {
  readonly topic: string;
  readonly partition: number;
  /** Resolves when the handler has given the partition back. */
  readonly ended: Promise<void>;
  /** The next offset to fetch; undefined until it is known where to begin. */
  next: number | undefined;
  /** The next offset that the handler will see. */
  handled: number | undefined;
  readonly #host: ReaderHost;
  readonly #stopping = new AbortController();
  #ahead: FetchedRecord[] = [];
  #aheadFrom = 0;
  #aheadBytes = 0;
  #wake: (() => void) | undefined;

  constructor(options: { host: ReaderHost; topic: string; partition: number }) {
    this.#host = options.host;
    this.topic = options.topic;
    this.partition = options.partition;
    this.ended = this.#run();
  }

  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborts the handler; what it finishes in spite of that counts as done. */
  stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake?.();
    return this.ended;
  }

  /** True when a fetch of this partition would be of use now. */
  get ready(): boolean {
    return (
      this.next !== undefined &&
      !this.#stopping.signal.aborted &&
      this.#aheadBytes < this.#host.limits.ahead_bytes
    );
  }

  /** Begins, or begins anew, at an offset; what was held ahead is dropped. */
  startAt(offset: number): void {
    this.#ahead = [];
    this.#aheadFrom = 0;
    this.#aheadBytes = 0;
    this.next = offset;
    this.handled = offset;
  }

  /** Forgets where it stands, until `startAt` says it again. */
  hold(): void {
    this.#ahead = [];
    this.#aheadFrom = 0;
    this.#aheadBytes = 0;
    this.next = undefined;
  }

  /** Takes what was fetched from `next` on; `next` becomes the offset after the last. */
  add(records: readonly FetchedRecord[], next: number): void {
    for (const one of records) {
      this.#ahead.push(one);
      this.#aheadBytes += one.weight;
    }
    this.next = next;
    this.#wake?.();
  }

  async #run(): Promise<void> {
    const { gate } = this.#host;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await gate.passed(signal);
      if (signal.aborted) return;
      const records = this.#take();
      const last = records.at(-1);
      if (!last) {
        await this.#more();
        continue;
      }
      const delivered = await this.#deliver({ topic: this.topic, partition: this.partition, records });
      if (!delivered) return;
      // Begun anew meanwhile: what is done belongs to positions that no longer count.
      if (this.handled !== undefined && last.offset >= this.handled) {
        this.handled = last.offset + 1;
        this.#host.done(this, last.offset + 1);
      }
      // Handlers that never wait would leave the rest of the process no turn.
      await nextTurn();
    }
  }

  #take(): BusRecord[] {
    const { max_records = DEFAULT_MAX_RECORDS, max_bytes = DEFAULT_MAX_BYTES } = this.#host.options;
    const wasFull = this.#aheadBytes >= this.#host.limits.ahead_bytes;
    const records: BusRecord[] = [];
    let bytes = 0;
    while (this.#aheadFrom < this.#ahead.length && records.length < max_records) {
      const one = this.#ahead[this.#aheadFrom] as FetchedRecord;
      const { weight } = one;
      if (records.length > 0 && bytes + weight > max_bytes) break;
      bytes += weight;
      records.push(one);
      this.#aheadFrom++;
    }
    this.#aheadBytes -= bytes;
    if (this.#aheadFrom === this.#ahead.length) {
      this.#ahead = [];
      this.#aheadFrom = 0;
    } else if (this.#aheadFrom > 4_096) {
      this.#ahead = this.#ahead.slice(this.#aheadFrom);
      this.#aheadFrom = 0;
    }
    if (wasFull && this.#aheadBytes < this.#host.limits.ahead_bytes) this.#host.wantsMore();
    return records;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopping.signal.aborted || this.#aheadFrom < this.#ahead.length) {
        resolve();
        return;
      }
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  /** True once the handler took the batch; false when the partition was given back before. */
  async #deliver(batch: BusBatch): Promise<boolean> {
    const { options, limits, clock, gate } = this.#host;
    const { signal } = this.#stopping;
    for (let wait = limits.retry_first_ms; ; wait = Math.min(wait * 2, limits.retry_most_ms)) {
      try {
        await options.handle(batch, signal);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        options.onError?.(error, batch);
      }
      await clock.sleep(wait, signal).catch(() => {});
      await gate.passed(signal);
      if (signal.aborted) return false;
    }
  }
}
