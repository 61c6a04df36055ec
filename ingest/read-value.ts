// Reads values of a vendor's payload loosely: what has the wrong type is left out, never an error.
import type { JsonObject } from '../platform/core/event.ts';
import { canonicalAddress } from '../platform/core/network.ts';

/** A text that is not empty; numbers and booleans as their text. */
export function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return undefined;
}

/** A safe integer, also from decimal or `0x` text. */
export function asInteger(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value !== 'string' || !/^(?:-?\d{1,16}|0x[0-9a-f]{1,14})$/i.test(value)) return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** A TCP or UDP port. */
export function asPort(value: unknown): number | undefined {
  const port = asInteger(value);
  return port !== undefined && port >= 0 && port <= 65_535 ? port : undefined;
}

/** A plain object. */
export function asObject(value: unknown): JsonObject | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

/** The elements of an array; nothing for anything else. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The texts in an array. */
export function asTexts(value: unknown): string[] {
  return asList(value).filter((element): element is string => typeof element === 'string' && element !== '');
}

/** An IP address in canonical form. */
export function asAddress(value: unknown): string | undefined {
  return typeof value === 'string' ? canonicalAddress(value.trim()) : undefined;
}

/** The last part of a Windows or POSIX path. */
export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('\\'), path.lastIndexOf('/')) + 1);
}
