// The cursor of a record query: where the last page ended, bound to the order it was made for.
import { z } from 'zod';
import { PicketError } from '../core/errors.ts';
import type { RecordQuery } from './record-store.ts';

const PagePosition = z.strictObject({
  /** Sort field and direction. */
  order: z.string(),
  /** Sort value of the last record; null when it had none. */
  value: z.union([z.string(), z.number(), z.null()]),
  id: z.string(),
});
export type PagePosition = z.infer<typeof PagePosition>;

export function orderOf(query: RecordQuery): string {
  return query.sort ? `${query.sort.direction} ${query.sort.field}` : 'id';
}

export function writeCursor(position: PagePosition): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @throws PicketError RECORD_CURSOR_INVALID when it is none, or of another order */
export function readCursor(cursor: string, order: string): PagePosition {
  try {
    const position = PagePosition.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    if (position.order === order) return position;
  } catch (cause) {
    throw new PicketError({ code: 'RECORD_CURSOR_INVALID', message: 'not a cursor of this store', cause });
  }
  throw new PicketError({
    code: 'RECORD_CURSOR_INVALID',
    message: 'the cursor belongs to a query with another order',
  });
}
