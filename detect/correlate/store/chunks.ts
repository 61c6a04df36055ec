// The signals of a key on disk: chunks of up to some hundred rows, disjoint and ordered in time, ties never split.
import { compareRows, indexAt, mergeRows, nameOf, type SignalRow } from '../firing/signal-row.ts';
import type { SignalStore } from './open-store.ts';

/** A chunk that grows past this is cut in pieces of about half. Small, since a late signal rewrites one. */
const MOST_ROWS = 64;

interface ChunkRow {
  first_t: number;
  last_t: number;
  rows: number;
  events: number;
  body: string;
  /** Apart from the rest, since most reading only judges. */
  evidence: string;
}

/** Judging asks for rows without what alerts show of them. */
export interface Reading {
  readonly evidence: boolean;
}

/** Columns of a chunk's rows; texts that are alike in most rows are numbered. */
interface ChunkBody {
  /** ms after the chunk's first. */
  t: number[];
  event: string[];
  rule: (string | number)[];
  source?: string[];
  site: (string | number)[];
  values?: (readonly string[])[];
  numbers?: (readonly number[])[];
}

/** Rows with from ≤ t ≤ to, sorted. */
export function readRows(
  store: SignalStore,
  { key, from, to, evidence }: { key: number; from: number; to: number } & Reading,
): SignalRow[] {
  const found: SignalRow[][] = [];
  for (const chunk of chunksBetween(store, { key, from, to, evidence })) {
    const rows = decode(chunk);
    const whole = chunk.first_t >= from && chunk.last_t <= to;
    found.push(whole ? rows : rows.slice(indexAt(rows, from), indexAt(rows, to + 1)));
  }
  return found.length === 1 ? (found[0] as SignalRow[]) : found.flat();
}

/** False when no stored row of the key at this time has the name; true when one may have it. */
export function mayHold(store: SignalStore, key: number, row: SignalRow): boolean {
  const chunk = store
    .statement(
      'SELECT last_t, names FROM chunks WHERE key = ? AND first_t <= ? ORDER BY first_t DESC LIMIT 1',
    )
    .get(key, row.t) as { last_t: number; names: Uint8Array } | undefined;
  if (!chunk || chunk.last_t < row.t) return false;
  const wanted = hashName(nameOf(row));
  const { buffer, byteOffset, byteLength } = chunk.names;
  const names =
    byteOffset % 4 === 0
      ? new Uint32Array(buffer, byteOffset, byteLength / 4)
      : new Uint32Array(chunk.names.slice().buffer);
  return names.includes(wanted);
}

/** 32 bits of a name (FNV-1a over UTF-16 code units). */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

type Decodable = Pick<ChunkRow, 'first_t' | 'body'> & Partial<Pick<ChunkRow, 'evidence'>>;

function chunksBetween(
  store: SignalStore,
  { key, from, to, evidence }: { key: number; from: number; to: number } & Reading,
): (Decodable & { last_t: number })[] {
  // Chunks are disjoint: those that reach into the span begin with the last one that begins before it.
  return store
    .statement(
      `SELECT first_t, last_t, body${evidence ? ', evidence' : ''} FROM chunks WHERE key = ? AND first_t >= coalesce(
         (SELECT max(first_t) FROM chunks WHERE key = ? AND first_t <= ?), ?) AND first_t <= ? AND last_t >= ?
       ORDER BY first_t`,
    )
    .all(key, key, from, from, to, from) as unknown as (Decodable & { last_t: number })[];
}

/** The rows, without evidence, of the last chunks that hold together at least `least` (or all), sorted. */
export function readLastRows(store: SignalStore, key: number, least: number): SignalRow[] {
  const rows: SignalRow[][] = [];
  let held = 0;
  for (const chunk of store
    .statement('SELECT first_t, rows, body FROM chunks WHERE key = ? ORDER BY first_t DESC')
    .iterate(key) as unknown as Iterable<Pick<ChunkRow, 'first_t' | 'rows' | 'body'>>) {
    rows.push(decode(chunk));
    held += chunk.rows;
    if (held >= least) break;
  }
  return rows.reverse().flat();
}

/** Distinct events with from ≤ t ≤ to; whole chunks are counted by what they say of themselves. */
export function countEvents(store: SignalStore, key: number, from: number, to: number): number {
  let count = 0;
  for (const chunk of chunkSummaries(store, key, from, to)) {
    if (chunk.first_t >= from && chunk.last_t <= to) count += chunk.events;
    else
      count += distinctEvents(
        readRows(store, {
          key,
          from: Math.max(from, chunk.first_t),
          to: Math.min(to, chunk.last_t),
          evidence: false,
        }),
      );
  }
  return count;
}

function chunkSummaries(
  store: SignalStore,
  key: number,
  from: number,
  to: number,
): Pick<ChunkRow, 'first_t' | 'last_t' | 'events'>[] {
  return store
    .statement(
      `SELECT first_t, last_t, events FROM chunks WHERE key = ? AND first_t >= coalesce(
         (SELECT max(first_t) FROM chunks WHERE key = ? AND first_t <= ?), ?) AND first_t <= ? AND last_t >= ?
       ORDER BY first_t`,
    )
    .all(key, key, from, from, to, from) as unknown as ChunkRow[];
}

/** The first or last distinct events with from ≤ t ≤ to: their rows, sorted, for at most `limit` events. */
export function readEdge(
  store: SignalStore,
  options: { key: number; from: number; to: number; limit: number; side: 'first' | 'last' },
): SignalRow[] {
  const { key, from, to, limit, side } = options;
  const summaries = chunkSummaries(store, key, from, to);
  if (side === 'last') summaries.reverse();
  let rows: SignalRow[] = [];
  for (const { first_t, last_t } of summaries) {
    const more = readRows(store, {
      key,
      from: Math.max(from, first_t),
      to: Math.min(to, last_t),
      evidence: true,
    });
    rows = side === 'first' ? [...rows, ...more] : [...more, ...rows];
    if (distinctEvents(rows) >= limit) break;
  }
  const events = [...new Set(rows.map(({ event }) => event))];
  const kept = new Set(side === 'first' ? events.slice(0, limit) : events.slice(-limit));
  return rows.filter(({ event }) => kept.has(event));
}

/** Rows must be sorted: one event has one time, so that its rows stand together. */
function distinctEvents(rows: readonly SignalRow[]): number {
  let count = 0;
  let before: string | undefined;
  for (const { event } of rows) {
    if (event !== before) count++;
    before = event;
  }
  return count;
}

/** Stores sorted rows that are not there yet. `isNew`: the key has no chunk. `newest`: the latest time on disk. */
export function insertRows(
  store: SignalStore,
  options: { key: number; rows: readonly SignalRow[]; isNew: boolean; newest: number },
): void {
  const { key, rows, isNew, newest } = options;
  if (isNew) {
    writeChunks(store, key, rows);
    return;
  }
  for (let at = 0; at < rows.length; ) {
    const { t } = rows[at] as SignalRow;
    const before = store
      .statement(
        'SELECT first_t, last_t, rows, body, evidence FROM chunks WHERE key = ? AND first_t <= ? ORDER BY first_t DESC LIMIT 1',
      )
      .get(key, t) as ChunkRow | undefined;
    let end = rows.length;
    if (t <= newest) {
      const next = store
        .statement('SELECT min(first_t) AS t FROM chunks WHERE key = ? AND first_t > ?')
        .get(key, t)?.['t'];
      if (typeof next === 'number') {
        end = at;
        while (end < rows.length && (rows[end] as SignalRow).t < next) end++;
      }
    }
    const taken = rows.slice(at, end);
    at = end;
    if (!before || (t > before.last_t && before.rows >= MOST_ROWS / 2)) {
      writeChunks(store, key, taken);
      continue;
    }
    store.statement('DELETE FROM chunks WHERE key = ? AND first_t = ?').run(key, before.first_t);
    writeChunks(store, key, mergeRows(decode(before), taken));
  }
}

/** Takes one row away. */
export function removeRow(store: SignalStore, key: number, row: SignalRow): void {
  const [chunk] = chunksBetween(store, { key, from: row.t, to: row.t, evidence: true });
  if (!chunk) return;
  const rows = decode(chunk);
  const left = rows.filter((one) => compareRows(one, row) !== 0);
  if (left.length === rows.length) return;
  store.statement('DELETE FROM chunks WHERE key = ? AND first_t = ?').run(key, chunk.first_t);
  writeChunks(store, key, left);
}

/** Drops rows before a time. */
export function dropBefore(store: SignalStore, t: number): void {
  store.statement('DELETE FROM chunks WHERE last_t < ?').run(t);
  const cut = store
    .statement('SELECT key, first_t, body, evidence FROM chunks WHERE last_t >= ? AND first_t < ?')
    .all(t, t) as unknown as (Decodable & { key: number })[];
  for (const { key, ...chunk } of cut) {
    store.statement('DELETE FROM chunks WHERE key = ? AND first_t = ?').run(key, chunk.first_t);
    writeChunks(
      store,
      key,
      decode(chunk).filter((row) => row.t >= t),
    );
  }
}

function writeChunks(store: SignalStore, key: number, rows: readonly SignalRow[]): void {
  for (let at = 0; at < rows.length; ) {
    let end = rows.length - at > MOST_ROWS ? at + MOST_ROWS / 2 : rows.length;
    while (end < rows.length && (rows[end] as SignalRow).t === (rows[end - 1] as SignalRow).t) end++;
    const piece = at === 0 && end === rows.length ? rows : rows.slice(at, end);
    const { body, evidence } = encode(piece);
    store
      .statement('INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        key,
        (piece[0] as SignalRow).t,
        (piece.at(-1) as SignalRow).t,
        piece.length,
        distinctEvents(piece),
        new Uint8Array(Uint32Array.from(piece, (row) => hashName(nameOf(row))).buffer),
        body,
        evidence,
      );
    at = end;
  }
}

function encode(rows: readonly SignalRow[]): { body: string; evidence: string } {
  const body: ChunkBody = { t: [], event: [], rule: [], site: [] };
  const first = (rows[0] as SignalRow).t;
  for (const [at, row] of rows.entries()) {
    const before = rows[at - 1];
    body.t.push(row.t - first);
    body.event.push(row.event);
    // 0 stands for "as the row before".
    body.rule.push(before?.rule === row.rule ? 0 : row.rule);
    body.site.push(before?.site === row.site ? 0 : row.site);
    if (row.source !== '') body.source ??= rows.map(({ source }) => source);
    if (row.values.length > 0) body.values ??= rows.map(({ values }) => values);
    if (row.numbers.length > 0) body.numbers ??= rows.map(({ numbers }) => numbers);
  }
  return {
    body: JSON.stringify(body),
    evidence: JSON.stringify(rows.map(({ evidence }) => evidence ?? null)),
  };
}

const NONE: readonly never[] = [];

function decode(chunk: Decodable): SignalRow[] {
  const body = JSON.parse(chunk.body) as ChunkBody;
  const evidence =
    chunk.evidence === undefined ? undefined : (JSON.parse(chunk.evidence) as (string | null)[]);
  const rows: SignalRow[] = [];
  let rule = '';
  let site = '';
  for (const [at, after] of body.t.entries()) {
    const [ruleOrSame, siteOrSame] = [body.rule[at], body.site[at]];
    if (typeof ruleOrSame === 'string') rule = ruleOrSame;
    if (typeof siteOrSame === 'string') site = siteOrSame;
    rows.push({
      t: chunk.first_t + after,
      event: body.event[at] as string,
      rule,
      source: body.source?.[at] ?? '',
      site,
      values: body.values?.[at] ?? NONE,
      numbers: body.numbers?.[at] ?? NONE,
      evidence: evidence?.[at] ?? undefined,
    });
  }
  return rows;
}
