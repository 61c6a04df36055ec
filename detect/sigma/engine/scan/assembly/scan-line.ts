// AssemblyScript: reads one JSON line where it lies and tells which fields' values make which units true.
//
// Whatever it is not sure of (escapes by code point in what is asked, a key twice, deep nesting, anything that is
// not plain JSON) it leaves to the TypeScript side, by value or by line: what it accepts is valid JSON (RFC 8259),
// what it tells is what detect/sigma/field-matcher.ts would tell.
import * as at from '../layout';

const ESCAPED: i32 = 1;
const NOT_ASCII: i32 = 2;
const CODE_POINTS: i32 = 4;
const UNSURE: usize = 0;

let stringFlags: i32 = 0;
let lineFlags: i32 = 0;
let objects: i32 = 0;
let objectsBefore: i32 = 0;
let results: i32 = 0;
let pending: i32 = 0;
let depth: i32 = 0;
let stamp: i32 = 0;
/** Above 0 while values are walked that say no signal, as all of a list but its first. */
let unheard: i32 = 0;
let memoCount: i32 = 0;
let memoBytes: usize = 0;
let memoUnits: usize = 0;
let eventUnits: usize = 0;
let memoFull: bool = false;
let everything: usize = 0;
let missSlot: usize = 0;
let missHash: u32 = 0;

@inline function control(word: i32): usize { return load<u32>((at.CONTROL + word * 4) as usize) as usize; }
@inline function say(word: i32, value: i32): void { store<i32>((at.CONTROL + word * 4) as usize, value); }

/** 32 bits of a hash over n bytes; reads up to 8 bytes past the end when n is under 8. */
export function hashBytes(start: usize, n: i32): u32 {
  let hash: u64 = (n as u64) * 0x9e3779b97f4a7c15;
  if (n >= 8) {
    const last = start + n - 8;
    let p = start;
    while (p < last) {
      hash = (hash ^ load<u64>(p)) * 0xff51afd7ed558ccd;
      hash ^= hash >> 32;
      p += 8;
    }
    hash = (hash ^ load<u64>(last)) * 0xff51afd7ed558ccd;
  } else if (n > 0) {
    hash = (hash ^ (load<u64>(start) & (((1 as u64) << ((n as u64) * 8)) - 1))) * 0xff51afd7ed558ccd;
  }
  hash ^= hash >> 32;
  return ((hash * 0xc4ceb9fe1a85ec53) >> 32) as u32;
}

@inline function equalBytes(a: usize, b: usize, n: i32): bool {
  let left = n;
  while (left >= 8) {
    if (load<u64>(a) != load<u64>(b)) return false;
    a += 8; b += 8; left -= 8;
  }
  if (left == 0) return true;
  const mask: u64 = ((1 as u64) << ((left as u64) * 8)) - 1;
  return ((load<u64>(a) ^ load<u64>(b)) & mask) == 0;
}

@inline function isHex(c: u32): bool {
  return (c >= 48 && c <= 57) || ((c | 32) >= 97 && (c | 32) <= 102);
}

/** From the first character of a string to its closing quote, which is returned; UNSURE when it is none. */
function stringEnd(start: usize): usize {
  const quotes = i8x16.splat(0x22);
  const slashes = i8x16.splat(0x5c);
  const controls = i8x16.splat(0x20);
  let flags = 0;
  let p = start;
  while (true) {
    const bytes = v128.load(p);
    const high = i8x16.bitmask(bytes);
    const stops = i8x16.bitmask(v128.or(v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, slashes)), i8x16.lt_u(bytes, controls)));
    if (stops == 0) {
      if (high != 0) flags |= NOT_ASCII;
      p += 16;
      continue;
    }
    const step = ctz(stops);
    if ((high & ((1 << step) - 1)) != 0) flags |= NOT_ASCII;
    p += step;
    const c: u32 = load<u8>(p);
    if (c == 0x22) {
      stringFlags = flags;
      lineFlags |= flags;
      return p;
    }
    if (c != 0x5c) return UNSURE;
    const escape: u32 = load<u8>(p + 1);
    flags |= ESCAPED;
    if (escape == 0x75) {
      flags |= CODE_POINTS;
      if (!isHex(load<u8>(p + 2)) || !isHex(load<u8>(p + 3)) || !isHex(load<u8>(p + 4)) || !isHex(load<u8>(p + 5))) return UNSURE;
      p += 6;
    } else {
      if (!(escape == 0x5c || escape == 0x22 || escape == 0x2f || escape == 0x6e || escape == 0x74 || escape == 0x72 || escape == 0x62 || escape == 0x66)) return UNSURE;
      p += 2;
    }
  }
}

@inline function skipSpace(p: usize): usize {
  let c: u32 = load<u8>(p);
  while (c == 0x20 || c == 0x09 || c == 0x0d) c = load<u8>(++p);
  return p;
}

/** The entry of a value of a field; 0 when it is not remembered, and then its place is. `owner`: the field, one more for values that were left. */
function findEntry(owner: usize, start: usize, n: i32): usize {
  const hash = hashBytes(start, n) ^ ((owner as u32) * at.GOLDEN);
  const slots = control(at.MEMO_SLOTS);
  const entries = control(at.MEMO_ENTRIES);
  let slot = (hash & (at.MEMO_SLOT_COUNT - 1)) as usize;
  while (true) {
    const index: u32 = load<u16>(slots + slot * 2);
    if (index == 0) break;
    const entry = entries + (index as usize) * at.MEMO_ENTRY_BYTES;
    if (load<u32>(entry) == hash && load<u32>(entry + 4) == (owner as u32) && load<i32>(entry + 8) == n && equalBytes(load<u32>(entry + 12), start, n)) return entry;
    slot = (slot + 1) & (at.MEMO_SLOT_COUNT - 1);
  }
  missSlot = slot;
  missHash = hash;
  return 0;
}

function hasRoom(n: i32): bool {
  if (memoCount < at.MEMO_MAX_ENTRIES && memoBytes + n + 8 <= control(at.MEMO_BYTES) + at.MEMO_BYTES_SIZE) return true;
  memoFull = true;
  return false;
}

/** Right after findEntry told of a miss and hasRoom of room; the units lie at memoUnits. */
function addEntry(owner: usize, start: usize, n: i32, written: i32): usize {
  const index = ++memoCount;
  const entry = control(at.MEMO_ENTRIES) + (index as usize) * at.MEMO_ENTRY_BYTES;
  store<u32>(entry, missHash);
  store<u32>(entry + 4, owner as u32);
  store<i32>(entry + 8, n);
  store<u32>(entry + 12, memoBytes as u32);
  memory.copy(memoBytes, start, n);
  memoBytes += n;
  store<u32>(entry + 16, written == 0 ? 0 : memoUnits as u32);
  memoUnits += written;
  store<u16>(control(at.MEMO_SLOTS) + missSlot * 2, index as u16);
  return entry;
}

/** Remembers what the TypeScript side said of a value it was left: a list of units of so many bytes at `units`. */
export function remember(node: usize, start: usize, end: usize, units: usize, size: i32): void {
  const n = (end - start) as i32;
  if (n > at.MEMO_MAX_TEXT || findEntry(node + 1, start, n) != 0 || !hasRoom(n)) return;
  if (memoUnits + size > control(at.MEMO_UNITS) + at.MEMO_UNITS_SIZE) {
    memoFull = true;
    return;
  }
  memory.copy(memoUnits, units, size);
  addEntry(node + 1, start, n, size);
}

@inline function emit(units: usize): bool {
  if (results >= at.MAX_RESULTS) return false;
  store<u32>(control(at.RESULTS) + (results as usize) * 4, units as u32);
  results++;
  return true;
}

/** A value that only the TypeScript side can judge, quotes included for a string: what it said before, or it is asked. */
function leave(node: usize, start: usize, end: usize): bool {
  const n = (end - start) as i32;
  if (n <= at.MEMO_MAX_TEXT) {
    const entry = findEntry(node + 1, start, n);
    if (entry != 0) {
      const units = load<u32>(entry + 16) as usize;
      return units == 0 || emit(units);
    }
  }
  if (pending >= at.MAX_PENDING) return false;
  const place = control(at.PENDING) + (pending as usize) * 12;
  store<u32>(place, load<u32>(node + at.NODE_ID));
  store<u32>(place + 4, start as u32);
  store<u32>(place + 8, end as u32);
  pending++;
  return true;
}

/** Writes the value's bytes without escapes and in lower case to the scratch area, zeros after them; returns how many. */
function fold(start: usize, end: usize, escaped: bool): i32 {
  const scratch = control(at.SCRATCH);
  const low = i8x16.splat(65);
  const width = i8x16.splat(26);
  const bit = i8x16.splat(32);
  let out = scratch;
  let p = start;
  if (!escaped) {
    while (p < end) {
      const bytes = v128.load(p);
      const upper = i8x16.lt_u(i8x16.sub(bytes, low), width);
      v128.store(out, v128.or(bytes, v128.and(upper, bit)));
      p += 16; out += 16;
    }
    const n = (end - start) as i32;
    v128.store(scratch + n, i8x16.splat(0));
    return n;
  }
  const slashes = i8x16.splat(0x5c);
  while (p < end) {
    const bytes = v128.load(p);
    const upper = i8x16.lt_u(i8x16.sub(bytes, low), width);
    v128.store(out, v128.or(bytes, v128.and(upper, bit)));
    const found = i8x16.bitmask(i8x16.eq(bytes, slashes));
    if (found == 0) {
      p += 16; out += 16;
      continue;
    }
    const step = ctz(found);
    p += step; out += step;
    if (p >= end) break;
    const c: u32 = load<u8>(p + 1);
    let plain: u32 = c;
    if (c == 0x6e) plain = 10;
    else if (c == 0x74) plain = 9;
    else if (c == 0x72) plain = 13;
    else if (c == 0x62) plain = 8;
    else if (c == 0x66) plain = 12;
    store<u8>(out, plain as u8);
    p += 2; out += 1;
  }
  // Whole blocks may have run past the end.
  if (p > end) out -= p - end;
  v128.store(out, i8x16.splat(0));
  return (out - scratch) as i32;
}

let hits: i32 = 0;

@inline function hit(pattern: usize): void {
  if (load<i32>(pattern + at.PATTERN_STAMP) == stamp || hits >= at.MAX_HITS) return;
  store<i32>(pattern + at.PATTERN_STAMP, stamp);
  store<u32>(control(at.HITS) + (hits as usize) * 4, pattern as u32);
  hits++;
}

/** Patterns of a chain whose gram stands at `p` in text[0, n). `mask` is what both sides were or-ed with. */
@inline function checkChain(first: usize, p: usize, text: usize, n: i32): void {
  let pattern = first;
  while (pattern != 0) {
    const start = p - load<u32>(pattern + at.PATTERN_OFFSET);
    const length = load<i32>(pattern + at.PATTERN_LENGTH);
    if (start >= text && start + length <= text + n && equalBytes(start, load<u32>(pattern + at.PATTERN_TEXT), length)) hit(pattern);
    pattern = load<u32>(pattern + at.PATTERN_NEXT);
  }
}

function checkGram(matcher: usize, p: usize, text: usize, n: i32): void {
  const slot = (load<u32>(p) * at.GOLDEN) >> load<u32>(matcher + at.MATCHER_HEADS_SHIFT);
  checkChain(load<u32>((load<u32>(matcher + at.MATCHER_HEADS) as usize) + (slot as usize) * 4), p, text, n);
}

function checkPair(matcher: usize, p: usize, text: usize, n: i32): void {
  const slot = ((load<u16>(p) as u32) * at.GOLDEN) >> 22;
  checkChain(load<u32>((load<u32>(matcher + at.MATCHER_PAIR_HEADS) as usize) + (slot as usize) * 4), p, text, n);
}

/** Every pattern of two bytes and more that text[0, n) contains; the text lies in scratch, zeros after it. */
function scanGrams(matcher: usize, text: usize, n: i32): void {
  const bits = load<u32>(matcher + at.MATCHER_GRAMS) as usize;
  const pairs = load<u32>(matcher + at.MATCHER_PAIRS) as usize;
  const shift = load<u32>(matcher + at.MATCHER_GRAMS_SHIFT);
  const end = text + n - 1;
  if (pairs != 0 && bits != 0) {
    for (let p = text; p < end; p++) {
      const gram = load<u32>(p);
      const slot = (gram * at.GOLDEN) >> shift;
      if ((load<u8>(pairs + (((gram & 0xffff) >> 3) as usize)) & (1 << (gram & 7))) != 0) checkPair(matcher, p, text, n);
      if ((load<u8>(bits + ((slot >> 3) as usize)) & (1 << (slot & 7))) != 0) checkGram(matcher, p, text, n);
    }
    return;
  }
  if (pairs != 0) {
    for (let p = text; p < end; p++) {
      const pair: u32 = load<u16>(p);
      if ((load<u8>(pairs + ((pair >> 3) as usize)) & (1 << (pair & 7))) != 0) checkPair(matcher, p, text, n);
    }
    return;
  }
  if (bits == 0) return;
  const stride = load<u32>(matcher + at.MATCHER_STRIDE) as usize;
  for (let p = text; p < end - 2; p += stride) {
    const slot = (load<u32>(p) * at.GOLDEN) >> shift;
    if ((load<u8>(bits + ((slot >> 3) as usize)) & (1 << (slot & 7))) != 0) checkGram(matcher, p, text, n);
  }
}

function holdsByte(text: usize, n: i32, wanted: u8): bool {
  const all = i8x16.splat(wanted as i8);
  const end = text + n;
  for (let p = text; p < end; p += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(p), all));
    if (found != 0) return p + ctz(found) < end;
  }
  return false;
}

function checkAnchor(matcher: usize, kind: i32, classLength: i32, p: usize, text: usize, n: i32): void {
  const table = load<u32>(matcher + at.MATCHER_ANCHORS) as usize;
  const mask = load<u32>(matcher + at.MATCHER_ANCHORS_MASK);
  const hash = hashBytes(p, classLength) + kind * 0x3c6ef372;
  const bit = (hash >> 8) & (at.ANCHOR_BITS - 1);
  if ((load<u8>((load<u32>(matcher + at.MATCHER_ANCHOR_BITS) + (bit >> 3)) as usize) & (1 << (bit & 7))) == 0) return;
  let pattern = load<u32>(table + ((hash & mask) as usize) * 4) as usize;
  while (pattern != 0) {
    if (load<i32>(pattern + at.PATTERN_KIND) == kind) {
      const length = load<i32>(pattern + at.PATTERN_LENGTH);
      const start = kind == at.KIND_SUFFIX ? text + n - length : text;
      if ((kind == at.KIND_EXACT ? length == n : length <= n) && equalBytes(start, load<u32>(pattern + at.PATTERN_TEXT), length)) hit(pattern);
    }
    pattern = load<u32>(pattern + at.PATTERN_NEXT);
  }
}

/** 1: written as a whole number of up to 15 digits, as String(number) would; 2: it may be a number written otherwise; 0: none. */
function numberForm(text: usize, n: i32): i32 {
  if (n == 0) return 0;
  let p = text;
  const end = text + n;
  const first: u32 = load<u8>(p);
  if (!((first >= 48 && first <= 57) || first == 0x2d || first == 0x2b || first == 0x2e || first <= 0x20)) return 0;
  let form = 1;
  if (first == 0x2d) p++;
  const digits = end - p;
  if (digits == 0 || digits > 15 || (load<u8>(p) == 48 && (digits > 1 || first == 0x2d))) form = 2;
  for (; p < end; p++) {
    const c: u32 = load<u8>(p);
    if (c >= 48 && c <= 57) continue;
    if (!(c == 0x2e || c == 0x65 || c == 0x2b || c == 0x2d || c <= 0x20 || c >= 0x80)) return 0;
    form = 2;
  }
  return form;
}

/**
 * Writes at `into` the units that the folded text makes true ([eager count, other count, units…]); returns the
 * bytes written, 0 when there are none, -1 when the TypeScript side must look.
 */
function compute(matcher: usize, text: usize, n: i32, into: usize, limit: usize): i32 {
  stamp++;
  hits = 0;
  const flags = load<u32>(matcher + at.MATCHER_FLAGS);
  if ((flags & 2) != 0 && numberForm(text, n) == 2) return -1;
  if ((flags & 1) != 0) checkAnchor(matcher, at.KIND_EXACT, n, text, text, n);
  let classes = load<u32>(matcher + at.MATCHER_PREFIX_LENGTHS);
  while (classes != 0) {
    const length = ctz(classes) as i32;
    classes &= classes - 1;
    if (length <= n) checkAnchor(matcher, at.KIND_PREFIX, length, text, text, n);
  }
  classes = load<u32>(matcher + at.MATCHER_SUFFIX_LENGTHS);
  while (classes != 0) {
    const length = ctz(classes) as i32;
    classes &= classes - 1;
    if (length <= n) checkAnchor(matcher, at.KIND_SUFFIX, length, text + n - length, text, n);
  }
  scanGrams(matcher, text, n);
  let single = load<u32>(matcher + at.MATCHER_SINGLES) as usize;
  while (single != 0) {
    if (holdsByte(text, n, load<u8>(load<u32>(single + at.PATTERN_TEXT)))) hit(single);
    single = load<u32>(single + at.PATTERN_NEXT);
  }
  if (hits >= at.MAX_HITS) return -1;
  if (hits == 0) return 0;
  return writeUnits(into, limit);
}

/** Joins the units of all hits, each once. */
function writeUnits(into: usize, limit: usize): i32 {
  const stamps = control(at.UNIT_STAMPS);
  const list = control(at.HITS);
  let out = into + 8;
  let eager = 0;
  for (let pass = 0; pass < 2; pass++) {
    for (let i = 0; i < hits; i++) {
      const units = load<u32>(load<u32>(list + (i as usize) * 4) + at.PATTERN_UNITS) as usize;
      const first = load<i32>(units);
      let p = units + 8 + (pass == 0 ? 0 : (first as usize) * 4);
      const end = p + ((pass == 0 ? first : load<i32>(units + 4)) as usize) * 4;
      for (; p < end; p += 4) {
        const unit = load<u32>(p);
        const mark = stamps + (unit as usize) * 4;
        if (load<i32>(mark) == stamp) continue;
        store<i32>(mark, stamp);
        if (out + 4 > limit) return -1;
        store<u32>(out, unit);
        out += 4;
      }
    }
    if (pass == 0) eager = ((out - into - 8) >> 2) as i32;
  }
  store<i32>(into, eager);
  store<i32>(into + 4, ((out - into - 8) >> 2) as i32 - eager);
  return (out - into) as i32;
}

/** Whether this field's values repeat so seldom that remembering them costs more than it saves. */
function isForgetful(node: usize): bool {
  const pause = load<u32>(node + at.NODE_FORGETFUL);
  if (pause != 0) {
    store<u32>(node + at.NODE_FORGETFUL, pause - 1);
    return true;
  }
  const tries = load<u32>(node + at.NODE_TRIES) + 1;
  if (tries < (at.MEMO_TRIAL as u32)) {
    store<u32>(node + at.NODE_TRIES, tries);
    return false;
  }
  if (load<u32>(node + at.NODE_FOUND) * 8 < tries && load<u32>(node + at.NODE_SIGNAL) == 0) store<u32>(node + at.NODE_FORGETFUL, at.MEMO_PAUSE);
  store<u32>(node + at.NODE_TRIES, 0);
  store<u32>(node + at.NODE_FOUND, 0);
  return false;
}

/** What a value's text between `start` and `end` makes true, remembered by its bytes; false when unsure. */
function lookUp(node: usize, start: usize, end: usize, flags: i32, quoted: usize): bool {
  const exists = load<u32>(node + at.NODE_EXISTS) as usize;
  if (exists != 0 && !emit(exists)) return false;
  const matcher = load<u32>(node + at.NODE_MATCHER) as usize;
  const signal = load<u32>(node + at.NODE_SIGNAL) as usize;
  if (matcher == 0 && signal == 0) return true;
  const n = (end - start) as i32;
  if (
    (flags & CODE_POINTS) != 0 ||
    (signal != 0 && n > at.MEMO_MAX_TEXT) ||
    ((flags & NOT_ASCII) != 0 && matcher != 0 && ((load<u32>(matcher + at.MATCHER_FLAGS) & 4) != 0 || hasFoldingLetter(start, end)))
  ) return signal == 0 && leave(node, start - quoted, end + quoted);
  const pieces = load<u32>(node + at.NODE_PIECES) as usize;
  if (pieces != 0 && n >= 48 && findPieces(pieces, start, end) == 0) return true;
  let units: usize = 0;
  if (n > at.MEMO_MAX_TEXT || isForgetful(node)) {
    const length = fold(start, end, (flags & ESCAPED) != 0);
    const written = compute(matcher, control(at.SCRATCH), length, eventUnits, control(at.EVENT_UNITS) + at.EVENT_UNITS_SIZE);
    if (written < 0) return leave(node, start - quoted, end + quoted);
    if (written > 0) {
      units = eventUnits;
      eventUnits += written;
    }
    return units == 0 || emit(units);
  }
  let entry = findEntry(node, start, n);
  if (entry != 0) store<u32>(node + at.NODE_FOUND, load<u32>(node + at.NODE_FOUND) + 1);
  else {
    const length = fold(start, end, (flags & ESCAPED) != 0);
    if (!hasRoom(n)) return false;
    let written = 0;
    if (matcher != 0) written = compute(matcher, control(at.SCRATCH), length, memoUnits, control(at.MEMO_UNITS) + at.MEMO_UNITS_SIZE);
    if (written < 0) {
      if (memoUnits + 1_048_576 > control(at.MEMO_UNITS) + at.MEMO_UNITS_SIZE) memoFull = true;
      return signal == 0 && leave(node, start - quoted, end + quoted);
    }
    entry = addEntry(node, start, n, written);
  }
  if (signal != 0 && n > 0 && unheard == 0) {
    const place = control(at.SIGNALS) + (signal - 1) * 4;
    if (load<u32>(place) != 0) return false;
    store<u32>(place, (entry - control(at.MEMO_ENTRIES)) as u32);
  }
  units = load<u32>(entry + 16) as usize;
  return units == 0 || emit(units);
}

@inline function isHeard(node: usize): bool {
  return unheard == 0 && load<u32>(node + at.NODE_SIGNAL) != 0;
}

function isWord(p: usize, first: u32, second: u32): bool {
  return load<u32>(p) == first && load<u8>(p + 4) == second;
}

/** One value of a field (0: nothing is asked of it); returns where it ends, UNSURE when it is no JSON or must be left. */
function value(p: usize, node: usize): usize {
  const c: u32 = load<u8>(p);
  if (c == 0x22) {
    const end = stringEnd(p + 1);
    if (end == UNSURE) return UNSURE;
    if (node != 0 && !lookUp(node, p + 1, end, stringFlags, 1)) return UNSURE;
    return end + 1;
  }
  if (c == 0x7b) return object(p, node);
  if (c == 0x5b) return array(p, node);
  if (c == 0x74 && load<u32>(p) == 0x65757274) {
    if (node != 0 && (isHeard(node) || !lookUp(node, p, p + 4, 0, 0))) return UNSURE;
    return p + 4;
  }
  if (c == 0x66 && isWord(p, 0x736c6166, 0x65)) {
    if (node != 0 && (isHeard(node) || !lookUp(node, p, p + 5, 0, 0))) return UNSURE;
    return p + 5;
  }
  if (c == 0x6e && load<u32>(p) == 0x6c6c756e) return p + 4;
  return number(p, node);
}

function number(start: usize, node: usize): usize {
  let p = start;
  let c: u32 = load<u8>(p);
  const negative = c == 0x2d;
  if (negative) c = load<u8>(++p);
  const first = p;
  if (c < 48 || c > 57) return UNSURE;
  if (c == 48) c = load<u8>(++p);
  else do c = load<u8>(++p); while (c >= 48 && c <= 57);
  let plain = p - first <= 15 && !(negative && load<u8>(first) == 48);
  if (c == 0x2e) {
    plain = false;
    c = load<u8>(++p);
    if (c < 48 || c > 57) return UNSURE;
    do c = load<u8>(++p); while (c >= 48 && c <= 57);
  }
  if ((c | 32) == 0x65) {
    plain = false;
    c = load<u8>(++p);
    if (c == 0x2b || c == 0x2d) c = load<u8>(++p);
    if (c < 48 || c > 57) return UNSURE;
    do c = load<u8>(++p); while (c >= 48 && c <= 57);
  }
  if (node == 0) return p;
  if (plain) return lookUp(node, start, p, 0, 0) ? p : UNSURE;
  const exists = load<u32>(node + at.NODE_EXISTS) as usize;
  if (exists != 0 && !emit(exists)) return UNSURE;
  if (isHeard(node)) return UNSURE;
  return load<u32>(node + at.NODE_MATCHER) == 0 || leave(node, start, p) ? p : UNSURE;
}

function array(start: usize, node: usize): usize {
  if (++depth > at.MAX_DEPTH) return UNSURE;
  let p = skipSpace(start + 1);
  if (load<u8>(p) == 0x5d) {
    depth--;
    return p + 1;
  }
  const heardBefore = unheard;
  const says = node != 0 && isHeard(node);
  if (says) {
    // Of a list in an object the first says the signal, if it is a text or a number; a list at the top says none.
    const first: u32 = load<u8>(p);
    if (first == 0x5b || first == 0x7b) return UNSURE;
    if ((load<u32>(node + at.NODE_FLAGS) & 4) == 0) unheard++;
  }
  while (true) {
    p = value(p, node);
    if (p == UNSURE) return UNSURE;
    if (says && unheard == heardBefore) unheard++;
    p = skipSpace(p);
    const c: u32 = load<u8>(p);
    if (c == 0x5d) {
      depth--;
      unheard = heardBefore;
      return p + 1;
    }
    if (c != 0x2c) return UNSURE;
    p = skipSpace(p + 1);
  }
}

/** The entry of a key; 0 when nothing is asked under it, -1 when the TypeScript side must say. */
function findKey(node: usize, start: usize, end: usize): usize {
  const table = load<u32>(node + at.NODE_KEYS) as usize;
  if (table == 0) return 0;
  if ((stringFlags & ESCAPED) != 0) return -1;
  const n = (end - start) as i32;
  const hash = hashBytes(start, n);
  const mask = load<u32>(node + at.NODE_KEYS_MASK);
  let slot = hash & mask;
  while (true) {
    const entry = table + (slot as usize) * at.KEY_BYTES;
    const length = load<i32>(entry + at.KEY_LENGTH);
    if (length < 0) break;
    if (length == n && load<u32>(entry + at.KEY_HASH) == hash && equalBytes(load<u32>(entry + at.KEY_TEXT), start, n)) return entry;
    slot = (slot + 1) & mask;
  }
  if ((load<u32>(node + at.NODE_FLAGS) & 2) != 0) {
    for (let p = start; p < end; p++) {
      if (load<u8>(p) == 0x2e) {
        say(at.LEARNED_KEY, start as i32);
        say(at.LEARNED_KEY_LENGTH, n);
        say(at.LEARNED_NODE, load<i32>(node + at.NODE_ID));
        return -1;
      }
    }
  }
  return 0;
}

/** Whether the object of this id had a key of the same hash before; so many keys that the table fills count as well. */
function isRepeated(id: i32, start: usize, end: usize): bool {
  if ((stringFlags & ESCAPED) != 0) return true;
  const hash = hashBytes(start, (end - start) as i32);
  const table = control(at.KEY_STAMPS);
  let slot = (hash ^ ((id as u32) * at.GOLDEN)) & (at.KEY_STAMP_COUNT - 1);
  for (let tries = 0; tries < 64; tries++) {
    const place = table + (slot as usize) * 8;
    const owner = load<i32>(place);
    // Objects of lines before this one are done with theirs.
    if (owner <= objectsBefore) {
      store<i32>(place, id);
      store<u32>(place + 4, hash);
      return false;
    }
    if (owner == id && load<u32>(place + 4) == hash) return true;
    slot = (slot + 1) & (at.KEY_STAMP_COUNT - 1);
  }
  return true;
}

function object(start: usize, node: usize): usize {
  if (node != 0 && everything == 0) {
    if (isHeard(node)) return UNSURE;
    const exists = load<u32>(node + at.NODE_EXISTS) as usize;
    if (exists != 0 && !emit(exists)) return UNSURE;
  }
  if (++depth > at.MAX_DEPTH) return UNSURE;
  const id = ++objects;
  let p = skipSpace(start + 1);
  if (load<u8>(p) == 0x7d) {
    depth--;
    return p + 1;
  }
  while (true) {
    if (load<u8>(p) != 0x22) return UNSURE;
    const end = stringEnd(p + 1);
    if (end == UNSURE) return UNSURE;
    let field: usize = 0;
    if (node != 0) {
      if (everything != 0) {
        if (isRepeated(id, p + 1, end)) return UNSURE;
        field = everything;
      } else {
        const entry = findKey(node, p + 1, end);
        if (entry == -1) return UNSURE;
        if (entry != 0) {
          // A key twice in one object: JSON.parse takes the last.
          if (load<i32>(entry + at.KEY_SEEN) == id) return UNSURE;
          store<i32>(entry + at.KEY_SEEN, id);
          field = load<u32>(entry + at.KEY_NODE);
          if (field != 0 && (load<u32>(field + at.NODE_FLAGS) & 1) != 0) return UNSURE;
        }
      }
    }
    p = skipSpace(end + 1);
    if (load<u8>(p) != 0x3a) return UNSURE;
    p = value(skipSpace(p + 1), field);
    if (p == UNSURE) return UNSURE;
    p = skipSpace(p);
    const c: u32 = load<u8>(p);
    if (c == 0x7d) {
      depth--;
      return p + 1;
    }
    if (c != 0x2c) return UNSURE;
    p = skipSpace(p + 1);
  }
}

function forgetValues(): void {
  memory.fill(control(at.MEMO_SLOTS), 0, at.MEMO_SLOT_COUNT * 2);
  memoCount = 0;
  memoBytes = control(at.MEMO_BYTES);
  memoUnits = control(at.MEMO_UNITS);
  memoFull = false;
  say(at.GENERATION, control(at.GENERATION) as i32 + 1);
  say(at.SAME_SIGNALS, 2);
}

/** Once when the tables stand, and after the stamps of fields, patterns and units were cleared: stamps rise from `first`. */
export function restart(first: i32): void {
  stamp = first;
  objects = first;
  forgetValues();
}

/**
 * Looks for pieces of keywords anywhere in the line, without regard to case or to what is key or value; returns
 * 0 when there is none, -1 when one may hide: letters behind escapes by code point, or letters that fold to ASCII.
 */
export function findKeywords(matcher: usize, start: usize, end: usize): i32 {
  if ((lineFlags & CODE_POINTS) != 0 || ((lineFlags & NOT_ASCII) != 0 && hasFoldingLetter(start, end))) return -1;
  return findPieces(matcher, start, end);
}

/** Whether some piece stands between `start` and `end`, without regard to case: not 0 when one does. */
function findPieces(matcher: usize, start: usize, end: usize): i32 {
  stamp++;
  hits = 0;
  if (load<u32>(matcher + at.MATCHER_NIBBLES) != 0 && findShortPieces(matcher, start, end)) return 1;
  const bits = load<u32>(matcher + at.MATCHER_GRAMS) as usize;
  if (bits == 0) return 0;
  const shift = load<u32>(matcher + at.MATCHER_GRAMS_SHIFT);
  const heads = load<u32>(matcher + at.MATCHER_HEADS) as usize;
  const headShift = load<u32>(matcher + at.MATCHER_HEADS_SHIFT);
  const stride = load<u32>(matcher + at.MATCHER_STRIDE) as usize;
  const last = end - 3;
  for (let p = start; p < last; p += stride) {
    const product = (load<u32>(p) | 0x20202020) * at.GOLDEN;
    const slot = product >> shift;
    if ((load<u8>(bits + ((slot >> 3) as usize)) & (1 << (slot & 7))) != 0) {
      checkFoldedChain(load<u32>(heads + ((product >> headShift) as usize) * 4), p, start, end);
      if (hits != 0) return hits;
    }
  }
  return 0;
}

/**
 * Sixteen places at a time: each piece is in one of eight buckets, and a place is looked at when for some bucket all
 * three bytes from there have a high and a low nibble of some piece in it (Teddy, of Intel's Hyperscan).
 */
function findShortPieces(matcher: usize, start: usize, end: usize): bool {
  const masks = load<u32>(matcher + at.MATCHER_NIBBLES) as usize;
  const heads = load<u32>(matcher + at.MATCHER_NIBBLE_HEADS) as usize;
  const low0 = v128.load(masks);
  const high0 = v128.load(masks + 16);
  const low1 = v128.load(masks + 32);
  const high1 = v128.load(masks + 48);
  const low2 = v128.load(masks + 64);
  const high2 = v128.load(masks + 80);
  const nibble = i8x16.splat(15);
  const fold = i8x16.splat(32);
  const none = i8x16.splat(0);
  for (let p = start; p < end; p += 16) {
    const a = v128.or(v128.load(p), fold);
    const b = v128.or(v128.load(p + 1), fold);
    const c = v128.or(v128.load(p + 2), fold);
    const found = v128.and(
      v128.and(
        v128.and(i8x16.swizzle(low0, v128.and(a, nibble)), i8x16.swizzle(high0, i8x16.shr_u(a, 4))),
        v128.and(i8x16.swizzle(low1, v128.and(b, nibble)), i8x16.swizzle(high1, i8x16.shr_u(b, 4))),
      ),
      v128.and(i8x16.swizzle(low2, v128.and(c, nibble)), i8x16.swizzle(high2, i8x16.shr_u(c, 4))),
    );
    let places = ~i8x16.bitmask(i8x16.eq(found, none)) & 0xffff;
    while (places != 0) {
      const place = p + ctz(places);
      places &= places - 1;
      const gram = (load<u32>(place) | 0x202020) & 0xffffff;
      checkFoldedChain(load<u32>(heads + (((gram * at.GOLDEN) >> 22) as usize) * 4), place, start, end);
      if (hits != 0) return true;
    }
  }
  return false;
}

/** The Kelvin sign and the dotted capital I: the two letters outside ASCII whose lower case has a letter of ASCII. */
function hasFoldingLetter(start: usize, end: usize): bool {
  const kelvin = i8x16.splat(-30);
  const dotted = i8x16.splat(-60);
  for (let p = start; p < end; p += 16) {
    const bytes = v128.load(p);
    let found = i8x16.bitmask(v128.or(i8x16.eq(bytes, kelvin), i8x16.eq(bytes, dotted)));
    while (found != 0) {
      const place = p + ctz(found);
      found &= found - 1;
      const next: u32 = load<u8>(place + 1);
      if (load<u8>(place) == 0xc4 ? next == 0xb0 : next == 0x84 && load<u8>(place + 2) == 0xaa) return place < end;
    }
  }
  return false;
}

function checkFoldedChain(first: usize, p: usize, text: usize, end: usize): void {
  let pattern = first;
  while (pattern != 0) {
    const start = p - load<u32>(pattern + at.PATTERN_OFFSET);
    const length = load<i32>(pattern + at.PATTERN_LENGTH);
    if (start >= text && start + length <= end) {
      const wanted = load<u32>(pattern + at.PATTERN_TEXT) as usize;
      let i = 0;
      while (i < length && (load<u8>(start + i) | 0x20) == (load<u8>(wanted + i) | 0x20)) i++;
      if (i == length) hit(pattern);
    }
    pattern = load<u32>(pattern + at.PATTERN_NEXT);
  }
}

/**
 * Reads the line that begins at `start`; a line feed must stand at or before `limit`, and 32 bytes behind it be
 * readable. Returns 1 when all is told, 0 when the line is left to the TypeScript side, 2 for an
 * empty line, 3 when the stamps ran out and `restart` must come first.
 */
export function scan(start: usize, limit: usize): i32 {
  if (memoFull) forgetValues();
  results = 0;
  pending = 0;
  depth = 0;
  unheard = 0;
  lineFlags = 0;
  eventUnits = control(at.EVENT_UNITS);
  if (stamp > 0x7ff00000 || objects > 0x7ff00000) return 3;
  const signals = control(at.SIGNALS);
  const signalCount = control(at.SIGNAL_COUNT);
  for (let i: usize = 0; i < signalCount; i += 4) v128.store(signals + i * 4, i32x4.splat(0));
  say(at.LEARNED_KEY_LENGTH, 0);
  let p = skipSpace(start);
  if (load<u8>(p) == 0x0a) {
    say(at.END, p as i32);
    return 2;
  }
  if (load<u8>(p) != 0x7b) return 0;
  p = object(p, control(at.ROOT));
  if (p == UNSURE) return 0;
  p = skipSpace(p);
  if (load<u8>(p) != 0x0a || p > limit) return 0;
  // The ids told last stand behind these.
  let differ = control(at.SAME_SIGNALS) == 2 ? i32x4.splat(1) : i32x4.splat(0);
  const before = signals + ((signalCount + 3) & ~3) * 4;
  for (let i: usize = 0; i < signalCount; i += 4) {
    const now = v128.load(signals + i * 4);
    differ = v128.or(differ, v128.xor(now, v128.load(before + i * 4)));
    v128.store(before + i * 4, now);
  }
  say(at.SAME_SIGNALS, v128.any_true(differ) ? 0 : 1);
  say(at.END, p as i32);
  say(at.RESULT_COUNT, results);
  say(at.PENDING_COUNT, pending);
  return 1;
}

/**
 * Shows every scalar of the line that was scanned to the matcher of `*`, whose node is given: what it tells comes
 * behind the results of the scan. Returns 1 when all is told, 0 when the TypeScript side must look.
 */
export function scanEverything(node: usize, start: usize): i32 {
  depth = 0;
  unheard = 0;
  objectsBefore = objects;
  everything = node;
  const end = object(skipSpace(start), node);
  everything = 0;
  say(at.RESULT_COUNT, results);
  say(at.PENDING_COUNT, pending);
  return end == UNSURE ? 0 : 1;
}
