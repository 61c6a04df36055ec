// Finds which of many substrings occur in a text, in one pass: each pattern is filed under its rarest four characters.
import { COMMON_PENALTY, listCommonGrams } from './ordinary-values.ts';

export interface Pattern {
  /** In lower case, at least one character. */
  readonly text: string;
  readonly units: readonly number[];
}

/** Seven bits a character: exact for ASCII; other characters share, which the comparison after it settles. */
function push(key: number, code: number): number {
  return ((key << 7) ^ (code & 0x7f)) & 0xfffffff;
}

function keyAt(text: string, at: number): number {
  let key = 0;
  for (let end = at + 4; at < end; at++) key = push(key, text.charCodeAt(at));
  return key;
}

export class GramIndex {
  readonly #short: readonly Pattern[];
  readonly #heads: Int32Array;
  readonly #shift: number;
  readonly #next: Int32Array;
  readonly #offsets: Int32Array;
  readonly #patterns: readonly Pattern[];

  constructor(patterns: readonly Pattern[]) {
    this.#short = patterns.filter(({ text }) => text.length < 4);
    const long = patterns.filter(({ text }) => text.length >= 4);
    let bits = 8;
    while (1 << bits < long.length * 8 && bits < 18) bits++;
    this.#shift = 32 - bits;
    this.#heads = new Int32Array(long.length === 0 ? 0 : 1 << bits).fill(-1);
    this.#next = new Int32Array(long.length).fill(-1);
    this.#offsets = new Int32Array(long.length);
    this.#patterns = long;
    const counts = new Map<number, number>();
    for (const gram of listCommonGrams(4)) counts.set(keyAt(gram, 0), COMMON_PENALTY);
    for (const { text } of long) {
      for (let at = 0; at + 4 <= text.length; at++) {
        const key = keyAt(text, at);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    long.forEach(({ text }, id) => {
      let best = 0;
      let least = Number.POSITIVE_INFINITY;
      for (let at = 0; at + 4 <= text.length; at++) {
        const count = counts.get(keyAt(text, at)) ?? 0;
        if (count < least) {
          least = count;
          best = at;
        }
      }
      const slot = Math.imul(keyAt(text, best), 0x9e3779b1) >>> this.#shift;
      this.#offsets[id] = best;
      this.#next[id] = this.#heads[slot] as number;
      this.#heads[slot] = id;
    });
  }

  /** Appends the units of every pattern that occurs in `text` (already in lower case); may repeat a unit. */
  collect(text: string, found: number[]): void {
    for (const { text: pattern, units } of this.#short) {
      if (text.includes(pattern)) for (const unit of units) found.push(unit);
    }
    const heads = this.#heads;
    const { length } = text;
    if (heads.length === 0 || length < 4) return;
    const shift = this.#shift;
    let key = push(push(push(0, text.charCodeAt(0)), text.charCodeAt(1)), text.charCodeAt(2));
    for (let at = 3; at < length; at++) {
      key = ((key << 7) ^ (text.charCodeAt(at) & 0x7f)) & 0xfffffff;
      const head = heads[Math.imul(key, 0x9e3779b1) >>> shift] as number;
      if (head >= 0) this.#verify(text, at - 3, head, found);
    }
  }

  #verify(text: string, at: number, head: number, found: number[]): void {
    for (let id = head; id >= 0; id = this.#next[id] as number) {
      const { text: pattern, units } = this.#patterns[id] as Pattern;
      const start = at - (this.#offsets[id] as number);
      if (start >= 0 && text.startsWith(pattern, start)) for (const unit of units) found.push(unit);
    }
  }
}
