// The correlator's SQLite file: keys, chunks of signals, the log of what is in no chunk yet, episodes, positions, what is to be sent.
import { closeSync, fdatasync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { PicketError } from '../../../platform/core/errors.ts';

const syncData = promisify(fdatasync);

/** Schema 1 kept a row a signal; its signals are not carried over (docs/decisions/0010-signals-in-chunks.md). */
const SCHEMA_VERSION = 2;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (
  topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS correlations (
  number INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS keys (
  id INTEGER PRIMARY KEY, correlation INTEGER NOT NULL, text TEXT NOT NULL, UNIQUE (correlation, text)
);
CREATE TABLE IF NOT EXISTS chunks (
  key INTEGER NOT NULL, first_t INTEGER NOT NULL, last_t INTEGER NOT NULL, rows INTEGER NOT NULL,
  events INTEGER NOT NULL, names BLOB NOT NULL, body TEXT NOT NULL, evidence TEXT NOT NULL, PRIMARY KEY (key, first_t)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS chunks_by_time ON chunks (last_t);
CREATE TABLE IF NOT EXISTS log (seq INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS as_of (site TEXT PRIMARY KEY, t INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS undecided (
  site TEXT NOT NULL, due INTEGER NOT NULL, key INTEGER NOT NULL, t INTEGER NOT NULL,
  PRIMARY KEY (site, due, key, t)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS episodes (
  id TEXT PRIMARY KEY, key INTEGER NOT NULL, anchor_t INTEGER NOT NULL, anchor_event TEXT NOT NULL,
  last_t INTEGER NOT NULL, last_event TEXT NOT NULL, state TEXT NOT NULL, superseded_by TEXT,
  revision INTEGER NOT NULL, created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS episodes_by_key ON episodes (key, anchor_t);
CREATE TABLE IF NOT EXISTS handed (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, due INTEGER NOT NULL, made TEXT, revision INTEGER
);
`;

/** One row of `episodes`. */
export interface EpisodeRow {
  id: string;
  key: number;
  anchor_t: number;
  anchor_event: string;
  last_t: number;
  last_event: string;
  state: 'current' | 'withdrawn' | 'superseded';
  superseded_by: string | null;
  revision: number;
  created: number;
}

export interface SignalStore {
  /** A statement prepared once. */
  statement(sql: string): StatementSync;
  /** Opens a transaction unless one is open: all work since the last commit is one. */
  begin(): void;
  /** Commits what is open. @throws the database's error; the transaction stays open and can be tried again */
  commit(): void;
  /** Resolves when every transaction that was committed before the call is on disk; the event loop stays free. */
  flush(): Promise<void>;
  close(): void;
}

/**
 * Opens (or makes) the store. SQLite's page cache over it is held to `memory_bytes`.
 * A commit survives the process at once, and a power cut from the next `flush` on: until then a cut takes back
 * whole transactions, the input positions with them, so that the same signals are worked again. Only what is to
 * be sent must be flushed before (docs/decisions/0006-sync-on-the-thread-pool.md).
 * @throws PicketError CORRELATOR_STORE when the file cannot be opened or was written by a newer Picket
 */
export function openSignalStore(options: { file: string; memory_bytes: number }): SignalStore {
  let database: DatabaseSync;
  let log: number | undefined;
  try {
    database = new DatabaseSync(options.file);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;');
    // A page that changes often is written home once for many commits.
    database.exec('PRAGMA wal_autocheckpoint = 16384');
    database.exec(`PRAGMA cache_size = -${Math.max(1024, Math.floor(options.memory_bytes / 1024))}`);
    openSchema(database);
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
    statement(sql) {
      let statement = statements.get(sql);
      if (!statement) {
        statement = database.prepare(sql);
        statements.set(sql, statement);
      }
      return statement;
    },
    begin() {
      if (!database.isTransaction) database.exec('BEGIN IMMEDIATE');
    },
    commit() {
      if (database.isTransaction) database.exec('COMMIT');
    },
    flush: async () => {
      if (log !== undefined) await syncData(log);
    },
    close() {
      if (database.isTransaction) database.exec('ROLLBACK');
      if (log !== undefined) closeSync(log);
      database.close();
    },
  };
}

function openSchema(database: DatabaseSync): void {
  database.exec(
    'CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID',
  );
  const version = Number(
    database.prepare("SELECT value FROM meta WHERE name = 'schema'").get()?.['value'] ?? SCHEMA_VERSION,
  );
  if (version > SCHEMA_VERSION) throw new Error(`it was written by a newer Picket (schema ${version})`);
  if (version < SCHEMA_VERSION) {
    // Its input positions go with it, so that what the bus still holds is worked again.
    for (const table of ['signals', 'evidence', 'correlations', 'keys', 'episodes', 'outbox', 'positions'])
      database.exec(`DROP TABLE IF EXISTS ${table}`);
  }
  database.exec(SCHEMA);
  database
    .prepare("INSERT INTO meta VALUES ('schema', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
    .run(SCHEMA_VERSION);
}
