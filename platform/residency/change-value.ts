// What becomes of one value: hashed with a key that never leaves, masked to its shape, or removed.
import { createHmac } from 'node:crypto';
import { canonicalAddress } from '../core/network.ts';
import type { FieldAct } from '../core/residency-ledger.ts';

/** Stands where a shape demands a text and the value was dropped. */
export const REMOVED = '[removed]';

/** Lower case only, since entity values are folded: `hmac-` jurisdiction `-` 32 hex digits. */
const HASHED = /^hmac-[a-z]{2}(?:-[a-z0-9]{2,3})?-[0-9a-f]{32}$/;

/** The separators that a masked value keeps, so that its shape can still be read. */
const SHAPE = /^[xX0*\s\-./:@_\\]*$/;

export interface HashKey {
  /** At least 32 random bytes, one key a jurisdiction (or site); never leaves it. */
  readonly key: Uint8Array;
  readonly jurisdiction: string;
}

/** The first 128 bits of HMAC-SHA-256 over the value as it is compared: addresses in canonical form, else trimmed lower case. */
export function hashValue(value: string, { key, jurisdiction }: HashKey): string {
  if (HASHED.test(value)) return value;
  const compared = canonicalAddress(value) ?? value.trim().toLowerCase();
  const digest = createHmac('sha256', key).update(compared).digest('hex').slice(0, 32);
  return `hmac-${jurisdiction}-${digest}`;
}

export function isHashed(value: unknown): boolean {
  return typeof value === 'string' && HASHED.test(value);
}

/** Letters become x or X, digits 0, the common separators stay, everything else becomes `*`. */
export function maskValue(value: string): string {
  if (SHAPE.test(value) && value.includes('*')) return value;
  const masked = value
    .replace(/\p{Lu}/gu, 'X')
    .replace(/[\p{L}\p{M}]/gu, (letter) => (letter === 'X' ? letter : 'x'))
    .replace(/\p{N}/gu, '0')
    .replace(/[^xX0\s\-./:@_\\]/gu, '*');
  // A value that is its own mask (`xx`, `0`, `--`) would otherwise leave as it is.
  return masked === value ? '*'.repeat(value.length) : masked;
}

export function isMasked(value: unknown): boolean {
  return value === 0 || value === false || (typeof value === 'string' && SHAPE.test(value));
}

/** True for a value that an act leaves behind, which is what a parent may see of the field. */
export function isChanged(act: FieldAct, value: unknown): boolean {
  if (value === null) return true;
  if (act === 'drop') return value === REMOVED;
  return act === 'hash' ? isHashed(value) : isMasked(value);
}
