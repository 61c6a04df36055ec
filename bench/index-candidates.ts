// The candidates for the embedded index that bench/index-engines.ts measures; only `picket` is the product.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DuckDBConnection } from '@duckdb/node-api';
import { tokenise } from '../platform/core/text.ts';
import type { EngineName } from './index-engines.ts';
import type { BenchEvent } from './index-events.ts';

export interface Candidate {
  /** Durable when resolved. */
  append(events: readonly BenchEvent[]): Promise<void>;
  count(): Promise<number>;
  /** Each answers with the number of hits, buckets or values. */
  byAddress(address: string): Promise<number>;
  byText(word: string): Promise<number>;
  histogram(from: number, to: number): Promise<number>;
  topUsers(): Promise<number>;
  latest(dataset: string, host: string): Promise<number>;
  close(): Promise<void>;
}

/** Opens a candidate on a folder that it makes. */
export async function openEngine(name: EngineName, folder: string): Promise<Candidate> {
  mkdirSync(folder, { recursive: true });
  switch (name) {
    case 'none':
      return openNothing();
    case 'picket': {
      const { openPicketCandidate } = await import('./index-picket.ts');
      return openPicketCandidate(folder);
    }
    case 'sqlite-fts5':
      return openSqlite(folder);
    case 'duckdb':
      return openDuckdb(folder, false);
    case 'duckdb-unique':
      return openDuckdb(folder, true);
    case 'parquet-mix':
      return openParquetMix(folder);
  }
}

/** Keeps nothing: what making the events costs in memory. */
function openNothing(): Candidate {
  const zero = async (): Promise<number> => 0;
  return {
    append: async () => {},
    count: async () => Number.MAX_SAFE_INTEGER,
    byAddress: zero,
    byText: zero,
    histogram: zero,
    topUsers: zero,
    latest: zero,
    close: async () => {},
  };
}

/** One row an event, typed columns with indices, FTS5 without content over our own tokens. */
function openSqlite(folder: string): Candidate {
  const database = new DatabaseSync(join(folder, 'events.sqlite'));
  database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;
    CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, time INTEGER NOT NULL,
      dataset TEXT, host TEXT, user TEXT, source TEXT, action TEXT, body TEXT);
    CREATE INDEX IF NOT EXISTS by_time ON events (time);
    CREATE INDEX IF NOT EXISTS by_source ON events (source, time);
    CREATE INDEX IF NOT EXISTS by_host ON events (host, time);
    CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text, content='', columnsize=0, detail=none, tokenize='ascii');`);
  const insert = database.prepare('INSERT OR IGNORE INTO events VALUES (NULL,?,?,?,?,?,?,?,?)');
  const word = database.prepare('INSERT INTO words (rowid, text) VALUES (?, ?)');
  const one = (sql: string, ...values: (string | number)[]): number =>
    database.prepare(sql).all(...values).length;
  return {
    async append(events) {
      database.exec('BEGIN');
      for (const { id, time, dataset, host, user, source, action, body } of events) {
        const { changes, lastInsertRowid } = insert.run(id, time, dataset, host, user, source, action, body);
        if (changes === 1) word.run(lastInsertRowid, [...new Set(tokenise(body))].join(' '));
      }
      database.exec('COMMIT');
    },
    count: async () => database.prepare('SELECT count(*) AS n FROM events').get()?.['n'] as number,
    byAddress: async (address) =>
      one('SELECT body FROM events WHERE source = ? ORDER BY time DESC LIMIT 100', address),
    byText: async (text) =>
      one(
        'SELECT body FROM words JOIN events ON seq = words.rowid WHERE words MATCH ? ORDER BY time DESC LIMIT 100',
        text,
      ),
    histogram: async (from, to) =>
      one(
        'SELECT time/3600000 AS hour, count(*) FROM events WHERE time >= ? AND time < ? GROUP BY hour',
        from,
        to,
      ),
    topUsers: async () =>
      one('SELECT user, count(*) AS n FROM events GROUP BY user ORDER BY n DESC LIMIT 10'),
    latest: async (dataset, host) =>
      one(
        'SELECT body FROM events WHERE dataset = ? AND host = ? ORDER BY time DESC LIMIT 100',
        dataset,
        host,
      ),
    close: async () => database.close(),
  };
}

const COLUMNS =
  'id VARCHAR, time BIGINT, dataset VARCHAR, host VARCHAR, "user" VARCHAR, source VARCHAR, action VARCHAR, body VARCHAR';

async function openConnection(path: string): Promise<DuckDBConnection> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(path, { memory_limit: '512MB', threads: '2' });
  return instance.connect();
}

async function appendRows(
  connection: DuckDBConnection,
  table: string,
  events: readonly BenchEvent[],
): Promise<void> {
  const appender = await connection.createAppender(table);
  for (const event of events) {
    appender.appendVarchar(event.id);
    appender.appendBigInt(BigInt(event.time));
    for (const text of [event.dataset, event.host, event.user, event.source, event.action, event.body]) {
      appender.appendVarchar(text);
    }
    appender.endRow();
  }
  appender.closeSync();
}

function duckdbQuestions(connection: DuckDBConnection, from: string) {
  const rows = async (sql: string): Promise<number> => (await connection.runAndReadAll(sql)).currentRowCount;
  return {
    count: async () =>
      Number((await connection.runAndReadAll(`SELECT count(*) FROM ${from}`)).getRows()[0]?.[0] ?? 0),
    byAddress: (address: string) =>
      rows(`SELECT body FROM ${from} WHERE source = '${address}' ORDER BY time DESC LIMIT 100`),
    byText: (word: string) =>
      rows(`SELECT body FROM ${from} WHERE contains(lower(body), '${word}') ORDER BY time DESC LIMIT 100`),
    histogram: (start: number, to: number) =>
      rows(
        `SELECT time//3600000 AS hour, count(*) FROM ${from} WHERE time >= ${start} AND time < ${to} GROUP BY hour`,
      ),
    topUsers: () =>
      rows(`SELECT "user", count(*) AS n FROM ${from} GROUP BY "user" ORDER BY n DESC LIMIT 10`),
    latest: (dataset: string, host: string) =>
      rows(
        `SELECT body FROM ${from} WHERE dataset = '${dataset}' AND host = '${host}' ORDER BY time DESC LIMIT 100`,
      ),
  };
}

/** DuckDB's own storage; `unique` adds the primary key that idempotent ids need. */
async function openDuckdb(folder: string, unique: boolean): Promise<Candidate> {
  const connection = await openConnection(join(folder, 'events.duckdb'));
  await connection.run(`CREATE TABLE IF NOT EXISTS events (${COLUMNS}${unique ? ', PRIMARY KEY (id)' : ''})`);
  return {
    append: (events) => appendRows(connection, 'events', events),
    ...duckdbQuestions(connection, 'events'),
    close: async () => {
      await connection.run('CHECKPOINT');
      connection.closeSync();
    },
  };
}

/** Events per Parquet file. */
const PARQUET_ROWS = 200_000;

/** A SQLite journal makes small batches durable; full ones become Parquet files that DuckDB reads. */
async function openParquetMix(folder: string): Promise<Candidate> {
  const journal = new DatabaseSync(join(folder, 'journal.sqlite'));
  journal.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
    CREATE TABLE IF NOT EXISTS tail (id TEXT, time INTEGER, dataset TEXT, host TEXT, user TEXT, source TEXT, action TEXT, body TEXT);
    CREATE TABLE IF NOT EXISTS files (name TEXT);`);
  const connection = await openConnection(':memory:');
  await connection.run(`CREATE TABLE tail (${COLUMNS})`);
  await connection.run(`COPY tail TO '${folder}/0.parquet' (FORMAT parquet, COMPRESSION zstd)`);
  const insert = journal.prepare('INSERT INTO tail VALUES (?,?,?,?,?,?,?,?)');
  const left = journal.prepare('SELECT * FROM tail').all() as unknown as BenchEvent[];
  await appendRows(connection, 'tail', left);
  let waiting = left.length;
  let files = (journal.prepare('SELECT count(*) AS n FROM files').get()?.['n'] as number) + 1;
  return {
    async append(events) {
      journal.exec('BEGIN');
      for (const { id, time, dataset, host, user, source, action, body } of events) {
        insert.run(id, time, dataset, host, user, source, action, body);
      }
      journal.exec('COMMIT');
      await appendRows(connection, 'tail', events);
      waiting += events.length;
      if (waiting < PARQUET_ROWS) return;
      const name = `${files++}.parquet`;
      await connection.run(
        `COPY (SELECT * FROM tail ORDER BY time) TO '${folder}/${name}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 50000)`,
      );
      journal.exec(`BEGIN; DELETE FROM tail; INSERT INTO files VALUES ('${name}'); COMMIT`);
      await connection.run('DELETE FROM tail');
      waiting = 0;
    },
    ...duckdbQuestions(
      connection,
      `(SELECT * FROM tail UNION ALL BY NAME SELECT * FROM read_parquet('${folder}/*.parquet'))`,
    ),
    async close() {
      journal.close();
      connection.closeSync();
    },
  };
}
