// The log of signals that are in no chunk yet: one entry a commit, read back at start, cut when its signals have found their chunks.
import { compareRows, insertRow, type SignalRow } from '../firing/signal-row.ts';
import type { KeyNote, KeyState, KeyTable } from './key-table.ts';
import type { SignalStore } from './open-store.ts';

export interface SignalLog {
  /** A row that was put among the fresh rows of a key. */
  add(key: KeyState, row: SignalRow): void;
  /** A row that was taken out of them. */
  remove(key: KeyState, row: SignalRow): void;
  /** Writes what was added into the open transaction, and the chunks of keys that have waited longest. */
  write(): void;
  /** Writes the chunks of one key; the next `write` says so. */
  settle(key: KeyState): void;
  /** Writes all chunks. */
  settleAll(): void;
}

type RowEntry = [
  key: number,
  t: number,
  event: string,
  rule: string,
  source: string,
  site: string,
  values: readonly string[] | readonly number[],
  kind: 0 | 1 | 2,
  evidence: string | null,
];

/** What one commit did, in this order. */
interface Entry {
  /** Keys that had nothing fresh before. */
  keys: KeyNote[];
  rows: RowEntry[];
  /** Ids of keys whose rows are all in chunks now. */
  settled: number[];
}

/** What a row's values are: texts, numbers, or (2) the row is taken back. */
const KIND = { texts: 0, numbers: 1, withdrawn: 2 } as const;

/** Opens the log and puts what it holds back into the keys. At most about `most_rows` rows wait for their chunks. */
export function openSignalLog(options: { store: SignalStore; keys: KeyTable; most_rows: number }): SignalLog {
  const { store, keys, most_rows } = options;
  let entries: Entry[] = [];
  /** Keys with fresh rows, the longest waiting first; one whose `since` is another now waits elsewhere or no more. */
  let waiting: { key: KeyState; since: number }[] = [];
  let head = 0;
  let rows = 0;
  let seq = Number(store.statement('SELECT max(seq) AS seq FROM log').get()?.['seq'] ?? 0);

  const wait = (key: KeyState, since: number): void => {
    key.since = since;
    waiting.push({ key, since });
  };

  /** What settles ends an entry: a key that begins again stands in the next. */
  const open = (): Entry => {
    const last = entries.at(-1);
    if (last && last.settled.length === 0) return last;
    const entry = { keys: [], rows: [], settled: [] };
    entries.push(entry);
    return entry;
  };

  const restore = (): void => {
    for (const { seq: at, body } of store
      .statement('SELECT seq, body FROM log ORDER BY seq')
      .iterate() as unknown as Iterable<{ seq: number; body: string }>) {
      const told = JSON.parse(body) as Entry;
      for (const note of told.keys) wait(keys.restore(note), at);
      for (const row of told.rows) {
        const key = keys.inHand(row[0]);
        // Without its beginning, which was cut, it has been settled since.
        if (key && key.since > 0) restoreRow(key, row);
      }
      for (const id of told.settled) {
        const key = keys.inHand(id);
        if (!key) continue;
        key.stored = key.newest;
        key.ties = undefined;
        key.fresh = [];
        key.since = 0;
      }
    }
    waiting = waiting.filter(({ key, since }) => key.since === since);
    for (const { key } of waiting) rows += key.fresh.length;
  };

  const settle = (key: KeyState): void => {
    if (key.since === 0) return;
    rows -= key.fresh.length;
    keys.settle(key);
    if (entries.length === 0) open();
    entries.at(-1)?.settled.push(key.id);
  };

  /** Leaves the key that waits longest at the head. */
  const skipSettled = (): void => {
    for (let next = waiting[head]; next && next.key.since !== next.since; next = waiting[head]) head++;
    if (head > 4_096 && head * 2 > waiting.length) [waiting, head] = [waiting.slice(head), 0];
  };

  const settleWhile = (wanted: () => boolean): void => {
    for (skipSettled(); wanted(); skipSettled()) {
      const next = waiting[head];
      if (!next) return;
      settle(next.key);
    }
  };

  restore();
  return {
    add(key, row) {
      const entry = open();
      if (key.since === 0) {
        const stored = key.stored === Number.NEGATIVE_INFINITY ? null : key.stored;
        entry.keys.push([key.id, key.number, key.text, stored]);
        wait(key, seq + entries.length);
      }
      rows++;
      const numbers = row.numbers.length > 0;
      entry.rows.push(
        rowEntry(key, row, numbers ? KIND.numbers : KIND.texts, numbers ? row.numbers : row.values),
      );
    },
    remove(key, row) {
      rows--;
      open().rows.push(rowEntry(key, row, KIND.withdrawn, []));
    },
    write() {
      settleWhile(() => rows > most_rows);
      if (entries.length === 0) return;
      store.begin();
      for (const entry of entries)
        store.statement('INSERT INTO log VALUES (?, ?)').run(++seq, JSON.stringify(entry));
      if (entries.some(({ settled }) => settled.length > 0))
        store.statement('DELETE FROM log WHERE seq < ?').run(waiting[head]?.since ?? seq + 1);
      entries = [];
    },
    settle,
    settleAll() {
      settleWhile(() => true);
      this.write();
    },
  };
}

function rowEntry(key: KeyState, row: SignalRow, kind: RowEntry[7], values: RowEntry[6]): RowEntry {
  const { t, event, rule, source, site, evidence } = row;
  return [key.id, t, event, rule, source, site, values, kind, evidence ?? null];
}

function restoreRow(key: KeyState, entry: RowEntry): void {
  const [, t, event, rule, source, site, values, kind, evidence] = entry;
  const row: SignalRow = {
    t,
    event,
    rule,
    source,
    site,
    values: kind === KIND.numbers ? [] : (values as readonly string[]),
    numbers: kind === KIND.numbers ? (values as readonly number[]) : [],
    evidence: evidence ?? undefined,
  };
  if (kind === KIND.withdrawn) {
    key.fresh = key.fresh.filter((one) => compareRows(one, row) !== 0);
    key.ties = undefined;
    return;
  }
  insertRow(key.fresh, row);
  if (t < key.newest) return;
  key.newest = t;
  key.ties = undefined;
}
