// The keys in hand: what is remembered of each between signals, loaded when met, put away when memory is short.
import type { Correlation } from '../correlation.ts';
import { type Head, openHead, rowsNeeded } from '../firing/heads.ts';
import { compareRows, indexAt, mergeRows, type SignalRow } from '../firing/signal-row.ts';
import { insertRows, mayHold, type Reading, readLastRows, readRows } from './chunks.ts';
import type { EpisodeRow, SignalStore } from './open-store.ts';

/** One key of one correlation. */
export interface KeyState {
  readonly id: number;
  readonly correlation: Correlation;
  /** The correlation's number in the store. */
  readonly number: number;
  /** JSON of [tenant, key fields]. */
  readonly text: string;
  /** It has a row in the table of keys: one that is only in the log has none yet. */
  saved: boolean;
  /** Time of its newest signal; −Infinity for none. */
  newest: number;
  /** The rows at that time; undefined when not looked up. */
  ties: SignalRow[] | undefined;
  /** Judges what comes in order; made when first needed, dropped when something before it changed. */
  head: Head | undefined;
  /** Rows that are in the log and in no chunk yet, sorted. */
  fresh: SignalRow[];
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

/** What the log says of a key: all it takes to have it in hand again. */
export type KeyNote = [id: number, number: number, text: string, stored: number | null];

export interface KeyTable {
  /** The state of a key, from memory, disk, or made new. */
  open(correlation: Correlation, text: string): KeyState;
  byId(id: number): KeyState;
  /** Only when it is in memory. */
  inHand(id: number): KeyState | undefined;
  /** A key as the log has it. */
  restore(note: KeyNote): KeyState;
  /** Rows of a key with from ≤ t ≤ to, sorted, from disk and memory. */
  read(key: KeyState, from: number, to: number, reading?: Reading): SignalRow[];
  /** Whether a signal is there already, in memory or on disk. */
  has(key: KeyState, row: SignalRow): boolean;
  /** The rows at the newest time of a key. */
  tiesOf(key: KeyState): readonly SignalRow[];
  /** The head of a key, fed what it needs of the rows before its newest time. */
  headOf(key: KeyState): Head;
  /** Puts a key into the table, so that others may refer to it. */
  save(key: KeyState): void;
  /** Writes the fresh rows of a key into chunks. */
  settle(key: KeyState): void;
  /** Puts away keys that have nothing fresh and were not met of late, until at most `limit` are in hand. */
  trim(limit: number): void;
  /** Forgets everything in hand; it must have been settled. */
  clear(): void;
}

/** Of more fresh rows than this inside one episode, those in the middle need no evidence: no alert shows them. */
const SHOWN_EVENTS = 100;
/** Keys looked at, at most, each time that memory is looked over. */
const LOOKED_AT = 20_000;
const NEVER = Number.NEGATIVE_INFINITY;

export function openKeyTable(store: SignalStore): KeyTable {
  const byText = new Map<number, Map<string, KeyState>>();
  const byId = new Map<number, KeyState>();
  const numbers = new Map<string, number>();
  const definitions = new Map<number, Correlation>();
  let hand = byId.values();
  let last_id = Number(store.statement('SELECT max(id) AS id FROM keys').get()?.['id'] ?? 0);

  const numberOf = (correlation: Correlation): number => {
    const { identity } = correlation;
    const known = numbers.get(identity);
    if (known !== undefined) return known;
    store.begin();
    store
      .statement(
        `INSERT INTO correlations (identity, body) VALUES (?, ?)
         ON CONFLICT (identity) DO UPDATE SET body = excluded.body WHERE body <> excluded.body`,
      )
      .run(identity, JSON.stringify(correlation));
    const number = Number(
      store.statement('SELECT number FROM correlations WHERE identity = ?').get(identity)?.['number'],
    );
    numbers.set(identity, number);
    definitions.set(number, correlation);
    return number;
  };

  const definitionOf = (number: number): Correlation => {
    let definition = definitions.get(number);
    if (!definition) {
      const row = store.statement('SELECT body FROM correlations WHERE number = ?').get(number);
      definition = JSON.parse(String(row?.['body'])) as Correlation;
      definitions.set(number, definition);
    }
    return definition;
  };

  const hold = (
    place: Pick<KeyState, 'id' | 'number' | 'text' | 'correlation' | 'saved' | 'stored'>,
    isNew: boolean,
  ): KeyState => {
    const key: KeyState = {
      ...place,
      newest: place.stored,
      ties: place.stored === NEVER ? [] : undefined,
      head: undefined,
      fresh: [],
      since: 0,
      run: isNew ? null : undefined,
      moved: false,
      due: NEVER,
      used: true,
    };
    byId.set(key.id, key);
    let texts = byText.get(key.number);
    if (!texts) {
      texts = new Map();
      byText.set(key.number, texts);
    }
    texts.set(key.text, key);
    return key;
  };

  const newestStored = (id: number): number =>
    Number(
      store.statement('SELECT last_t FROM chunks WHERE key = ? ORDER BY first_t DESC LIMIT 1').get(id)?.[
        'last_t'
      ] ?? NEVER,
    );

  const read = (key: KeyState, from: number, to: number, reading: Reading = { evidence: false }) => {
    const stored = from > key.stored ? [] : readRows(store, { key: key.id, from, to, ...reading });
    const { fresh } = key;
    const first = fresh[0];
    if (!first || first.t > to || (fresh.at(-1) as SignalRow).t < from) return stored;
    const taken = fresh.slice(indexAt(fresh, from), indexAt(fresh, to + 1));
    return stored.length === 0 ? taken : mergeRows(stored, taken);
  };

  const save = (key: KeyState): void => {
    if (key.saved) return;
    store.begin();
    store.statement('INSERT OR IGNORE INTO keys VALUES (?, ?, ?)').run(key.id, key.number, key.text);
    key.saved = true;
  };

  const tiesOf = (key: KeyState): SignalRow[] =>
    (key.ties ??= read(key, key.newest, key.newest, { evidence: true }));

  return {
    open(correlation, text) {
      const number = numberOf(correlation);
      const known = byText.get(number)?.get(text);
      if (known) {
        known.used = true;
        return known;
      }
      const row = store.statement('SELECT id FROM keys WHERE correlation = ? AND text = ?').get(number, text);
      const id = row ? Number(row['id']) : ++last_id;
      return hold(
        { id, number, text, correlation, saved: row !== undefined, stored: row ? newestStored(id) : NEVER },
        !row,
      );
    },
    byId(id) {
      const known = byId.get(id);
      if (known) return known;
      const row = store.statement('SELECT correlation, text FROM keys WHERE id = ?').get(id) as {
        correlation: number;
        text: string;
      };
      const { correlation: number, text } = row;
      return hold(
        { id, number, text, correlation: definitionOf(number), saved: true, stored: newestStored(id) },
        false,
      );
    },
    inHand: (id) => byId.get(id),
    restore([id, number, text, stored]) {
      last_id = Math.max(last_id, id);
      return (
        byId.get(id) ??
        hold(
          { id, number, text, correlation: definitionOf(number), saved: false, stored: stored ?? NEVER },
          false,
        )
      );
    },
    read,
    has(key, row) {
      const isRow = (one: SignalRow): boolean => compareRows(one, row) === 0;
      const { fresh } = key;
      for (let at = indexAt(fresh, row.t); fresh[at]?.t === row.t; at++)
        if (isRow(fresh[at] as SignalRow)) return true;
      if (row.t > key.stored || !mayHold(store, key.id, row)) return false;
      return readRows(store, { key: key.id, from: row.t, to: row.t, evidence: false }).some(isRow);
    },
    tiesOf,
    headOf(key) {
      if (key.head) return key.head;
      const { correlation, newest } = key;
      const head = openHead(correlation);
      const least = rowsNeeded(correlation);
      const rows =
        least === undefined || key.fresh.length > 0
          ? read(key, newest - correlation.timespan_ms, newest)
          : readLastRows(store, key.id, least + tiesOf(key).length);
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
    save,
    settle(key) {
      key.since = 0;
      if (key.fresh.length === 0) return;
      save(key);
      store.begin();
      insertRows(store, {
        key: key.id,
        rows: withoutHiddenEvidence(key),
        isNew: key.stored === NEVER,
        newest: key.stored,
      });
      key.stored = Math.max(key.stored, key.fresh.at(-1)?.t ?? key.stored);
      key.fresh = [];
    },
    trim(limit) {
      for (let looked = 0; looked < LOOKED_AT && byId.size > limit; looked++) {
        let next = hand.next();
        if (next.done) {
          hand = byId.values();
          next = hand.next();
        }
        const key = next.value as KeyState;
        if (key.since > 0 || key.moved) continue;
        if (key.used) {
          key.used = false;
          continue;
        }
        byText.get(key.number)?.delete(key.text);
        byId.delete(key.id);
      }
    },
    clear() {
      byText.clear();
      byId.clear();
      numbers.clear();
      hand = byId.values();
    },
  };
}

/** Of a long stretch within one episode only the first and last hundred can ever be shown. */
function withoutHiddenEvidence({ fresh, run }: KeyState): readonly SignalRow[] {
  if (!run || fresh.length <= 2 * SHOWN_EVENTS) return fresh;
  const from = indexAt(fresh, run.anchor_t);
  const to = indexAt(fresh, run.last_t + 1);
  return fresh.map((row, at) =>
    at >= from + SHOWN_EVENTS && at < to - SHOWN_EVENTS ? { ...row, evidence: undefined } : row,
  );
}
