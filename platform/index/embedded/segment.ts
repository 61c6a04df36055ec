// One segment in one SQLite file: an open tail of single events, sealed blocks, the ids for idempotence, and the blocks' terms.
import { hash } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { BLOCK_EVENTS, decodeBlock, encodeBlock, type RowSet, type StoredRow, tailRows } from './block.ts';
import { TermCollector } from './terms.ts';

/** A sealed block, or the tail, with the times in it (inclusive). */
export interface Zone {
  readonly block: number;
  readonly least: number;
  readonly greatest: number;
  readonly count: number;
}

// synchronous=FULL: a commit is on the disk when it returns. `block` of an id is set when it is written,
// and the tail is always the block after the last sealed one, so that sealing touches no id.
const SCHEMA = `
  PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -1024;
  CREATE TABLE IF NOT EXISTS tail (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, time INTEGER NOT NULL, body BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS ids (hash INTEGER PRIMARY KEY, block INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS zones (block INTEGER PRIMARY KEY, least INTEGER NOT NULL, greatest INTEGER NOT NULL, count INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS blocks (block INTEGER PRIMARY KEY, columns BLOB NOT NULL, bodies BLOB NOT NULL);
  CREATE VIRTUAL TABLE IF NOT EXISTS terms USING fts5(text, content='', columnsize=0, detail=none, tokenize="ascii tokenchars '_'");`;

/** An open segment file. Every call is synchronous: it belongs on the index's own thread. */
export class Segment {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #next: number;
  #tailCount: number;
  /** Ids of blocks read last, for telling a duplicate from a hash that is shared. */
  readonly #idsOfBlock = new Map<number, ReadonlySet<string>>();

  constructor(file: string) {
    this.#database = new DatabaseSync(file);
    this.#database.exec(SCHEMA);
    this.#next = Number(this.#one('SELECT coalesce(max(block) + 1, 0) AS n FROM zones')?.['n'] ?? 0);
    this.#tailCount = Number(this.#one('SELECT count(*) AS n FROM tail')?.['n'] ?? 0);
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #one(sql: string, ...values: (number | string)[]) {
    return this.#prepare(sql).get(...values);
  }

  /** Writes in one transaction, durable on return; true for each row that is new, false for a duplicate. */
  insert(rows: readonly StoredRow[]): boolean[] {
    const before = [this.#next, this.#tailCount] as const;
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const created = rows.map((row) => this.#insertOne(row));
      this.#database.exec('COMMIT');
      return created;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      [this.#next, this.#tailCount] = before;
      this.#idsOfBlock.clear();
      throw error;
    }
  }

  #insertOne({ id, time, body }: StoredRow): boolean {
    let key = hashId(id);
    for (;;) {
      const known = this.#prepare('SELECT block FROM ids WHERE hash = ?').get(key);
      if (!known) break;
      if (this.#blockHas(Number(known['block']), id)) return false;
      key += 1;
    }
    this.#prepare('INSERT INTO ids VALUES (?, ?)').run(key, this.#next);
    this.#prepare('INSERT INTO tail (id, time, body) VALUES (?, ?, ?)').run(id, time, body);
    this.#tailCount += 1;
    if (this.#tailCount >= BLOCK_EVENTS) this.#seal();
    return true;
  }

  #blockHas(block: number, id: string): boolean {
    if (block >= this.#next) return this.#one('SELECT 1 AS n FROM tail WHERE id = ?', id) !== undefined;
    let ids = this.#idsOfBlock.get(block);
    if (!ids) {
      ids = new Set(this.read(block)?.ids);
      if (this.#idsOfBlock.size >= 8) this.#idsOfBlock.delete(this.#idsOfBlock.keys().next().value as number);
      this.#idsOfBlock.set(block, ids);
    }
    return ids.has(id);
  }

  #seal(): void {
    const rows = this.#tail().sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
    const documents = rows.map(({ body }) => JSON.parse(Buffer.from(body).toString('utf8')) as unknown);
    const terms = new TermCollector();
    for (const document of documents) terms.addDocument(document);
    const { columns, bodies } = encodeBlock(rows, documents);
    const block = this.#next;
    this.#prepare('INSERT INTO blocks VALUES (?, ?, ?)').run(block, columns, bodies);
    this.#prepare('INSERT INTO zones VALUES (?, ?, ?, ?)').run(
      block,
      (rows[0] as StoredRow).time,
      (rows.at(-1) as StoredRow).time,
      rows.length,
    );
    this.#prepare('INSERT INTO terms (rowid, text) VALUES (?, ?)').run(block, terms.text());
    this.#prepare('DELETE FROM tail').run();
    this.#next = block + 1;
    this.#tailCount = 0;
  }

  #tail(): StoredRow[] {
    return this.#prepare('SELECT id, time, body FROM tail').all() as unknown as StoredRow[];
  }

  /** The zones that touch [from, to), the tail last. */
  zones(from: number, to: number): Zone[] {
    const bound = (value: number): number => Math.max(-9e15, Math.min(9e15, value));
    const zones = this.#prepare('SELECT * FROM zones WHERE greatest >= ? AND least < ?').all(
      bound(from),
      bound(to),
    ) as unknown as Zone[];
    if (this.#tailCount === 0) return zones;
    const tail = this.#one('SELECT min(time) AS least, max(time) AS greatest, count(*) AS count FROM tail');
    const zone = { block: this.#next, ...tail } as unknown as Zone;
    return zone.greatest >= from && zone.least < to ? [...zones, zone] : zones;
  }

  /** The sealed blocks whose terms fulfil an FTS5 query. The tail has no terms: it is always looked at. */
  matching(query: string): Set<number> {
    const found = new Set<number>();
    for (const row of this.#prepare('SELECT rowid AS block FROM terms WHERE terms MATCH ?').iterate(query)) {
      found.add(Number(row['block']));
    }
    return found;
  }

  /**
   * The rows of a block. A block that was the tail when its zone was read and has been sealed since gives
   * the sealed rows; undefined when there is none.
   */
  read(block: number): RowSet | undefined {
    if (block === this.#next) return tailRows(this.#tail());
    const row = this.#prepare('SELECT columns FROM blocks WHERE block = ?').get(block);
    if (!row) return undefined;
    return decodeBlock(
      row['columns'] as Uint8Array,
      () => this.#prepare('SELECT bodies FROM blocks WHERE block = ?').get(block)?.['bodies'] as Uint8Array,
    );
  }

  /** The body of an event, or undefined. */
  find(id: string): Uint8Array | undefined {
    for (let key = hashId(id); ; key += 1) {
      const known = this.#prepare('SELECT block FROM ids WHERE hash = ?').get(key);
      if (!known) return undefined;
      const rows = this.read(Number(known['block']));
      const row = rows?.ids.indexOf(id) ?? -1;
      if (rows && row >= 0) return rows.body(row);
    }
  }

  /** The number that the open tail has, and will keep when it is sealed. */
  tailBlock(): number {
    return this.#next;
  }

  /** Events in the segment. */
  count(): number {
    return Number(this.#one('SELECT coalesce(sum(count), 0) AS n FROM zones')?.['n'] ?? 0) + this.#tailCount;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

/** 53 bits of MD5, which here is spread, not security: equal hashes are told apart by their ids. */
function hashId(id: string): number {
  const digest = hash('md5', id, 'buffer');
  return digest.readUIntBE(0, 6) * 16 + ((digest[6] as number) >>> 4);
}
