// A SQLite database that one process owns: group commit, with the fsync on the thread pool so that the event loop stays free.
import {
  close,
  closeSync,
  fdatasync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { describeError, PicketError } from '../core/errors.ts';

const syncData = promisify(fdatasync);
const closeFile = promisify(close);

/** Most pieces of work in one transaction, so that one group never holds the loop for long. */
const MAX_GROUP = 512;

export interface DurableDatabaseOptions {
  readonly folder: string;
  /** File name inside the folder, e.g. `bus.sqlite`. */
  readonly file: string;
  /** First word of error codes: `BUS` gives BUS_LOCKED, BUS_FULL, BUS_STORAGE, BUS_CLOSED. */
  readonly codePrefix: string;
  /** Written to `user_version`; a file of another version is refused. */
  readonly schemaVersion: number;
  /** Statements that make what is missing (`CREATE … IF NOT EXISTS`). */
  readonly schema: string;
  /** Least time between two groups under load, in ms. */
  readonly group_wait_ms: number;
  /** Bound of the file; SQLite itself refuses to grow past it. */
  readonly max_bytes?: number | undefined;
  /** Runs inside every transaction, last. */
  readonly beforeCommit?: () => void;
  /** Runs when a group is on disk, before its callers hear of it. */
  readonly afterSync?: () => void;
  /** Runs when a transaction was rolled back: what memory holds must be read again. */
  readonly afterRollback?: () => void;
}

interface Entry {
  readonly work: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  outcome?: { value: unknown } | { error: unknown };
}

/**
 * A connection in WAL mode with an exclusive lock that the operating system frees when the process dies.
 * `synchronous` stands at NORMAL and every group's WAL is then synced by fdatasync on libuv's pool before a
 * caller hears of success: the same promise as FULL without holding the event loop (docs/performance).
 */
export class DurableDatabase {
  readonly database: DatabaseSync;
  readonly #options: DurableDatabaseOptions;
  readonly #path: string;
  readonly #wal: number;
  readonly #pageSize: number;
  #queue: Entry[] = [];
  #running: Promise<void> | undefined;
  #lastStart = 0;
  #broken: unknown;
  #closed = false;

  /** @throws PicketError <prefix>_LOCKED, <prefix>_FOLDER, <prefix>_SCHEMA, <prefix>_STORAGE */
  constructor(options: DurableDatabaseOptions) {
    this.#options = options;
    this.#path = join(options.folder, options.file);
    try {
      mkdirSync(options.folder, { recursive: true });
    } catch (error) {
      throw this.#error('FOLDER', `cannot make the folder ${options.folder}: ${describeError(error)}`, error);
    }
    this.database = this.#open();
    this.#pageSize = (this.database.prepare('PRAGMA page_size').get() as { page_size: number }).page_size;
    if (options.max_bytes !== undefined) {
      this.database.exec(
        `PRAGMA max_page_count=${Math.max(16, Math.floor(options.max_bytes / this.#pageSize))}`,
      );
    }
    this.#wal = openSync(`${this.#path}-wal`, 'r+');
    syncFolder(options.folder);
  }

  #open(): DatabaseSync {
    const { folder, schemaVersion, schema } = this.#options;
    let database: DatabaseSync;
    try {
      database = new DatabaseSync(this.#path);
    } catch (error) {
      throw this.#error('FOLDER', `cannot open ${this.#path}: ${describeError(error)}`, error);
    }
    try {
      // The lock comes first: exclusive mode takes it at the first access and keeps it.
      database.exec('PRAGMA busy_timeout=0; PRAGMA locking_mode=EXCLUSIVE; PRAGMA page_size=8192');
      database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL');
      database.exec('PRAGMA wal_autocheckpoint=512; PRAGMA journal_size_limit=67108864');
      const { user_version: found } = database.prepare('PRAGMA user_version').get() as {
        user_version: number;
      };
      if (found !== 0 && found !== schemaVersion) {
        throw this.#error('SCHEMA', `${this.#path} has schema ${found}, this program reads ${schemaVersion}`);
      }
      database.exec(`BEGIN IMMEDIATE; ${schema}; PRAGMA user_version=${schemaVersion}; COMMIT`);
      writeFileSync(`${this.#path}.owner`, `${process.pid}\n`);
      return database;
    } catch (error) {
      database.close();
      if (error instanceof PicketError) throw error;
      if (sqliteCode(error) !== SQLITE_BUSY) throw this.#storageError(error);
      throw this.#error(
        'LOCKED',
        `process ${this.#readOwner()} has the folder ${folder} open: stop it first, or choose another folder`,
        error,
      );
    }
  }

  /** The pid that the owner wrote; only for the sentence, the lock itself is the operating system's. */
  #readOwner(): string {
    try {
      return readFileSync(`${this.#path}.owner`, 'utf8').trim() || '(unknown)';
    } catch {
      return '(unknown)';
    }
  }

  /**
   * Runs `work` (synchronous statements) inside the next group's transaction and resolves with its result
   * once that is on disk. A PicketError that it throws before it wrote anything is its caller's alone; any
   * other error rolls the whole group back.
   * @throws PicketError <prefix>_FULL (disk or bound), <prefix>_STORAGE, <prefix>_CLOSED
   */
  submit<T>(work: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(this.closedError());
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
      this.#running ??= this.#run();
    });
  }

  closedError(): PicketError {
    return this.#error('CLOSED', `${this.#path} is closed`);
  }

  /** Bytes of live pages: what is free inside the file counts as free. */
  usedBytes(): number {
    const { page_count: pages } = this.database.prepare('PRAGMA page_count').get() as { page_count: number };
    const { freelist_count: free } = this.database.prepare('PRAGMA freelist_count').get() as {
      freelist_count: number;
    };
    return (pages - free) * this.#pageSize;
  }

  /** Bytes of the write-ahead log on disk. */
  walBytes(): number {
    return statSync(`${this.#path}-wal`).size;
  }

  /** Finishes what was submitted, then frees the folder. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#running;
    this.database.close();
    await closeFile(this.#wal);
    rmSync(`${this.#path}.owner`, { force: true });
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#pause();
      this.#lastStart = performance.now();
      const group = this.#queue.splice(0, MAX_GROUP);
      await this.#commit(group);
    }
    this.#running = undefined;
  }

  /** Lets the rest of this turn join the group; under load also keeps groups `group_wait_ms` apart. */
  async #pause(): Promise<void> {
    const wait = this.#options.group_wait_ms - (performance.now() - this.#lastStart);
    await new Promise<void>((resolve) => {
      if (wait > 0.5) setTimeout(resolve, wait);
      else setImmediate(resolve);
    });
  }

  async #commit(group: readonly Entry[]): Promise<void> {
    try {
      if (this.#broken !== undefined) throw this.#broken;
      this.#apply(group);
      await syncData(this.#wal);
    } catch (error) {
      // After a failed fsync nobody knows what is on disk: nothing more is acknowledged until reopened.
      if (!this.#isSqlite(error) && this.#broken === undefined) this.#broken = error;
      const failure = this.#storageError(error);
      for (const entry of group) entry.reject(failure);
      return;
    }
    this.#options.afterSync?.();
    for (const entry of group) {
      const outcome = entry.outcome ?? { value: undefined };
      if ('error' in outcome) entry.reject(outcome.error);
      else entry.resolve(outcome.value);
    }
  }

  #apply(group: readonly Entry[]): void {
    try {
      this.database.exec('BEGIN IMMEDIATE');
      for (const entry of group) {
        try {
          entry.outcome = { value: entry.work() };
        } catch (error) {
          if (!(error instanceof PicketError)) throw error;
          entry.outcome = { error };
        }
      }
      this.#options.beforeCommit?.();
      this.database.exec('COMMIT');
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      this.#options.afterRollback?.();
      throw error instanceof Error && this.#isSqlite(error) ? error : new SqliteWorkError(error);
    }
  }

  #isSqlite(error: unknown): boolean {
    return error instanceof SqliteWorkError || sqliteCode(error) !== undefined;
  }

  #storageError(error: unknown): PicketError {
    const cause = error instanceof SqliteWorkError ? error.cause : error;
    if (sqliteCode(cause) === SQLITE_FULL) {
      return this.#error('FULL', `no room left for ${this.#path}; nothing of this was written`, cause);
    }
    return this.#error('STORAGE', `${this.#path} cannot be written: ${describeError(cause)}`, cause);
  }

  #error(code: string, message: string, cause?: unknown): PicketError {
    return new PicketError({
      code: `${this.#options.codePrefix}_${code}`,
      message,
      place: { file: this.#path },
      cause,
    });
  }
}

/** A fault in the work itself, which was rolled back: the database is sound. */
class SqliteWorkError extends Error {
  constructor(cause: unknown) {
    super(describeError(cause), { cause });
  }
}

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;

/** Primary result code of a node:sqlite error (sqlite.org/rescode.html), undefined for other errors. */
function sqliteCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** Makes new files in the folder lasting; not every system can open a folder (Windows cannot, and need not). */
function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (process.platform !== 'win32') throw error;
  }
}
