// The log of signals that are in no chunk yet: one entry a commit, read back at start, cut when its signals have found their chunks.
import { compareRows, type SignalRow } from '../firing/signal-row.ts';
import { readRows } from './chunks.ts';
import type { KeyState, KeyTable } from './key-table.ts';
import type { SignalStore } from './open-store.ts';

export interface SignalLog {
  /** A row that was put into a key or taken out of it. */
  add(key: KeyState, row: SignalRow, withdrawn: boolean): void;
  /** Writes what was added into the open transaction, and the chunks of keys that have waited longest. */
  write(): void;
  /** Writes all chunks. */
  settleAll(): void;
}

type Entry = [
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

/** What an entry's values are: texts, numbers, or (2) the row is taken back. */
const KIND = { texts: 0, numbers: 1, withdrawn: 2 } as const;

/** Opens the log and puts what it holds back into the keys. At most about `most_rows` rows wait for their chunks. */
export function openSignalLog(options: { store: SignalStore; keys: KeyTable; most_rows: number }): SignalLog {
  const { store, keys, most_rows } = options;
  let entries: Entry[] = [];
  /** Keys with fresh rows, the longest waiting first. */
  let waiting: { key: KeyState; since: number }[] = [];
  let head = 0;
  let rows = 0;
  let seq = Number(store.statement('SELECT max(seq) AS seq FROM log').get()?.['seq'] ?? 0);

  const note = (key: KeyState, at: number): void => {
    rows++;
    if (key.since > 0) return;
    key.since = at;
    waiting.push({ key, since: at });
  };

  const restore = (): void => {
    const found = new Map<KeyState, { rows: SignalRow[]; since: number }>();
    for (const { seq: at, body } of store
      .statement('SELECT seq, body FROM log ORDER BY seq')
      .iterate() as unknown as Iterable<{ seq: number; body: string }>) {
      for (const entry of JSON.parse(body) as Entry[]) {
        const key = keys.byId(entry[0]);
        const held = found.get(key) ?? { rows: [], since: at };
        const row = readEntry(entry);
        if (entry[7] === KIND.withdrawn) held.rows = held.rows.filter((one) => compareRows(one, row) !== 0);
        else held.rows.push(row);
        found.set(key, held);
      }
    }
    for (const [key, held] of found) {
      held.rows.sort(compareRows);
      const [first, last] = [held.rows[0], held.rows.at(-1)];
      if (!first || !last) continue;
      // Some of them may have found their chunk before the log was cut.
      const stored = first.t > key.stored ? [] : readRows(store, key.id, first.t, last.t);
      const names = new Set(stored.map(nameOf));
      const fresh = held.rows.filter((row) => !names.has(nameOf(row)));
      if (fresh.length === 0) continue;
      key.fresh = fresh;
      for (const row of fresh) {
        note(key, held.since);
        if (row.t > key.newest) [key.newest, key.ties] = [row.t, [row]];
        else if (row.t === key.newest) key.ties = [...key.ties, row].sort(compareRows);
      }
      key.run = undefined;
    }
    waiting.sort((a, b) => a.since - b.since);
  };

  const settleNext = (): void => {
    const next = waiting[head++];
    if (!next) return;
    rows -= next.key.fresh.length;
    keys.settle(next.key);
  };

  const cut = (): void => {
    if (head > 4_096 && head * 2 > waiting.length) [waiting, head] = [waiting.slice(head), 0];
    store.statement('DELETE FROM log WHERE seq < ?').run(waiting[head]?.since ?? seq + 1);
  };

  restore();
  return {
    add(key, row, withdrawn) {
      const numbers = row.numbers.length > 0;
      entries.push([
        key.id,
        row.t,
        row.event,
        row.rule,
        row.source,
        row.site,
        numbers ? row.numbers : row.values,
        withdrawn ? KIND.withdrawn : numbers ? KIND.numbers : KIND.texts,
        row.evidence ?? null,
      ]);
      if (!withdrawn) note(key, seq + 1);
    },
    write() {
      if (entries.length === 0) return;
      store.begin();
      store.statement('INSERT INTO log VALUES (?, ?)').run(seq + 1, JSON.stringify(entries));
      seq++;
      entries = [];
      let settled = false;
      while (rows > most_rows && head < waiting.length) {
        settleNext();
        settled = true;
      }
      if (settled) cut();
    },
    settleAll() {
      this.write();
      store.begin();
      while (head < waiting.length) settleNext();
      rows = 0;
      cut();
    },
  };
}

function readEntry([, t, event, rule, source, site, values, kind, evidence]: Entry): SignalRow {
  return {
    t,
    event,
    rule,
    source,
    site,
    values: kind === KIND.numbers ? [] : (values as readonly string[]),
    numbers: kind === KIND.numbers ? (values as readonly number[]) : [],
    evidence: evidence ?? undefined,
  };
}

function nameOf({ t, event, rule, source }: SignalRow): string {
  return `${t}\u0000${event}\u0000${rule}\u0000${source}`;
}
