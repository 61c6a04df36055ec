// Matches blocks of lines on several threads, each with an engine of its own over the same rules.
import { Worker } from 'node:worker_threads';
import type { Problem } from '../problem.ts';

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
  readonly ready: Promise<PoolReady>;
  /** Blocks that it has not answered, by their ids. */
  readonly asked: Map<number, { resolve: (result: BlockResult) => void; reject: (error: Error) => void }>;
}

export class MatchPool {
  readonly rules: readonly PoolRule[];
  readonly refused: readonly Problem[];
  readonly #threads: readonly Thread[];
  #next = 0;

  private constructor(threads: readonly Thread[], ready: PoolReady) {
    this.rules = ready.rules;
    this.refused = ready.refused;
    this.#threads = threads;
  }

  /** Starts so many threads and waits until all have compiled the rules. @throws Error of a thread that could not */
  static async open(options: { threads: number; rules: PoolRules }): Promise<MatchPool> {
    const threads = Array.from({ length: options.threads }, () => startThread(options.rules));
    try {
      const [first] = await Promise.all(threads.map(({ ready }) => ready));
      return new MatchPool(threads, first as PoolReady);
    } catch (error) {
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
      throw error;
    }
  }

  /** Matches a block of lines (line feeds between them) on the thread with the least to do. The bytes are handed over. */
  match(block: Uint8Array<ArrayBuffer>): Promise<BlockResult> {
    const { worker, asked } = this.#threads.reduce((least, one) =>
      one.asked.size < least.asked.size ? one : least,
    );
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      asked.set(id, { resolve, reject });
      worker.postMessage({ id, block }, [block.buffer]);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }
}

function startThread(rules: PoolRules): Thread {
  const worker = new Worker(new URL('./match-pool-worker.ts', import.meta.url), { workerData: rules });
  const asked: Thread['asked'] = new Map();
  const ready = new Promise<PoolReady>((resolve, reject) => {
    worker.on('message', (message: PoolReady | { id: number; result: BlockResult }) => {
      if (!('id' in message)) {
        resolve(message);
        return;
      }
      asked.get(message.id)?.resolve(message.result);
      asked.delete(message.id);
    });
    const fail = (error: Error): void => {
      reject(error);
      for (const one of asked.values()) one.reject(error);
      asked.clear();
    };
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('the thread has ended')));
  });
  return { worker, ready, asked };
}
