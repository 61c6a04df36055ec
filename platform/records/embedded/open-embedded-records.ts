// The embedded engine of the records contract: JSON documents in one SQLite file that one process owns.
import type { Clock } from '../../core/clock.ts';
import { PicketError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/event.ts';
import { compileExpression } from '../../core/expression/compile.ts';
import { EVERYTHING, type Expression } from '../../core/expression/expression.ts';
import { splitField } from '../../core/fields.ts';
import { DurableDatabase } from '../../sqlite/durable-database.ts';
import { ChangeListeners } from '../change-listeners.ts';
import { checkId, checkQuery, sortValue, writeJson } from '../check-record.ts';
import { orderOf, type PagePosition, readCursor, writeCursor } from '../page-cursor.ts';
import type { Collection, RecordChange, RecordQuery, RecordStore, StoredRecord } from '../record-store.ts';
import { compileWhere, jsonPath } from './compile-where.ts';

export interface EmbeddedRecordsOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Budget of the file; without it the disk is the bound. */
  readonly max_bytes?: number;
}

const SCHEMA_VERSION = 1;
/** `change` keeps the newest change of each record; its sequence is the record's revision. */
const SCHEMA = `
CREATE TABLE IF NOT EXISTS record (
  collection TEXT NOT NULL, id TEXT NOT NULL, sequence INTEGER NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY (collection, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS change (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, collection TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS change_record ON change (collection, id)
`;

/** @throws PicketError RECORDS_LOCKED, RECORDS_FOLDER, RECORDS_SCHEMA, RECORDS_STORAGE */
export async function openEmbeddedRecords(options: EmbeddedRecordsOptions): Promise<RecordStore> {
  return new EmbeddedRecords(options);
}

class EmbeddedRecords implements RecordStore {
  readonly #store: DurableDatabase;
  readonly #listeners = new ChangeListeners();

  constructor(options: EmbeddedRecordsOptions) {
    this.#store = new DurableDatabase({
      folder: options.folder,
      file: 'records.sqlite',
      codePrefix: 'RECORDS',
      schemaVersion: SCHEMA_VERSION,
      schema: SCHEMA,
      group_wait_ms: 0,
      max_bytes: options.max_bytes,
    });
  }

  async create<T extends object>(collection: Collection, id: string, value: T): Promise<StoredRecord<T>> {
    checkId(id);
    const json = writeJson(value);
    const sequence = await this.#write({ collection, id, kind: 'put' }, (next) => {
      if (this.#revision(collection, id) !== undefined) {
        throw new PicketError({ code: 'RECORD_EXISTS', message: `${collection}/${id} exists already` });
      }
      const at = next();
      this.#run('INSERT INTO record VALUES (?, ?, ?, jsonb(?))', collection, id, at, json);
      return at;
    });
    return { id, value, revision: String(sequence) };
  }

  async get<T extends object = JsonObject>(
    collection: Collection,
    id: string,
  ): Promise<StoredRecord<T> | undefined> {
    const row = this.#database
      .prepare('SELECT id, sequence, json(value) AS json FROM record WHERE collection = ? AND id = ?')
      .get(collection, id);
    return row ? readRow<T>(row as unknown as Row) : undefined;
  }

  async update<T extends object>(collection: Collection, record: StoredRecord<T>): Promise<StoredRecord<T>> {
    const { id, value } = record;
    const json = writeJson(value);
    const sequence = await this.#write({ collection, id, kind: 'put' }, (next) => {
      this.#expectUnchanged(collection, id, record.revision);
      const at = next();
      const sql = 'UPDATE record SET sequence = ?, value = jsonb(?) WHERE collection = ? AND id = ?';
      this.#run(sql, at, json, collection, id);
      return at;
    });
    return { id, value, revision: String(sequence) };
  }

  async remove(collection: Collection, id: string, revision: string): Promise<void> {
    await this.#write({ collection, id, kind: 'removed' }, (next) => {
      this.#expectUnchanged(collection, id, revision);
      this.#run('DELETE FROM record WHERE collection = ? AND id = ?', collection, id);
      return next();
    });
  }

  get #database() {
    return this.#store.database;
  }

  #run(sql: string, ...parameters: (string | number)[]): void {
    this.#database.prepare(sql).run(...parameters);
  }

  #revision(collection: Collection, id: string): string | undefined {
    const row = this.#database
      .prepare('SELECT sequence FROM record WHERE collection = ? AND id = ?')
      .get(collection, id);
    return row === undefined ? undefined : String(row['sequence']);
  }

  #expectUnchanged(collection: Collection, id: string, revision: string): void {
    const found = this.#revision(collection, id);
    if (found === revision) return;
    const what = found === undefined ? 'is gone' : 'was changed by someone else';
    throw new PicketError({ code: 'RECORD_CONFLICT', message: `${collection}/${id} ${what}` });
  }

  /** One write in the next group; `next` gives the sequence of its change. Listeners hear of it once it is on disk. */
  async #write(
    change: Omit<RecordChange, 'sequence'>,
    write: (next: () => number) => number,
  ): Promise<number> {
    const { collection, id, kind } = change;
    const sequence = await this.#store.submit(() =>
      write(() => {
        this.#run('DELETE FROM change WHERE collection = ? AND id = ?', collection, id);
        const sql = 'INSERT INTO change (collection, id, kind) VALUES (?, ?, ?)';
        return Number(this.#database.prepare(sql).run(collection, id, kind).lastInsertRowid);
      }),
    );
    this.#listeners.notify({ ...change, sequence });
    return sequence;
  }

  async query<T extends object = JsonObject>(
    collection: Collection,
    query: RecordQuery,
  ): Promise<{ records: readonly StoredRecord<T>[]; cursor?: string }> {
    checkQuery(query);
    const order = orderOf(query);
    const after = query.cursor === undefined ? undefined : readCursor(query.cursor, order);
    const records: StoredRecord<T>[] = [];
    for (const record of this.#matching<T>({ collection, where: query.where, sort: query.sort, after })) {
      if (records.length === query.limit) {
        const last = records.at(-1) as StoredRecord<T>;
        const value = query.sort ? sortValue(last.value, query.sort.field) : null;
        return { records, cursor: writeCursor({ order, value, id: last.id }) };
      }
      records.push(record);
    }
    return { records };
  }

  async count(collection: Collection, where?: Expression): Promise<number> {
    if (!where || (where.op === 'constant' && where.value)) {
      const row = this.#database
        .prepare('SELECT count(*) AS count FROM record WHERE collection = ?')
        .get(collection);
      return Number(row?.['count']);
    }
    let count = 0;
    for (const _ of this.#matching({ collection, where, sort: undefined, after: undefined })) count++;
    return count;
  }

  /** Records that match, in order. Run to its end in one turn: no write comes between. */
  *#matching<T extends object>(options: {
    collection: Collection;
    where: Expression | undefined;
    sort: RecordQuery['sort'];
    after: PagePosition | undefined;
  }): Generator<StoredRecord<T>> {
    const where = options.where ?? EVERYTHING;
    const matches = compileExpression(where);
    const narrowed = compileWhere(where);
    const page = pageSql(options.sort, options.after);
    const rows = this.#database
      .prepare(
        `SELECT id, sequence, json(value) AS json FROM record
         WHERE collection = ? AND ${narrowed.sql} AND ${page.where} ORDER BY ${page.order}`,
      )
      .iterate(options.collection, ...narrowed.parameters, ...page.parameters);
    for (const row of rows) {
      const record = readRow<T>(row as unknown as Row);
      if (matches(record.value)) yield record;
    }
  }

  async changes(options: { after: number; limit: number }): Promise<readonly RecordChange[]> {
    const rows = this.#database
      .prepare(
        'SELECT sequence, collection, id, kind FROM change WHERE sequence > ? ORDER BY sequence LIMIT ?',
      )
      .all(options.after, options.limit);
    return rows.map((row) => ({ ...row }) as unknown as RecordChange);
  }

  watch(listener: (change: RecordChange) => void): () => void {
    return this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    await this.#store.close();
  }
}

interface Row {
  readonly id: string;
  readonly sequence: number;
  readonly json: string;
}

function readRow<T>(row: Row): StoredRecord<T> {
  return { id: row.id, value: JSON.parse(row.json) as T, revision: String(row.sequence) };
}

/** Records without the sort field come last in both directions, as Elasticsearch does by default; ties by id, rising. */
function pageSql(
  sort: RecordQuery['sort'],
  after: PagePosition | undefined,
): { where: string; order: string; parameters: (string | number)[] } {
  if (!sort) return { where: after ? 'id > ?' : '1', order: 'id', parameters: after ? [after.id] : [] };
  const path = jsonPath(splitField(sort.field));
  const scalar = `json_type(value, '${path}') IN ('text', 'integer', 'real', 'true', 'false')`;
  const key = `CASE WHEN ${scalar} THEN json_extract(value, '${path}') END`;
  const order = `(${key}) IS NULL, (${key}) ${sort.direction === 'asc' ? 'ASC' : 'DESC'}, id`;
  if (!after) return { where: '1', order, parameters: [] };
  if (after.value === null) return { where: `((${key}) IS NULL AND id > ?)`, order, parameters: [after.id] };
  const past = sort.direction === 'asc' ? '>' : '<';
  return {
    where: `((${key}) ${past} ? OR ((${key}) = ? AND id > ?) OR (${key}) IS NULL)`,
    order,
    parameters: [after.value, after.value, after.id],
  };
}
