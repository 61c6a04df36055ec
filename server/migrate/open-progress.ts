// Keeps how far a migration has come in a file of the old data folder: where each part goes on, and what could not be moved.
import { join } from 'node:path';
import { DurableDatabase } from '../../platform/sqlite/durable-database.ts';

/** Why something did not arrive: it cannot be read (`damaged`), the target refuses it, holds another of its name, or lacks it. */
export type FaultKind = 'damaged' | 'refused' | 'conflict' | 'missing' | 'differs';

export interface Fault {
  readonly kind: FaultKind;
  /** Of which it is one: `records`, `events` or a topic. */
  readonly part: string;
  /** Where it stands in the old store. */
  readonly place: string;
  /** Records or events that this is about. */
  readonly count: number;
  readonly message: string;
}

export interface Progress {
  /** What was noted under a name; undefined when nothing was. */
  get(name: string): unknown;
  /** Durable when resolved. */
  set(name: string, value: unknown): Promise<void>;
  /** Each place once, however often it is met. Durable when resolved. */
  addFaults(faults: readonly Fault[]): Promise<void>;
  removeFaults(which: Partial<Pick<Fault, 'kind' | 'part' | 'place'>>): Promise<void>;
  faults(which?: Partial<Pick<Fault, 'kind' | 'part'>>, limit?: number): Fault[];
  /** Sum of their counts. */
  countFaults(which?: Partial<Pick<Fault, 'kind' | 'part'>>): number;
  /** Forgets all of it: everything is moved again. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS noted (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fault (
  kind TEXT NOT NULL, part TEXT NOT NULL, place TEXT NOT NULL, count INTEGER NOT NULL, message TEXT NOT NULL,
  PRIMARY KEY (part, place, kind)
) WITHOUT ROWID;
`;

/** The folder of the progress file beside the old stores. */
export function progressFolder(data: string): string {
  return join(data, 'migrate');
}

/** @throws PicketError MIGRATE_LOCKED when another migration of this folder is under way, MIGRATE_FOLDER, MIGRATE_STORAGE */
export function openProgress(data: string): Progress {
  const store = new DurableDatabase({
    folder: progressFolder(data),
    file: 'progress.sqlite',
    codePrefix: 'MIGRATE',
    schemaVersion: 1,
    schema: SCHEMA,
    group_wait_ms: 0,
  });
  const { database } = store;
  const run = (sql: string, ...values: (string | number)[]): void => {
    database.prepare(sql).run(...values);
  };
  const narrowed = (which: Readonly<Record<string, string | undefined>>): [string, string[]] => {
    const given = Object.entries(which).filter((one): one is [string, string] => one[1] !== undefined);
    return [['1', ...given.map(([name]) => `${name} = ?`)].join(' AND '), given.map(([, value]) => value)];
  };
  return {
    get(name) {
      const row = database.prepare('SELECT value FROM noted WHERE name = ?').get(name);
      return row === undefined ? undefined : (JSON.parse(String(row['value'])) as unknown);
    },
    set: (name, value) =>
      store.submit(() =>
        run(
          'INSERT INTO noted VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
          name,
          JSON.stringify(value),
        ),
      ),
    async addFaults(faults) {
      if (faults.length === 0) return;
      await store.submit(() => {
        for (const { kind, part, place, count, message } of faults)
          run('INSERT OR REPLACE INTO fault VALUES (?, ?, ?, ?, ?)', kind, part, place, count, message);
      });
    },
    async removeFaults(which) {
      const [where, values] = narrowed(which);
      await store.submit(() => run(`DELETE FROM fault WHERE ${where}`, ...values));
    },
    faults(which = {}, limit = 1_000_000) {
      const [where, values] = narrowed(which);
      return database
        .prepare(`SELECT * FROM fault WHERE ${where} ORDER BY part, place LIMIT ?`)
        .all(...values, limit)
        .map((row) => ({ ...row }) as unknown as Fault);
    },
    countFaults(which = {}) {
      const [where, values] = narrowed(which);
      return Number(
        database.prepare(`SELECT coalesce(sum(count), 0) AS n FROM fault WHERE ${where}`).get(...values)?.[
          'n'
        ],
      );
    },
    clear: () =>
      store.submit(() => {
        run('DELETE FROM noted');
        run('DELETE FROM fault');
      }),
    close: () => store.close(),
  };
}
