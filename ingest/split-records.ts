// Cuts a body or file handed in whole into raw records, each with its ordinal among identical ones (SEMANTICS, Identity).
import { hash } from 'node:crypto';
import type { Framing, RawRecord } from './source.ts';

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * The records of a body. `line`: one a line, empty lines left out. `document`: the whole. `json`: the
 * elements of an array, one object, or NDJSON. What is broken stays one record, so that it is refused
 * with its bytes and nothing is lost. White space around a record is not part of it.
 */
export function splitBytes(bytes: Uint8Array, framing: Framing): Uint8Array[] {
  const start = skipSpace(bytes, bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0);
  const end = trimEnd(bytes, start);
  if (end <= start) return [];
  const body = bytes.subarray(start, end);
  if (framing === 'document') return [body];
  if (framing === 'line') return splitLines(body);
  if (body[0] === OPEN_ARRAY) return splitArray(body) ?? [body];
  const valueEnd = endOfValue(body, 0);
  if (valueEnd === body.length) return [body];
  // A first value that fills its line begins NDJSON; anything else is one broken document.
  const lineEnd = body.indexOf(NEWLINE);
  if (lineEnd < 0) return [body];
  return valueEnd === trimEnd(body.subarray(0, lineEnd), 0) || looksLikeLines(body, lineEnd)
    ? splitLines(body)
    : [body];
}

/** Raw records of a body received at once; `received` in ms since the epoch. */
export function splitRecords(options: {
  bytes: Uint8Array;
  framing: Framing;
  received: number;
  peer?: string;
  replayed?: boolean;
}): RawRecord[] {
  const { received, peer, replayed } = options;
  const nextOrdinal = createOrdinals();
  return splitBytes(options.bytes, options.framing).map((bytes) => ({
    bytes,
    received,
    ...(peer === undefined ? {} : { peer }),
    position: { kind: 'request', ordinal: nextOrdinal(bytes) },
    ...(replayed ? { replayed } : {}),
  }));
}

/** Counts how often the same bytes were seen before within one body. */
export function createOrdinals(): (bytes: Uint8Array) => number {
  const seen = new Map<string, number>();
  return (bytes) => {
    const key = hash('sha1', bytes, 'base64');
    const ordinal = seen.get(key) ?? 0;
    seen.set(key, ordinal + 1);
    return ordinal;
  };
}

/** The first line is no value of its own, yet a later line opens an object: NDJSON whose first line is broken. */
function looksLikeLines(body: Uint8Array, lineEnd: number): boolean {
  const first = trimEnd(body.subarray(0, lineEnd), 0);
  const next = skipSpace(body, lineEnd);
  return first > 1 && body[next] === OPEN_OBJECT && body[first - 1] !== COMMA && body[first - 1] !== 0x3a;
}

function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    let end = bytes.indexOf(NEWLINE, start);
    if (end < 0) end = bytes.length;
    const from = Math.min(skipSpace(bytes, start), end);
    const to = trimEnd(bytes.subarray(0, end), from);
    if (to > from) lines.push(bytes.subarray(from, to));
    start = end + 1;
  }
  return lines;
}

/** Elements of a JSON array as they stand; undefined when it does not end as one. */
function splitArray(bytes: Uint8Array): Uint8Array[] | undefined {
  const elements: Uint8Array[] = [];
  let at = skipSpace(bytes, 1);
  if (bytes[at] === CLOSE_ARRAY) return at === bytes.length - 1 ? elements : undefined;
  while (at < bytes.length) {
    const end = endOfValue(bytes, at);
    const kept = trimEnd(bytes.subarray(0, end), at);
    if (kept <= at) return undefined;
    elements.push(bytes.subarray(at, kept));
    const next = skipSpace(bytes, end);
    if (bytes[next] === CLOSE_ARRAY) return next === bytes.length - 1 ? elements : undefined;
    if (bytes[next] !== COMMA) return undefined;
    at = skipSpace(bytes, next + 1);
  }
  return undefined;
}

/** The offset after the JSON value that begins at `start`; for a scalar, of the next structural byte. */
function endOfValue(bytes: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = endOfString(bytes, at);
      if (depth === 0) return Math.min(at + 1, bytes.length);
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || byte === NEWLINE)) return at;
  }
  return depth === 0 ? bytes.length : bytes.length + 1;
}

/** Offset of the closing quote, or the length. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let quote = bytes.indexOf(QUOTE, start + 1); quote >= 0; quote = bytes.indexOf(QUOTE, quote + 1)) {
    let slashes = 0;
    while (bytes[quote - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return quote;
  }
  return bytes.length;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09;
}

function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && isSpace(bytes[at])) at++;
  return at;
}

/** The end of `bytes` without the white space before it, not under `start`. */
function trimEnd(bytes: Uint8Array, start: number): number {
  let end = bytes.length;
  while (end > start && isSpace(bytes[end - 1])) end--;
  return end;
}
