// Terms by which a block can be ruled out: the words of every value in it, and a hash of each whole value.
import { scalarText, toNumber } from '../../core/expression/compile.ts';
import { foldCase, tokenise } from '../../core/text.ts';

/** Whole values longer than this have no term of their own; their words do. */
export const MAX_VALUE_TERM = 128;

const SIMPLE = /^[a-z0-9_]{1,64}$/;

/** The term of a whole value: itself when it is one plain word (then its word term is the same), else a hash. */
export function valueTerm(text: string): string {
  const folded = foldCase(text);
  if (SIMPLE.test(folded)) return folded;
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let at = 0; at < folded.length; at++) {
    const unit = folded.charCodeAt(at);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b) ^ (b >>> 13);
  }
  return `_v${(a >>> 0).toString(36)}${(b >>> 0).toString(36)}`;
}

/** Collects the terms of documents, each distinct value worked once. */
export class TermCollector {
  readonly #seen = new Set<string>();
  readonly #terms = new Set<string>();

  /** Walks every scalar at any depth, without recursion: a hostile document cannot exhaust the stack. */
  addDocument(document: unknown): void {
    const open: unknown[] = [document];
    while (open.length > 0) {
      const node = open.pop();
      if (node !== null && typeof node === 'object') {
        for (const child of Array.isArray(node) ? node : Object.values(node)) open.push(child);
        continue;
      }
      const text = scalarText(node);
      if (text === undefined || text === '' || this.#seen.has(text)) continue;
      this.#seen.add(text);
      for (const token of tokenise(text)) this.#terms.add(token);
      if (text.length > MAX_VALUE_TERM) continue;
      this.#terms.add(valueTerm(text));
      const number = toNumber(text);
      if (number !== undefined) this.#terms.add(valueTerm(String(number)));
    }
  }

  /** All terms, separated by spaces: what FTS5's `ascii` tokeniser (with `_`) takes apart again unchanged. */
  text(): string {
    return [...this.#terms].join(' ');
  }
}
