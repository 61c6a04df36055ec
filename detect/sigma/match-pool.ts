// Matches blocks of lines on several threads, each with an engine of its own over the same rules.
import { Worker } from 'node:worker_threads';
import type { Problem } from './problem.ts';

/** What each thread compiles. */
export interface PoolRules {
  readonly folders: readonly string[];
  readonly pipelines: string;
  /** Events' fields are the rules' own. */
  readonly raw: boolean;
}

/** What one block of lines gave. */
export interface BlockResult {
  /** How many lines it has, blank ones included. */
  readonly lines: number;
  readonly events: number;
  /** Line within the block (from 0) and rule (place in `rules`), by turns, rising by line. */
  readonly matches: Int32Array;
  readonly faults: readonly { line: number; code: string; message: string }[];
}

export interface PoolRule {
  readonly id: string;
  readonly name: string;
  readonly level: string;
}

/** Told by each thread once its engine stands. */
export interface PoolReady {
  readonly rules: readonly PoolRule[];
  readonly refused: readonly Problem[];
}

interface Thread {
  readonly worker: Worker;
  waiting: number;
}

export class MatchPool {
  readonly rules: readonly PoolRule[];
  readonly refused: readonly Problem[];
  readonly #threads: readonly Thread[];
  readonly #asked = new Map<
    number,
    { resolve: (result: BlockResult) => void; reject: (error: Error) => void }
  >();
  #next = 0;

  private constructor(threads: readonly Worker[], ready: PoolReady) {
    this.rules = ready.rules;
    this.refused = ready.refused;
    this.#threads = threads.map((worker) => ({ worker, waiting: 0 }));
    for (const thread of this.#threads) {
      thread.worker.on('message', ({ id, result }: { id: number; result: BlockResult }) => {
        thread.waiting--;
        this.#asked.get(id)?.resolve(result);
        this.#asked.delete(id);
      });
      thread.worker.on('error', (error: Error) => this.#fail(error));
    }
  }

  /** Starts so many threads and waits until all have compiled the rules. @throws Error of a thread that could not */
  static async open(options: { threads: number; rules: PoolRules }): Promise<MatchPool> {
    const workers = Array.from(
      { length: options.threads },
      () => new Worker(new URL('./match-pool-worker.ts', import.meta.url), { workerData: options.rules }),
    );
    const ready = await Promise.all(
      workers.map(
        (worker) =>
          new Promise<PoolReady>((resolve, reject) => {
            worker.once('message', resolve);
            worker.once('error', reject);
          }),
      ),
    );
    for (const worker of workers) worker.removeAllListeners();
    return new MatchPool(workers, ready[0] as PoolReady);
  }

  /** Matches a block of lines (line feeds between them) on the thread with the least to do. The bytes are handed over. */
  match(block: Uint8Array<ArrayBuffer>): Promise<BlockResult> {
    const thread = this.#threads.reduce((least, one) => (one.waiting < least.waiting ? one : least));
    const id = this.#next++;
    thread.waiting++;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      thread.worker.postMessage({ id, block }, [block.buffer]);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
    this.#fail(new Error('the pool was closed'));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }
}
