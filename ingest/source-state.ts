// The small durable state of sources (NetFlow templates, sequence numbers), one record each, written in batches.
import { type RecordStore, upsertRecord } from '../platform/records/record-store.ts';
import type { SourceState } from './source.ts';

export interface SourceStateStore {
  /** The state of one source, read from disk at once. */
  open(sourceId: string): Promise<SourceState>;
  /** Resolves when the durable values that a source set are on disk; at once when it set none. */
  settle(sourceId: string): Promise<void>;
  /** Writes what changed; resolves when it is durable. */
  flush(): Promise<void>;
  /** Stops the timer and flushes. */
  close(): Promise<void>;
}

interface SourceStateRecord {
  entries: Record<string, string>;
}

/**
 * Keeps states in the collection `settings` under `source-state:<source>`; changed ones are written every
 * `flush_interval_ms` (default 1000). What was set within that time before a crash is lost, unless it was set as
 * durable: then `settle` writes it before the record is acknowledged.
 */
export function createSourceStateStore(options: {
  store: RecordStore;
  /** The record of a source; default `source-state:<source>`. Processes that take the same source have one each. */
  idOf?: (sourceId: string) => string;
  flush_interval_ms?: number;
  onError?: (error: unknown) => void;
}): SourceStateStore {
  const { store, idOf = (sourceId) => `source-state:${sourceId}` } = options;
  const states = new Map<string, Map<string, string>>();
  const dirty = new Set<string>();
  /** Sources with durable values that may not be on disk yet, by how many were set: what comes during a write stays urgent. */
  const urgent = new Map<string, number>();
  let writing: Promise<void> = Promise.resolve();

  async function write(): Promise<void> {
    const changed = Array.from(dirty);
    for (const sourceId of changed) {
      dirty.delete(sourceId);
      const written = urgent.get(sourceId);
      const entries = Object.fromEntries(states.get(sourceId) ?? []);
      try {
        await upsertRecord<SourceStateRecord>({
          store,
          collection: 'settings',
          id: idOf(sourceId),
          change: () => ({ entries }),
        });
      } catch (error) {
        dirty.add(sourceId);
        throw error;
      }
      if (urgent.get(sourceId) === written) urgent.delete(sourceId);
    }
  }
  function flush(): Promise<void> {
    writing = writing.then(write, write);
    return writing;
  }
  const timer = setInterval(() => {
    if (dirty.size > 0) flush().catch((error: unknown) => options.onError?.(error));
  }, options.flush_interval_ms ?? 1_000);
  timer.unref();

  return {
    async open(sourceId) {
      let entries = states.get(sourceId);
      if (!entries) {
        const stored = await store.get<SourceStateRecord>('settings', idOf(sourceId));
        entries = new Map(Object.entries(stored?.value.entries ?? {}));
        states.set(sourceId, entries);
      }
      const held = entries;
      return {
        get: (key) => held.get(key),
        set: (key, value, options) => {
          if (held.get(key) === value) return;
          held.set(key, value);
          dirty.add(sourceId);
          if (options?.durable) urgent.set(sourceId, (urgent.get(sourceId) ?? 0) + 1);
        },
      };
    },
    async settle(sourceId) {
      if (urgent.has(sourceId)) await flush();
    },
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}

/** A state that is kept in memory only (`picket eval`, tests). */
export function createMemoryStateStore(): SourceStateStore {
  const states = new Map<string, Map<string, string>>();
  return {
    async open(sourceId) {
      const entries = states.get(sourceId) ?? new Map<string, string>();
      states.set(sourceId, entries);
      return { get: (key) => entries.get(key), set: (key, value) => void entries.set(key, value) };
    },
    settle: async () => {},
    flush: async () => {},
    close: async () => {},
  };
}
