// Reads and writes fields of nested documents by dotted path, with one meaning for arrays everywhere.
import type { JsonObject } from './event.ts';

/** A path split once, so that the hot path never splits. */
export type FieldPath = readonly string[];

export function splitField(field: string): FieldPath {
  return field.split('.');
}

/**
 * All values at a path. Arrays of objects are flattened per path (SEMANTICS, Expression): `a.b` on
 * `{a:[{b:1},{b:[2,3]}]}` gives `[1,2,3]`. A key that itself holds dots (`{"a.b":1}`) is found too.
 * Missing gives `[]`; an explicit null gives `[null]`. Objects at the end of the path are returned as they are.
 */
export function readField(document: unknown, path: FieldPath): unknown[] {
  const found: unknown[] = [];
  collect(document, path, 0, found);
  return found;
}

/** Lists inside lists are looked into this deep: what lies deeper was sent to exhaust the stack. */
const MAX_LIST_DEPTH = 64;

function collect(node: unknown, path: FieldPath, depth: number, found: unknown[], lists = 0): void {
  if (Array.isArray(node)) {
    if (lists >= MAX_LIST_DEPTH) return;
    for (const element of node) collect(element, path, depth, found, lists + 1);
    return;
  }
  if (depth === path.length) {
    if (node !== undefined) found.push(node);
    return;
  }
  if (node === null || typeof node !== 'object') return;
  const object = node as JsonObject;
  const key = path[depth] as string;
  if (Object.hasOwn(object, key)) collect(object[key], path, depth + 1, found);
  // Dotted keys, as in `{"a.b": 1}`: rare in ours, common in what others send.
  if (depth < path.length - 1) {
    let joined = key;
    for (let end = depth + 1; end < path.length; end++) {
      joined += `.${path[end]}`;
      if (Object.hasOwn(object, joined)) collect(object[joined], path, end + 1, found);
    }
  }
}

/** First value at a path, or undefined. */
export function readFirst(document: unknown, path: FieldPath): unknown {
  return readField(document, path)[0];
}

/** First string at a dotted field, or undefined when it is absent or not a string. */
export function readText(document: unknown, field: string): string | undefined {
  const value = readFirst(document, splitField(field));
  return typeof value === 'string' ? value : undefined;
}

/**
 * Sets a value at a dotted path, making objects on the way; undefined is not written. Keys that would
 * reach the prototype (`__proto__`, `constructor`, `prototype`) are set as own plain properties.
 */
export function writeField(document: JsonObject, field: string, value: unknown): void {
  if (value === undefined) return;
  const path = field.split('.');
  let node = document;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(node, key) ? node[key] : undefined;
    if (next !== null && typeof next === 'object' && !Array.isArray(next)) {
      node = next as JsonObject;
    } else {
      const made: JsonObject = {};
      defineOwn(node, key, made);
      node = made;
    }
  }
  defineOwn(node, path.at(-1) as string, value);
}

function defineOwn(node: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(node, key, { value, enumerable: true, writable: true, configurable: true });
  } else {
    node[key] = value;
  }
}

/**
 * Removes a field everywhere the path leads (through arrays too); empty objects left behind are removed.
 * Returns how many values went.
 */
export function removeField(document: unknown, path: FieldPath): number {
  return mapField(document, path, () => undefined);
}

/**
 * Replaces each leaf value at a path by `replace(value)`; undefined removes it. Returns how many leaves
 * were touched. The document is changed in place.
 */
export function mapField(document: unknown, path: FieldPath, replace: (value: unknown) => unknown): number {
  return mapAt(document, path, 0, replace);
}

function mapAt(node: unknown, path: FieldPath, depth: number, replace: (value: unknown) => unknown): number {
  if (Array.isArray(node)) {
    return node.reduce<number>((sum, element) => sum + mapAt(element, path, depth, replace), 0);
  }
  if (node === null || typeof node !== 'object') return 0;
  const object = node as JsonObject;
  let touched = 0;
  let key = '';
  for (let end = depth; end < path.length; end++) {
    key = end === depth ? (path[end] as string) : `${key}.${path[end]}`;
    if (!Object.hasOwn(object, key)) continue;
    touched +=
      end === path.length - 1
        ? replaceLeaf(object, key, replace)
        : mapAt(object[key], path, end + 1, replace);
    const left = object[key];
    if (
      left !== null &&
      typeof left === 'object' &&
      !Array.isArray(left) &&
      touched > 0 &&
      Object.keys(left).length === 0
    ) {
      delete object[key];
    }
  }
  return touched;
}

function replaceLeaf(object: JsonObject, key: string, replace: (value: unknown) => unknown): number {
  const value = object[key];
  if (Array.isArray(value)) {
    const kept = value.map(replace).filter((element) => element !== undefined);
    if (kept.length === 0) delete object[key];
    else object[key] = kept;
    return value.length;
  }
  const replaced = replace(value);
  if (replaced === undefined) delete object[key];
  else defineOwn(object, key, replaced);
  return 1;
}
