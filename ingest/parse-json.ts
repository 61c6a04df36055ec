// Parses JSON that a stranger wrote: UTF-8 checked, depth and size bounded, `__proto__` dropped, big integers kept as text.
import { isUtf8 } from 'node:buffer';
import type { JsonObject } from '../platform/core/event.ts';

export const MAX_JSON_DEPTH = 64;

export type ParsedJson =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** Members named `__proto__` that were left out. */
      readonly dropped: number;
    }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly place?: string };

/** What could name a prototype once escapes are read. */
const MAYBE_PROTO = /__proto__|\\u005[fF]/;
/** An integer that a double may not hold; also hits in texts, which only costs time. */
const MAYBE_LARGE = /[:[,\s]-?\d{16}/;
/** What every number beyond any double has somewhere: seen first, since it is three times quicker to look for. */
const EXPONENT = /\d[eE]\+?\d{3}|\d{300}/;
/** A number that may be beyond any double. */
const MAYBE_INFINITE = /[:[,\s]-?\d{1,400}(?:\.\d{1,400})?[eE]\+?\d{3}|\d{300}/;
/** A whole integer of at least 16 digits where a value may stand. */
const LARGE = /[:[,]\s*(-?\d{16,})(?=\s*[,}\]])/g;

/** JSON.parse with the source text of primitives (ECMAScript 2026, in V8 since 11.4). */
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

/**
 * Parses one JSON text (RFC 8259; a leading byte order mark is passed over). Of duplicate members the last
 * wins, as ECMAScript says. Integers beyond ±2^53 and numbers beyond a double come back as their text.
 * Codes: JSON_TOO_LARGE, JSON_EMPTY, INVALID_UTF8 (place `byte N`), JSON_INVALID (place `character N`),
 * JSON_TOO_DEEP. Messages never quote the content, since a dead letter's reason may leave the site.
 */
export function parseJson(
  bytes: Uint8Array,
  limits: { depth?: number; max_bytes?: number } = {},
): ParsedJson {
  if (limits.max_bytes !== undefined && bytes.length > limits.max_bytes) {
    return {
      ok: false,
      code: 'JSON_TOO_LARGE',
      message: `${bytes.length} bytes, at most ${limits.max_bytes} are read`,
    };
  }
  if (!isUtf8(bytes)) {
    return {
      ok: false,
      code: 'INVALID_UTF8',
      message: 'the bytes are not UTF-8',
      place: `byte ${findInvalidUtf8(bytes)}`,
    };
  }
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', marked ? 3 : 0);
  let value: unknown;
  try {
    value = parseExact(text);
  } catch (error) {
    if (text.trim() === '') return { ok: false, code: 'JSON_EMPTY', message: 'nothing but white space' };
    return describeSyntaxError(error, text);
  }
  const walk = { limit: limits.depth ?? MAX_JSON_DEPTH, dropping: MAYBE_PROTO.test(text), dropped: 0 };
  if (!isShallow(value, 1, walk)) {
    return { ok: false, code: 'JSON_TOO_DEEP', message: `nested deeper than ${walk.limit} levels` };
  }
  return { ok: true, value, dropped: walk.dropped };
}

/** Like parseJson, but anything else than an object is refused as JSON_NOT_OBJECT. */
export function parseJsonObject(
  bytes: Uint8Array,
  limits: { depth?: number; max_bytes?: number } = {},
): (ParsedJson & { ok: false }) | { ok: true; value: JsonObject; dropped: number } {
  const parsed = parseJson(bytes, limits);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return { ok: false, code: 'JSON_NOT_OBJECT', message: 'the JSON is no object' };
  }
  return { ok: true, value: value as JsonObject, dropped: parsed.dropped };
}

/** JSON.parse with large integers as texts; the rare number beyond a double takes the slow way. */
function parseExact(text: string): unknown {
  if (EXPONENT.test(text) && MAYBE_INFINITE.test(text)) return parseWithSource(text, keepExact);
  if (!MAYBE_LARGE.test(text)) return JSON.parse(text);
  const quoted = quoteLargeIntegers(text);
  if (quoted === text) return JSON.parse(text);
  try {
    return JSON.parse(quoted);
  } catch {
    // The place of the fault should be that in what was sent.
    return JSON.parse(text);
  }
}

/** Puts quotes around integers beyond ±2^53 that stand outside of texts. */
function quoteLargeIntegers(text: string): string {
  let result = '';
  let copied = 0;
  // Everything before `scanned` is known to end outside of a text.
  let scanned = 0;
  for (const match of text.matchAll(LARGE)) {
    const digits = match[1] as string;
    const start = match.index + match[0].length - digits.length;
    if (Number.isSafeInteger(Number(digits))) continue;
    let inside = false;
    for (
      let quote = text.indexOf('"', scanned);
      quote >= 0 && quote < start;
      quote = text.indexOf('"', scanned)
    ) {
      const end = endOfText(text, quote);
      if (end > start) {
        inside = true;
        break;
      }
      scanned = end + 1;
    }
    if (inside) continue;
    result += `${text.slice(copied, start)}"${digits}"`;
    copied = start + digits.length;
  }
  return copied === 0 ? text : result + text.slice(copied);
}

/** Index of the quote that ends the text begun at `open`, or the length. */
function endOfText(text: string, open: number): number {
  for (let quote = text.indexOf('"', open + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return quote;
  }
  return text.length;
}

function keepExact(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || context.source === undefined) return value;
  if (!Number.isFinite(value)) return context.source;
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? context.source : value;
}

/** False when nested too deep; drops `__proto__` members on the way when the text may hold some. */
function isShallow(
  node: unknown,
  depth: number,
  walk: { readonly limit: number; readonly dropping: boolean; dropped: number },
): boolean {
  if (node === null || typeof node !== 'object') return true;
  if (depth > walk.limit) return false;
  if (Array.isArray(node)) {
    for (const element of node) {
      if (typeof element === 'object' && !isShallow(element, depth + 1, walk)) return false;
    }
    return true;
  }
  const object = node as JsonObject;
  if (walk.dropping && Object.hasOwn(object, '__proto__')) {
    delete object['__proto__'];
    walk.dropped++;
  }
  for (const key in object) {
    const child = object[key];
    if (typeof child === 'object' && !isShallow(child, depth + 1, walk)) return false;
  }
  return true;
}

function describeSyntaxError(error: unknown, text: string): ParsedJson & { ok: false } {
  const said = error instanceof Error ? error.message : '';
  const position = /at position (\d+)/.exec(said)?.[1];
  const ended = /end of JSON input|Unterminated/.test(said);
  const place = position ?? (ended ? String(text.length) : undefined);
  return {
    ok: false,
    code: 'JSON_INVALID',
    message: ended ? 'the JSON ends too early' : 'the text is not JSON',
    ...(place === undefined ? {} : { place: `character ${place}` }),
  };
}

/** Offset of the first byte that no UTF-8 sequence has there; only called for bytes known to be bad. */
export function findInvalidUtf8(bytes: Uint8Array): number {
  // Halves the range: a prefix that ends inside a sequence is judged without that unfinished tail.
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    if (isUtf8(bytes.subarray(0, middle - unfinishedTail(bytes, middle)))) good = middle;
    else bad = middle;
  }
  return Math.max(0, bad - 1 - unfinishedTail(bytes, bad - 1));
}

/** How many bytes before `end` belong to a multi-byte sequence that `end` cuts. */
function unfinishedTail(bytes: Uint8Array, end: number): number {
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back] as number;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return back < length ? back : 0;
    }
    if (byte < 0x80) return 0;
  }
  return 0;
}
