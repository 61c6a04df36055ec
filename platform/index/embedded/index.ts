// The embedded index: SQLite segments with column blocks, worked on a thread of its own (docs/decisions/0002-embedded-index.md).
import { Worker } from 'node:worker_threads';
import { PicketError } from '../../core/errors.ts';
import type { PicketEvent } from '../../core/event.ts';
import type { EventIndex, IndexDocument } from '../event-index.ts';
import type { Period } from '../segment-name.ts';
import { MAX_BODIES_READ } from './aggregate.ts';
import type { FromWorker, PackedDocuments, QuestionName, Questions, WorkerSettings } from './protocol.ts';

export interface EmbeddedIndexOptions {
  /** Made when missing; owned by this process alone. */
  readonly folder: string;
  /** Period of datasets written from now on; those known keep theirs. Default `week`. */
  readonly period?: Period;
  /** Bodies that one count, histogram or topValues may read before it answers `exact: false`. Default 500,000. */
  readonly max_bodies?: number;
}

/**
 * Opens (or makes) an embedded index.
 * @throws PicketError INDEX_FOLDER_IN_USE, INDEX_FOLDER_UNUSABLE
 */
export async function openEmbeddedIndex(options: EmbeddedIndexOptions): Promise<EventIndex> {
  const { folder, period = 'week', max_bodies = MAX_BODIES_READ } = options;
  const thread = new IndexThread({ folder, period, max_bodies });
  await thread.opened;
  const ask = thread.ask.bind(thread);
  return {
    async write(documents) {
      if (documents.length === 0) return [];
      const ask = pack(documents);
      return thread.ask('write', ask, { transfer: ask.bodies.buffer as ArrayBuffer });
    },
    async search({ signal, ...request }) {
      const { bodies, cursor } = await thread.ask('search', request, signal ? { signal } : {});
      const hits = bodies.map((body) => JSON.parse(body) as PicketEvent);
      return { hits, unanswered: [], ...(cursor === undefined ? {} : { cursor }) };
    },
    count: (scope) => ask('count', scope),
    histogram: (request) => ask('histogram', request),
    topValues: (request) => ask('topValues', request),
    async get(request) {
      const body = await ask('get', request);
      return body === undefined ? undefined : (JSON.parse(body) as PicketEvent);
    },
    segments: () => ask('segments', undefined),
    dropSegments: (names) => ask('dropSegments', names),
    close: () => thread.close(),
  };
}

/** Bodies go into one new buffer: posting a view would copy all of the buffer behind it. */
function pack(documents: readonly IndexDocument[]): PackedDocuments {
  const sizes = documents.map((document) => document.body.length);
  const bodies = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const { body } of documents) {
    bodies.set(body, at);
    at += body.length;
  }
  return {
    documents: documents.map(({ id, tenant, dataset, jurisdiction, timestamp, time }) => ({
      id,
      tenant,
      dataset,
      jurisdiction,
      timestamp,
      time,
    })),
    sizes,
    bodies,
  };
}

interface Waiting {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

/** The calling side of the thread: numbers questions and settles them as answers come. */
class IndexThread {
  readonly opened: Promise<void>;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #numbered = 0;
  #closing: Promise<void> | undefined;

  constructor(settings: WorkerSettings) {
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: settings,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    this.opened = new Promise((resolve, reject) => this.#waiting.set(0, { resolve, reject }));
    this.#worker.on('message', (message: FromWorker) => this.#settle(message));
    this.#worker.on('error', (error) => this.#failAll(error));
    this.#worker.on('exit', () => this.#failAll(closedError()));
  }

  #settle(message: FromWorker): void {
    const waiting = this.#waiting.get(message.number);
    this.#waiting.delete(message.number);
    if (!waiting) return;
    if ('error' in message) {
      const { code = 'INDEX_FAILED', message: text } = message.error;
      waiting.reject(new PicketError({ code, message: text }));
    } else waiting.resolve(message.answer as never);
  }

  #failAll(cause: unknown): void {
    const error =
      cause instanceof PicketError
        ? cause
        : new PicketError({ code: 'INDEX_FAILED', message: 'the index thread ended', cause });
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#closing ??= Promise.resolve();
  }

  /** Asks; rejects with the signal's reason when it aborts first, and tells the thread to stop. */
  ask<N extends QuestionName>(
    name: N,
    ask: Questions[N]['ask'],
    options: { transfer?: ArrayBuffer; signal?: AbortSignal } = {},
  ): Promise<Questions[N]['answer']> {
    const { transfer, signal } = options;
    if (this.#closing && name !== 'close') return Promise.reject(closedError());
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const number = ++this.#numbered;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.delete(number);
        this.#worker.postMessage({ number, name: 'cancel' }, []);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const done = (): void => signal?.removeEventListener('abort', abort);
      this.#waiting.set(number, {
        resolve: (answer) => {
          done();
          resolve(answer);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      this.#worker.postMessage({ number, name, ask }, transfer ? [transfer] : []);
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    const closed = this.ask('close', undefined);
    await closed;
    await this.#worker.terminate();
  }
}

function closedError(): PicketError {
  return new PicketError({ code: 'INDEX_CLOSED', message: 'the index is closed' });
}
