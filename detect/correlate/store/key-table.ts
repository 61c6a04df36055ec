// The keys in hand: what is remembered of each between signals, loaded when met, put away when memory is short.
import type { Correlation } from '../correlation.ts';
import { type Head, openHead, rowsNeeded } from '../firing/heads.ts';
import { compareRows, type SignalRow } from '../firing/signal-row.ts';
import { insertRows, readLastRows, readRows } from './chunks.ts';
import type { EpisodeRow, SignalStore } from './open-store.ts';

/** One key of one correlation. */
export interface KeyState {
  readonly id: number;
  readonly correlation: Correlation;
  /** JSON of [tenant, key fields]. */
  readonly text: string;
  /** Time of its newest signal; −Infinity for none. */
  newest: number;
  /** The rows at that time. */
  ties: SignalRow[];
  /** Judges what comes in order; made when first needed, dropped when something before it changed. */
  head: Head | undefined;
  /** Rows that are in the log and in no chunk yet. */
  fresh: SignalRow[];
  sorted: boolean;
  /** The log's oldest entry that `fresh` needs; 0 while it is empty. */
  since: number;
  /** Newest time in chunks; −Infinity while there is none. */
  stored: number;
  /** Its latest current episode: null when there is none, undefined when not looked up. */
  run: EpisodeRow | null | undefined;
  /** `run` is ahead of the table. */
  moved: boolean;
  /** When its last window is decided, so that it is asked for once. */
  due: number;
  /** Met since memory was last looked over. */
  used: boolean;
}

export interface KeyTable {
  /** The state of a key, from memory, disk, or made new. */
  open(correlation: Correlation, text: string): KeyState;
  byId(id: number): KeyState;
  /** Rows of a key with from ≤ t ≤ to, sorted, from disk and memory. */
  read(key: KeyState, from: number, to: number): SignalRow[];
  /** The head of a key, fed what it needs of the rows before its newest time. */
  headOf(key: KeyState): Head;
  /** Writes the fresh rows of a key into chunks. */
  settle(key: KeyState): void;
  /** Puts away keys that have nothing fresh, the longest unused first, until at most `limit` are in hand. */
  trim(limit: number): void;
  /** Forgets everything in hand; it must have been settled. */
  clear(): void;
  readonly size: number;
}

/** Of more fresh rows than this inside one episode, those in the middle need no evidence: no alert shows them. */
const SHOWN_EVENTS = 100;

export function openKeyTable(store: SignalStore): KeyTable {
  const byText = new Map<string, Map<string, KeyState>>();
  const byId = new Map<number, KeyState>();
  const numbers = new Map<string, { number: number; body: string }>();

  const numberOf = (correlation: Correlation): number => {
    const { identity } = correlation;
    const known = numbers.get(identity);
    if (known) return known.number;
    const body = JSON.stringify(correlation);
    store.begin();
    store
      .statement(
        `INSERT INTO correlations (identity, body) VALUES (?, ?)
         ON CONFLICT (identity) DO UPDATE SET body = excluded.body WHERE body <> excluded.body`,
      )
      .run(identity, body);
    const number = Number(
      store.statement('SELECT number FROM correlations WHERE identity = ?').get(identity)?.['number'],
    );
    numbers.set(identity, { number, body });
    return number;
  };

  const load = (id: number, correlation: Correlation, text: string, isNew: boolean): KeyState => {
    const key: KeyState = {
      id,
      correlation,
      text,
      newest: Number.NEGATIVE_INFINITY,
      ties: [],
      head: undefined,
      fresh: [],
      sorted: true,
      since: 0,
      stored: Number.NEGATIVE_INFINITY,
      run: isNew ? null : undefined,
      moved: false,
      due: Number.NEGATIVE_INFINITY,
      used: true,
    };
    if (!isNew) {
      const rows = readLastRows(store, id, 1);
      key.newest = rows.at(-1)?.t ?? Number.NEGATIVE_INFINITY;
      key.stored = key.newest;
      key.ties = rows.filter(({ t }) => t === key.newest);
    }
    byId.set(id, key);
    let texts = byText.get(correlation.identity);
    if (!texts) {
      texts = new Map();
      byText.set(correlation.identity, texts);
    }
    texts.set(text, key);
    return key;
  };

  const read = (key: KeyState, from: number, to: number): SignalRow[] => {
    const stored = from > key.stored ? [] : readRows(store, key.id, from, to);
    if (!key.sorted) {
      key.fresh.sort(compareRows);
      key.sorted = true;
    }
    const fresh = key.fresh.filter(({ t }) => t >= from && t <= to);
    if (stored.length === 0 || fresh.length === 0) return stored.length === 0 ? fresh : stored;
    return [...stored, ...fresh].sort(compareRows);
  };

  const settle = (key: KeyState): void => {
    key.since = 0;
    if (key.fresh.length === 0) return;
    if (!key.sorted) key.fresh.sort(compareRows);
    store.begin();
    insertRows(store, {
      key: key.id,
      rows: withoutHiddenEvidence(key),
      isNew: key.stored === Number.NEGATIVE_INFINITY,
      newest: key.stored,
    });
    key.stored = Math.max(key.stored, key.fresh.at(-1)?.t ?? key.stored);
    key.fresh = [];
    key.sorted = true;
  };

  return {
    open(correlation, text) {
      const known = byText.get(correlation.identity)?.get(text);
      if (known) {
        known.used = true;
        return known;
      }
      const number = numberOf(correlation);
      const row = store.statement('SELECT id FROM keys WHERE correlation = ? AND text = ?').get(number, text);
      if (row) return load(Number(row['id']), correlation, text, false);
      store.begin();
      const { lastInsertRowid } = store
        .statement('INSERT INTO keys (correlation, text) VALUES (?, ?)')
        .run(number, text);
      return load(Number(lastInsertRowid), correlation, text, true);
    },
    byId(id) {
      const known = byId.get(id);
      if (known) return known;
      const row = store
        .statement(
          'SELECT k.text, c.body FROM keys k JOIN correlations c ON c.number = k.correlation WHERE k.id = ?',
        )
        .get(id) as { text: string; body: string };
      return load(id, JSON.parse(row.body) as Correlation, row.text, false);
    },
    read,
    headOf(key) {
      if (key.head) return key.head;
      const { correlation, newest } = key;
      const head = openHead(correlation);
      const least = rowsNeeded(correlation);
      const rows =
        least === undefined || key.fresh.length > 0
          ? read(key, newest - correlation.timespan_ms, newest)
          : readLastRows(store, key.id, least + key.ties.length);
      for (let at = 0; at < rows.length; ) {
        const { t } = rows[at] as SignalRow;
        let end = at;
        while (rows[end]?.t === t) end++;
        if (t < newest) head.absorb(rows.slice(at, end), t);
        at = end;
      }
      key.head = head;
      return head;
    },
    settle,
    trim(limit) {
      for (const texts of byText.values()) {
        for (const [text, key] of texts) {
          if (byId.size <= limit) return;
          if (key.since > 0 || key.moved) continue;
          if (key.used) {
            key.used = false;
            continue;
          }
          texts.delete(text);
          byId.delete(key.id);
        }
      }
    },
    clear() {
      byText.clear();
      byId.clear();
      numbers.clear();
    },
    get size() {
      return byId.size;
    },
  };
}

/** Of a long stretch within one episode only the first and last hundred can ever be shown. */
function withoutHiddenEvidence({ fresh, run }: KeyState): readonly SignalRow[] {
  if (!run || fresh.length <= 2 * SHOWN_EVENTS) return fresh;
  const from = fresh.findIndex(({ t }) => t >= run.anchor_t);
  let to = fresh.length;
  while (to > 0 && (fresh[to - 1] as SignalRow).t > run.last_t) to--;
  if (from < 0) return fresh;
  return fresh.map((row, at) =>
    at >= from + SHOWN_EVENTS && at < to - SHOWN_EVENTS ? { ...row, evidence: undefined } : row,
  );
}
