// The cursor of a search for events: where a page ended, for the same direction.
import { PicketError } from '../core/errors.ts';

/** Where a page ended: the next begins strictly after it. */
export interface CursorPosition {
  readonly sort: 'newest' | 'oldest';
  readonly time: number;
  readonly id: string;
}

export function writeCursor({ sort, time, id }: CursorPosition): string {
  return Buffer.from(JSON.stringify([sort, time, id])).toString('base64url');
}

/** @throws PicketError INDEX_CURSOR_INVALID */
export function readCursor(text: string, sort: string): CursorPosition {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (
      Array.isArray(parsed) &&
      parsed.length === 3 &&
      parsed[0] === sort &&
      Number.isFinite(parsed[1]) &&
      typeof parsed[2] === 'string'
    ) {
      return { sort: parsed[0] as CursorPosition['sort'], time: parsed[1] as number, id: parsed[2] };
    }
  } catch {
    // Falls to the error below: what is wrong with it does not matter to the caller.
  }
  throw new PicketError({
    code: 'INDEX_CURSOR_INVALID',
    message: 'the cursor is not one that this search gave',
  });
}
