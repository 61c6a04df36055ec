// The correlator's SQLite tables and statements: signals, evidence, episodes, what is to be sent, input positions.
import { closeSync, fdatasync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { PicketError } from '../../platform/core/errors.ts';

const syncData = promisify(fdatasync);

const SCHEMA_VERSION = 1;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS correlations (identity TEXT PRIMARY KEY, rule TEXT NOT NULL, inputs TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
  id INTEGER PRIMARY KEY, correlation TEXT NOT NULL, tenant TEXT NOT NULL, text TEXT NOT NULL, key TEXT NOT NULL,
  UNIQUE (correlation, text)
);
CREATE TABLE IF NOT EXISTS signals (
  key INTEGER NOT NULL, t INTEGER NOT NULL, event TEXT NOT NULL, rule TEXT NOT NULL, vals TEXT, fires INTEGER NOT NULL,
  PRIMARY KEY (key, t, event, rule)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS evidence (
  event TEXT NOT NULL, rule TEXT NOT NULL, t INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (event, rule)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS episodes (
  id TEXT PRIMARY KEY, key INTEGER NOT NULL, correlation TEXT NOT NULL, rule TEXT NOT NULL,
  anchor_t INTEGER NOT NULL, anchor_event TEXT NOT NULL, last_t INTEGER NOT NULL, last_event TEXT NOT NULL,
  from_t INTEGER NOT NULL, first_t INTEGER NOT NULL, count INTEGER NOT NULL, signals INTEGER NOT NULL,
  state TEXT NOT NULL, superseded_by TEXT, revision INTEGER NOT NULL, created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS episodes_by_key ON episodes (key, anchor_t);
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, due INTEGER NOT NULL, made TEXT, revision INTEGER
);
`;

/** One row of `episodes`. */
export interface EpisodeRow {
  id: string;
  key: number;
  correlation: string;
  rule: string;
  anchor_t: number;
  anchor_event: string;
  last_t: number;
  last_event: string;
  /** Its events are the key's signals with from_t ≤ t ≤ last_t. */
  from_t: number;
  first_t: number;
  count: number;
  signals: number;
  state: 'current' | 'withdrawn' | 'superseded';
  superseded_by: string | null;
  revision: number;
  created: number;
}

export interface SignalStore {
  readonly database: DatabaseSync;
  /** A statement prepared once. */
  statement(sql: string): StatementSync;
  /** Runs inside one immediate transaction; rolled back when `work` throws. */
  transaction<T>(work: () => T): T;
  /** Resolves when every transaction that ended before the call is on disk; the event loop stays free. */
  flush(): Promise<void>;
  close(): void;
}

/**
 * Opens (or makes) the store. SQLite's page cache is the memory over it, held to `memory_bytes`.
 * A commit survives the process at once, and a power cut from the next `flush` on: until then a cut takes back
 * whole transactions, the input positions with them, so that the same events are worked again. Only what is to
 * be sent must be flushed before (docs/decisions/0006-sync-on-the-thread-pool.md).
 * @throws PicketError CORRELATOR_STORE when the file cannot be opened or was written by a newer Picket
 */
export function openSignalStore(options: { file: string; memory_bytes: number }): SignalStore {
  let database: DatabaseSync;
  let log: number | undefined;
  try {
    database = new DatabaseSync(options.file);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;');
    database.exec(`PRAGMA cache_size = -${Math.max(1024, Math.floor(options.memory_bytes / 1024))}`);
    database.exec(SCHEMA);
    const version = database.prepare("SELECT value FROM meta WHERE name = 'schema'").get()?.['value'];
    if (version === undefined) database.prepare("INSERT INTO meta VALUES ('schema', ?)").run(SCHEMA_VERSION);
    else if (Number(version) > SCHEMA_VERSION)
      throw new Error(`it was written by a newer Picket (schema ${String(version)})`);
    log = options.file === ':memory:' ? undefined : openSync(`${options.file}-wal`, 'r+');
  } catch (error) {
    throw new PicketError({
      code: 'CORRELATOR_STORE',
      message: `the correlator's store cannot be opened: ${(error as Error).message}`,
      place: { file: options.file },
      cause: error,
    });
  }
  const statements = new Map<string, StatementSync>();
  return {
    database,
    statement(sql) {
      let statement = statements.get(sql);
      if (!statement) {
        statement = database.prepare(sql);
        statements.set(sql, statement);
      }
      return statement;
    },
    transaction(work) {
      database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
    flush: async () => {
      if (log !== undefined) await syncData(log);
    },
    close() {
      if (log !== undefined) closeSync(log);
      database.close();
    },
  };
}
