// Turns dotted keys (`{"host.name": "a"}`) into the nested form that every reader of events expects.
import type { JsonObject } from '../../../platform/core/event.ts';

/** Levels that dotted keys may make, so that `a.a.a.…` cannot nest deeper than JSON itself may. */
const MAX_DEPTH = 16;

/**
 * A copy with dotted keys expanded and merged with nested objects. Where a text and an object meet at one
 * path, the plain key stays and the other is kept under its dotted name, so that nothing is lost.
 * A key with empty parts (`a..b`) or too many is left as it is.
 */
export function expandDottedKeys(document: JsonObject): JsonObject {
  const expanded: JsonObject = {};
  // Plain keys first: a dotted one that meets them keeps its own name, a plain one could not.
  const entries = Object.entries(document);
  const ordered = [
    ...entries.filter(([key]) => !key.includes('.')),
    ...entries.filter(([key]) => key.includes('.')),
  ];
  for (const [key, value] of ordered) {
    const inner = expandValue(value);
    const parts = key.split('.');
    if (parts.length > MAX_DEPTH || parts.some((part) => part === '' || part === '__proto__')) {
      define(expanded, key, inner);
    } else if (!place({ target: expanded, parts, value: inner })) define(expanded, key, inner);
  }
  return expanded;
}

function expandValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expandValue);
  if (value === null || typeof value !== 'object') return value;
  return expandDottedKeys(value as JsonObject);
}

/** False when the path is taken by something that cannot be merged. */
function place(options: { target: JsonObject; parts: readonly string[]; value: unknown }): boolean {
  const { target, parts, value } = options;
  let node = target;
  for (const part of parts.slice(0, -1)) {
    const next = Object.hasOwn(node, part) ? node[part] : undefined;
    if (next === undefined) {
      const made: JsonObject = {};
      define(node, part, made);
      node = made;
    } else if (isObject(next)) node = next;
    else return false;
  }
  const last = parts.at(-1) as string;
  const held = Object.hasOwn(node, last) ? node[last] : undefined;
  if (held === undefined) {
    define(node, last, value);
    return true;
  }
  if (!isObject(held) || !isObject(value)) return false;
  for (const [key, child] of Object.entries(value)) {
    if (!place({ target: held, parts: [key], value: child })) return false;
  }
  return true;
}

function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function define(node: JsonObject, key: string, value: unknown): void {
  if (key !== '__proto__') node[key] = value;
  else Object.defineProperty(node, key, { value, enumerable: true, writable: true, configurable: true });
}
