// Reads the body of Elasticsearch's bulk API: action lines, each followed by its document (elastic.co: Bulk API).
import { PicketError } from '../../platform/core/errors.ts';
import { parseJson } from '../parse-json.ts';
import { asObject, asText } from '../read-value.ts';

export interface BulkItem {
  readonly action: 'index' | 'create' | 'update' | 'delete';
  readonly index: string | undefined;
  /** The sender's own id of the document. */
  readonly id: string | undefined;
  /** The document line; absent for `delete`. */
  readonly document: Uint8Array | undefined;
}

const ACTIONS = ['index', 'create', 'update', 'delete'] as const;

/**
 * The items in order. Only the frame is read: a broken document is its item's fault alone, while a broken
 * action line makes all that follows meaningless. @throws PicketError BULK_INVALID with the line
 */
export function parseBulk(bytes: Uint8Array, defaultIndex: string | undefined): BulkItem[] {
  const items: BulkItem[] = [];
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    const [action, next] = nextLine(bytes, start);
    start = next;
    line++;
    if (action.length === 0) continue;
    const parsed = parseJson(action, { depth: 8, max_bytes: 65_536 });
    const object = parsed.ok ? asObject(parsed.value) : undefined;
    const name = ACTIONS.find((candidate) => object !== undefined && Object.hasOwn(object, candidate));
    if (!object || !name) {
      throw new PicketError({
        code: 'BULK_INVALID',
        message: `Malformed action/metadata line [${line}]`,
        place: { line },
      });
    }
    const meta = asObject(object[name]);
    let document: Uint8Array | undefined;
    if (name !== 'delete') {
      [document, start] = nextLine(bytes, start);
      line++;
    }
    items.push({
      action: name,
      index: asText(meta?.['_index']) ?? defaultIndex,
      id: asText(meta?.['_id']),
      document,
    });
  }
  return items;
}

/** The line at `start` without its end, and where the next begins. */
function nextLine(bytes: Uint8Array, start: number): [line: Uint8Array, next: number] {
  const newline = bytes.indexOf(0x0a, start);
  const end = newline < 0 ? bytes.length : newline;
  const trimmed = end > start && bytes[end - 1] === 0x0d ? end - 1 : end;
  return [bytes.subarray(start, trimmed), end + 1];
}
