// One field's tests of all rules at once: a value gives the units (predicates) that it makes true, remembered under a bound.
import { toNumber } from '../../../platform/core/expression/compile.ts';
import type { Test } from '../../../platform/core/expression/expression.ts';
import { foldCase } from '../../../platform/core/text.ts';
import { GramIndex, type Pattern } from './gram-index.ts';

/** A test that a value's text decides by itself, so that its outcome can be remembered by value. */
export type FastTest =
  | {
      readonly kind: 'string';
      readonly mode: 'equals' | 'startswith' | 'endswith' | 'contains';
      readonly value: string;
    }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'exists' };

/** The fast form of a test, or undefined. */
export function asFastTest(test: Test): FastTest | undefined {
  if (test.kind === 'number' || test.kind === 'exists') return test;
  if (test.kind === 'boolean') return { kind: 'string', mode: 'equals', value: String(test.value) };
  if (test.kind !== 'string' || test.cased === true || test.mode === 'wildcard') return undefined;
  if (test.value === '' && test.mode !== 'equals') return undefined;
  return { kind: 'string', mode: test.mode, value: foldCase(test.value) };
}

/** Values remembered per generation and field; two generations are kept. */
const MEMO_ENTRIES = 4_096;
/** Longer values are looked at anew: remembering them would cost more than it saves. */
const MEMO_TEXT = 1_024;

interface TrieNode {
  readonly next: Map<number, TrieNode>;
  units: number[] | undefined;
}

const NOTHING: readonly number[] = [];

export class FieldMatcher {
  /** Units that any value but null makes true. */
  readonly existsUnits: readonly number[];
  readonly #exact = new Map<string, number[]>();
  readonly #numbers = new Map<number, number[]>();
  readonly #prefixes: TrieNode = { next: new Map(), units: undefined };
  readonly #suffixes: TrieNode = { next: new Map(), units: undefined };
  readonly #grams: GramIndex | undefined;
  readonly #texts: boolean;
  #young = new Map<string, readonly number[]>();
  #old = new Map<string, readonly number[]>();

  constructor(tests: readonly { readonly test: FastTest; readonly unit: number }[]) {
    const exists: number[] = [];
    const contained = new Map<string, number[]>();
    for (const { test, unit } of tests) {
      if (test.kind === 'exists') exists.push(unit);
      else if (test.kind === 'number') append(this.#numbers, test.value, unit);
      else if (test.mode === 'equals') append(this.#exact, test.value, unit);
      else if (test.mode === 'contains') append(contained, test.value, unit);
      else if (test.mode === 'startswith') insert(this.#prefixes, test.value, unit, false);
      else insert(this.#suffixes, test.value, unit, true);
    }
    this.existsUnits = exists;
    const patterns = [...contained].map(([text, units]): Pattern => ({ text, units }));
    this.#grams = patterns.length > 0 ? new GramIndex(patterns) : undefined;
    this.#texts =
      patterns.length + this.#exact.size + this.#prefixes.next.size + this.#suffixes.next.size > 0;
  }

  /** Units (exists left out) that a scalar's text makes true. The result is shared: do not change it. */
  lookup(text: string): readonly number[] {
    if (text.length > MEMO_TEXT) return this.#compute(text);
    const known = this.#young.get(text);
    if (known !== undefined) return known;
    const units = this.#old.get(text) ?? this.#compute(text);
    if (this.#young.size >= MEMO_ENTRIES) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(text, units);
    return units;
  }

  #compute(text: string): readonly number[] {
    const found: number[] = [];
    if (this.#numbers.size > 0) {
      const number = toNumber(text);
      if (number !== undefined) found.push(...(this.#numbers.get(number) ?? NOTHING));
    }
    if (this.#texts) {
      const lower = foldCase(text);
      const exact = this.#exact.get(lower);
      if (exact) found.push(...exact);
      let node: TrieNode | undefined = this.#prefixes;
      for (let at = 0; at < lower.length; at++) {
        node = node.next.get(lower.charCodeAt(at));
        if (!node) break;
        if (node.units) found.push(...node.units);
      }
      node = this.#suffixes;
      for (let at = lower.length - 1; at >= 0; at--) {
        node = node.next.get(lower.charCodeAt(at));
        if (!node) break;
        if (node.units) found.push(...node.units);
      }
      this.#grams?.collect(lower, found);
    }
    if (found.length === 0) return NOTHING;
    return found.length === 1 ? found : [...new Set(found)];
  }
}

function append<K>(map: Map<K, number[]>, key: K, unit: number): void {
  const units = map.get(key);
  if (units) units.push(unit);
  else map.set(key, [unit]);
}

function insert(root: TrieNode, text: string, unit: number, backwards: boolean): void {
  let node = root;
  for (let step = 0; step < text.length; step++) {
    const code = text.charCodeAt(backwards ? text.length - 1 - step : step);
    let next = node.next.get(code);
    if (!next) {
      next = { next: new Map(), units: undefined };
      node.next.set(code, next);
    }
    node = next;
  }
  node.units ??= [];
  node.units.push(unit);
}
