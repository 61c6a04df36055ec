// The records contract: alerts, incidents, runs, postures and the rest of what changes; one record is the unit of atomicity.
import type { JsonObject } from '../core/event.ts';
import type { Expression } from '../core/expression/expression.ts';

/** The collections; each holds one shape of platform/core (or of the part named). */
export const COLLECTIONS = [
  'alerts',
  'incidents',
  'incident-links',
  'investigations',
  'runs',
  'postures',
  'sites',
  'enrolment-tokens',
  'users',
  'sessions',
  'api-tokens',
  'deliveries',
  'residency-ledger',
  'counters',
  'settings',
  'audit',
  'exceptions',
  'suppressions',
  'identity',
  'leases',
] as const;
export type Collection = (typeof COLLECTIONS)[number];

export interface StoredRecord<T> {
  readonly id: string;
  readonly value: T;
  /** Opaque; changes with every write. Hand it back to update or remove. */
  readonly revision: string;
}

export interface RecordQuery {
  readonly where?: Expression;
  /** Dotted field; ties by id. Default: id ascending. */
  readonly sort?: { readonly field: string; readonly direction: 'asc' | 'desc' };
  /** 1 to 10,000. */
  readonly limit: number;
  readonly cursor?: string;
}

export interface RecordChange {
  /** Rises by commit order over all collections; resume after it. */
  readonly sequence: number;
  readonly collection: Collection;
  readonly id: string;
  readonly kind: 'put' | 'removed';
}

export interface RecordStore {
  /** @throws PicketError RECORD_EXISTS */
  create<T extends object>(collection: Collection, id: string, value: T): Promise<StoredRecord<T>>;
  get<T extends object = JsonObject>(
    collection: Collection,
    id: string,
  ): Promise<StoredRecord<T> | undefined>;
  /** Replaces if unchanged. @throws PicketError RECORD_CONFLICT (also when the record is gone) */
  update<T extends object>(collection: Collection, record: StoredRecord<T>): Promise<StoredRecord<T>>;
  /** @throws PicketError RECORD_CONFLICT */
  remove(collection: Collection, id: string, revision: string): Promise<void>;
  query<T extends object = JsonObject>(
    collection: Collection,
    query: RecordQuery,
  ): Promise<{ records: readonly StoredRecord<T>[]; cursor?: string }>;
  count(collection: Collection, where?: Expression): Promise<number>;
  /** Changes after a sequence (0 for all that are kept), oldest first. Only the newest change of a record may be kept. */
  changes(options: { after: number; limit: number }): Promise<readonly RecordChange[]>;
  /** Calls back after each committed change of this process's store; returns how to stop. */
  watch(listener: (change: RecordChange) => void): () => void;
  close(): Promise<void>;
}

/** A change to one record, whatever stands there. */
export interface RecordChanging<T extends object> {
  readonly store: RecordStore;
  readonly collection: Collection;
  readonly id: string;
  /** Given what stands there; undefined leaves it as it is. */
  readonly change: (current: T | undefined) => T | undefined;
  /** What stands there as far as is known, which saves reading it first; when it turns out otherwise it is read. */
  readonly believed?: StoredRecord<T> | 'absent';
}

/**
 * Reads, changes and writes one record until no one came between (at most 50 times), creating it from
 * `change(undefined)` when absent. Gives what stands there then.
 * @throws whatever `change` throws; PicketError RECORD_CONFLICT when it never came through
 */
export async function changeRecord<T extends object>(
  options: RecordChanging<T>,
): Promise<StoredRecord<T> | undefined> {
  const { store, collection, id, change, believed } = options;
  let current = believed === 'absent' ? undefined : (believed ?? (await store.get<T>(collection, id)));
  for (let attempt = 0; ; attempt++) {
    const value = change(current?.value);
    if (value === undefined) return current;
    try {
      if (current) return await store.update(collection, { ...current, value });
      return await store.create(collection, id, value);
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (attempt >= 50 || (code !== 'RECORD_CONFLICT' && code !== 'RECORD_EXISTS')) throw error;
    }
    current = await store.get<T>(collection, id);
  }
}

/** As changeRecord, giving the value alone. */
export async function upsertRecord<T extends object>(options: RecordChanging<T>): Promise<T | undefined> {
  return (await changeRecord(options))?.value;
}

/** Every record of a collection (or those that `where` says), page by page, by id. */
export async function* eachRecord<T extends object>(
  records: Pick<RecordStore, 'query'>,
  collection: Collection,
  where?: Expression,
): AsyncGenerator<StoredRecord<T>> {
  let cursor: string | undefined;
  do {
    const page = await records.query<T>(collection, {
      limit: 1_000,
      ...(where === undefined ? {} : { where }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield* page.records;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
