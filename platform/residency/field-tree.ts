// Changes fields of a record while it is copied: what no rule touches is shared, never copied.
import type { JsonObject } from '../core/event.ts';
import { isPublicAddress, parseAddress } from '../core/network.ts';
import type { FieldAct } from '../core/residency-ledger.ts';
import { type HashKey, hashValue, isChanged, maskValue } from './change-value.ts';
import type { FieldRule } from './policy.ts';

/** What is done at one field. */
export interface CompiledAct {
  readonly field: string;
  readonly act: FieldAct;
  /** True for values that the act is for. */
  readonly covers: (text: string) => boolean;
  /** True for values that are hidden wherever else they stand in the record. */
  readonly hides: (text: string) => boolean;
}

interface FieldNode {
  act: CompiledAct | undefined;
  readonly children: Map<string, FieldNode>;
}

/** The fields of one rule as a tree of path segments. */
export type FieldTree = FieldNode;

/** What one record's change did: values by field, and the texts that must not stand anywhere else in it. */
export interface Change {
  readonly touched: Map<string, { field: string; act: FieldAct; values: number }>;
  /** Text as it was, with what replaces it (undefined: removed). */
  readonly secrets: Map<string, string | undefined>;
}

const STRICTNESS: Readonly<Record<FieldAct, number>> = { hash: 1, mask: 2, drop: 3 };

export function compileAct(rule: FieldRule): CompiledAct {
  const except = rule.except.map(
    (pattern) =>
      new RegExp(`^${pattern.replace(/[\\^$.+?()[\]{}|/]/g, '\\$&').replace(/\*/g, '[^]*')}$`, 'iu'),
  );
  const { values } = rule;
  return {
    field: rule.field,
    act: rule.act,
    hides: () => rule.copies === 'hide',
    covers: (text) => {
      if (except.some((pattern) => pattern.test(text))) return false;
      if (values === 'all') return true;
      if (parseAddress(text) === undefined) return values === 'internal-addresses';
      return isPublicAddress(text) === (values === 'public-addresses');
    },
  };
}

/** Two acts for one field: the stricter one stands, and for whatever either covers. */
function stricter(first: CompiledAct, second: CompiledAct): CompiledAct {
  const [strict, other] = STRICTNESS[first.act] >= STRICTNESS[second.act] ? [first, second] : [second, first];
  return {
    ...strict,
    covers: (text) => strict.covers(text) || other.covers(text),
    hides: (text) => strict.hides(text) || other.hides(text),
  };
}

/** Builds the tree; of two acts for one field the stricter stands (drop over mask over hash). */
export function buildFieldTree(acts: readonly CompiledAct[]): FieldTree {
  const root: FieldNode = { act: undefined, children: new Map() };
  for (const act of acts) {
    let node = root;
    for (const segment of act.field.split('.')) {
      let child = node.children.get(segment);
      if (!child) {
        child = { act: undefined, children: new Map() };
        node.children.set(segment, child);
      }
      node = child;
    }
    node.act = node.act ? stricter(node.act, act) : act;
  }
  return root;
}

export function newChange(): Change {
  return { touched: new Map(), secrets: new Map() };
}

/** Drops a field of free text. A whole sentence is hidden elsewhere too; a single word is also some field's own value. */
export function dropFreeText(field: string): CompiledAct {
  return { field, act: 'drop', covers: () => true, hides: (text) => /\s/.test(text.trim()) };
}

/** Drops a field that is copied from others, which have rules of their own. */
export function dropWhole(field: string): CompiledAct {
  return { field, act: 'drop', covers: () => true, hides: () => false };
}

/** A copy of the record with the tree's acts done; the record itself is not changed. */
export function changeFields(options: {
  record: JsonObject;
  tree: FieldTree;
  hashKey: HashKey;
  change: Change;
}): JsonObject {
  return (copy(options.record, options.tree, options) ?? {}) as JsonObject;
}

type Work = { readonly hashKey: HashKey; readonly change: Change };

function copy(value: unknown, node: FieldNode, work: Work): unknown {
  if (Array.isArray(value)) {
    return value
      .map((element: unknown) => copy(element, node, work))
      .filter((element) => element !== undefined);
  }
  if (value === null || typeof value !== 'object') return value;
  const copied: JsonObject = {};
  for (const [key, member] of Object.entries(value)) {
    const kept = copyMember(key, member, node, work);
    if (kept === undefined) continue;
    if (key === '__proto__') Object.defineProperty(copied, key, { value: kept, enumerable: true });
    else copied[key] = kept;
  }
  return copied;
}

/** A key may hold several segments (`{"user.name": 1}`); an act met on the way speaks of all below it. */
function copyMember(key: string, member: unknown, from: FieldNode, work: Work): unknown {
  let node: FieldNode | undefined = from;
  if (node.children.size === 0) return member;
  for (const segment of key.includes('.') ? key.split('.') : [key]) {
    node = node.children.get(segment);
    if (!node) return member;
    if (node.act) return applyAct(member, node.act, work);
  }
  return copy(member, node, work);
}

/** Does one act to a value and everything inside it; undefined when nothing is left. */
function applyAct(value: unknown, act: CompiledAct, work: Work): unknown {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) {
    const kept = value
      .map((element: unknown) => applyAct(element, act, work))
      .filter((element) => element !== undefined);
    return kept.length === 0 ? undefined : kept;
  }
  if (typeof value === 'object') {
    const entries = Object.entries(value)
      .map(([key, member]) => [key, applyAct(member, act, work)] as const)
      .filter(([, member]) => member !== undefined);
    if (entries.length === 0) return undefined;
    return Object.fromEntries(entries);
  }
  const text = String(value as string | number | boolean);
  if (!act.covers(text) || (act.act !== 'drop' && text === '')) return value;
  return changeScalar({ value, text, act, work });
}

function changeScalar(options: { value: unknown; text: string; act: CompiledAct; work: Work }): unknown {
  const { value, text, act, work } = options;
  const { change, hashKey } = work;
  // What a child already changed stays as it is, and is no secret.
  if (act.act !== 'drop' && isChanged(act.act, value)) return value;
  count(change, act);
  const replaced =
    act.act === 'drop' ? undefined : act.act === 'hash' ? hashValue(text, hashKey) : maskScalar(value);
  if (typeof value === 'string' && act.hides(text)) {
    keepSecret(change, value, typeof replaced === 'string' ? replaced : undefined);
  }
  return replaced;
}

/** Remembers a text that must not stand anywhere else in the record. */
export function keepSecret(change: Change, text: string, replacement: string | undefined): void {
  const folded = text.trim();
  if (folded !== '') change.secrets.set(folded, replacement);
}

export function count(change: Change, act: { field: string; act: FieldAct }): void {
  const key = `${act.field}\u0000${act.act}`;
  const touched = change.touched.get(key);
  if (touched) touched.values++;
  else change.touched.set(key, { field: act.field, act: act.act, values: 1 });
}

function maskScalar(value: unknown): unknown {
  if (typeof value === 'string') return maskValue(value);
  return typeof value === 'number' ? 0 : false;
}

/** Every scalar that an act of the tree covers and that is not yet changed, by field: what a parent refuses to see. */
export function findUnchanged(record: JsonObject, tree: FieldTree): string[] {
  const found = new Set<string>();
  visit(record, tree, found);
  return [...found];
}

function visit(value: unknown, node: FieldNode, found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const element of value) visit(element, node, found);
    return;
  }
  if (value === null || typeof value !== 'object' || node.children.size === 0) return;
  for (const [key, member] of Object.entries(value)) {
    let next: FieldNode | undefined = node;
    for (const segment of key.split('.')) {
      next = next?.children.get(segment);
      if (!next || next.act) break;
    }
    if (next?.act) findCovered(member, next.act, found);
    else if (next) visit(member, next, found);
  }
}

function findCovered(value: unknown, act: CompiledAct, found: Set<string>): void {
  if (value === null || value === undefined) return;
  if (typeof value === 'object') {
    for (const member of Object.values(value)) findCovered(member, act, found);
    return;
  }
  const text = String(value as string | number | boolean);
  if (text !== '' && act.covers(text) && !isChanged(act.act, value)) found.add(act.field);
}
