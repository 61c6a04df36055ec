// How a record stands in Elasticsearch: its value as it is, and beside it what is searched and sorted by.
import { createHash } from 'node:crypto';
import type { estypes } from '@elastic/elasticsearch';
import { scalarText } from '../../core/expression/compile.ts';
import { foldCase } from '../../core/text.ts';
import { PLAIN_STEP } from '../check-record.ts';
import type { Collection } from '../record-store.ts';

/** `removed` stands where a record was: the feed of changes tells of it. */
export interface RecordDocument {
  readonly collection: Collection;
  readonly id: string;
  /** ms since the epoch. */
  readonly written: number;
  readonly removed?: true;
  readonly value?: object;
  /** Path → texts in lower case, cut at `LONGEST_TEXT`. */
  readonly folded?: Readonly<Record<string, readonly string[]>>;
  /** Path → one text that sorts as the value does. */
  readonly sorted?: Readonly<Record<string, string>>;
}

/** Texts are compared up to here; what is longer is read from the value. */
export const LONGEST_TEXT = 256;

/** Paths of a record that are searched by, at most; the rest is found by reading. */
const MOST_PATHS = 2_000;
/** Elasticsearch's own bound on `flattened`. */
const DEEPEST = 16;

export function recordMapping(): estypes.MappingTypeMapping {
  return {
    dynamic: false,
    properties: {
      collection: { type: 'keyword' },
      id: { type: 'keyword' },
      written: { type: 'date' },
      removed: { type: 'boolean' },
      value: { type: 'object', enabled: false },
      folded: { type: 'flattened', ignore_above: 4 * LONGEST_TEXT },
      sorted: { type: 'flattened', ignore_above: 4 * LONGEST_TEXT },
    },
  };
}

/** The id of a record's document: readable, or a hash where that would be longer than Elasticsearch takes. */
export function documentId(collection: Collection, id: string): string {
  const readable = `${collection}/${id}`;
  if (Buffer.byteLength(readable) <= 512) return readable;
  return `${collection}/#${createHash('sha256').update(id).digest('base64url')}`;
}

export function recordDocument(options: {
  collection: Collection;
  id: string;
  value: object;
  written: number;
}): RecordDocument {
  const folded: Record<string, string[]> = {};
  const sorted: Record<string, string> = {};
  let paths = 0;
  const visit = (node: unknown, path: string, depth: number, alone: boolean): void => {
    if (node === null || node === undefined || depth > DEEPEST || paths > MOST_PATHS) return;
    if (Array.isArray(node)) {
      for (const child of node) visit(child, path, depth, false);
    } else if (typeof node === 'object') {
      for (const [key, child] of Object.entries(node)) {
        // Other names are not asked for by path; a dotted one reads as a path, but none that is sorted by.
        if (!key.split('.').every((step) => PLAIN_STEP.test(step))) continue;
        visit(child, path === '' ? key : `${path}.${key}`, depth + 1, alone && !key.includes('.'));
      }
    } else {
      const text = scalarText(node) ?? '';
      const texts = folded[path] ?? [];
      if (texts.length === 0) paths++;
      folded[path] = [...texts, foldCase(text).slice(0, LONGEST_TEXT)];
      if (alone) sorted[path] = sortText(node as string | number | boolean);
    }
  };
  visit(options.value, '', 0, true);
  return { ...options, folded, sorted };
}

/** Numbers before texts, each in its order: numbers as their bits (IEEE 754), turned so that they sort as text. */
export function sortText(value: string | number | boolean): string {
  if (typeof value === 'string') return `s${value.slice(0, LONGEST_TEXT)}`;
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(Number(value) + 0);
  // Positive: the sign bit set. Negative: all turned, since a greater magnitude is less.
  const turned =
    (bits[0] as number) < 0x80
      ? bits.map((byte, at) => (at === 0 ? byte | 0x80 : byte))
      : bits.map((byte) => byte ^ 0xff);
  return `n${Buffer.from(turned).toString('hex')}`;
}
