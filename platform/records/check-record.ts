// What every engine refuses of records and queries, and how a record's sort value is read.
import { PicketError } from '../core/errors.ts';
import type { JsonObject } from '../core/event.ts';
import { splitField } from '../core/fields.ts';
import type { RecordQuery } from './record-store.ts';

/** Longest id in bytes, as Elasticsearch has it. */
const MAX_ID_BYTES = 512;
/** Deepest nesting of a record; SQLite's JSON ends at 1,000. */
const MAX_DEPTH = 256;
export const MAX_PAGE = 10_000;

/** Names that need no escaping inside a quoted step of a JSON path. */
export const PLAIN_STEP = /^[A-Za-z0-9_@-]+$/;

/** Only fields whose names need no escaping can be sorted by. */
function isPlainField(field: string): boolean {
  return splitField(field).every((step) => PLAIN_STEP.test(step));
}

/** What a record is sorted by: the scalar that a path leads to through objects alone; null when there is none. */
export function sortValue(document: unknown, field: string): string | number | null {
  let node = document;
  for (const step of splitField(field)) {
    if (node === null || typeof node !== 'object' || Array.isArray(node) || !Object.hasOwn(node, step))
      return null;
    node = (node as JsonObject)[step];
  }
  if (typeof node === 'boolean') return node ? 1 : 0;
  return typeof node === 'string' || typeof node === 'number' ? node : null;
}
/** @throws PicketError RECORD_LIMIT, RECORD_SORT */
export function checkQuery(query: RecordQuery): void {
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > MAX_PAGE) {
    throw new PicketError({
      code: 'RECORD_LIMIT',
      message: `limit must be 1 to ${MAX_PAGE}, not ${query.limit}`,
    });
  }
  if (query.sort && !isPlainField(query.sort.field)) {
    throw new PicketError({ code: 'RECORD_SORT', message: `cannot sort by ${query.sort.field}` });
  }
}

/** @throws PicketError RECORD_INVALID */
export function checkId(id: string): void {
  const bytes = Buffer.byteLength(id);
  if (bytes > 0 && bytes <= MAX_ID_BYTES && !id.includes('\u0000') && id.isWellFormed()) return;
  throw new PicketError({
    code: 'RECORD_INVALID',
    message: `a record id is 1 to ${MAX_ID_BYTES} bytes of Unicode text without NUL`,
  });
}

/** JSON of a record. @throws PicketError RECORD_INVALID */
export function writeJson(value: object): string {
  checkDepth(value, 0);
  const json = JSON.stringify(value);
  if (json?.startsWith('{')) return json;
  throw new PicketError({ code: 'RECORD_INVALID', message: 'a record must be a JSON object' });
}

function checkDepth(value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) {
    throw new PicketError({ code: 'RECORD_INVALID', message: `nested deeper than ${MAX_DEPTH}` });
  }
  if (value === null || typeof value !== 'object') return;
  for (const child of Array.isArray(value) ? value : Object.values(value)) checkDepth(child, depth + 1);
}
