// The sealed block: up to 256 events as columns and one zstd frame of bodies, the unit that searches read.
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { buildColumn, COLUMN_FIELDS, type Column } from './columns.ts';

/** Events in a sealed block; a column names a row's values by one byte, so never above 256. */
export const BLOCK_EVENTS = 256;

/** One event as a segment holds it. */
export interface StoredRow {
  readonly id: string;
  /** ms since the epoch. */
  readonly time: number;
  readonly body: Uint8Array;
}

/** Rows that a search looks at: a sealed block or the open tail of a segment. */
export interface RowSet {
  readonly count: number;
  readonly times: Float64Array;
  readonly ids: readonly string[];
  /** The column, `body` when only bodies know, undefined when no row has the field. */
  column(field: string): Column | 'body' | undefined;
  body(row: number): Uint8Array;
}

interface Header {
  readonly ids: readonly [number, number];
  readonly times: readonly [number, number];
  readonly sizes: readonly [number, number];
  /** [lists offset, lists length, row bytes offset or -1]; null: in the bodies only. */
  readonly fields: Readonly<Record<string, readonly [number, number, number] | null>>;
  /** Column fields that no row has. What stands in neither list was no column when the block was made. */
  readonly absent: readonly string[];
}

/** Encodes rows (with their parsed documents, same order) into the two blobs of a block. */
export function encodeBlock(
  rows: readonly StoredRow[],
  documents: readonly unknown[],
): { columns: Uint8Array; bodies: Uint8Array } {
  const parts: Uint8Array[] = [];
  let size = 0;
  const put = (bytes: Uint8Array): [number, number] => {
    parts.push(bytes);
    size += bytes.length;
    return [size - bytes.length, bytes.length];
  };
  const numbers = (values: readonly number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);
  const fields: Record<string, [number, number, number] | null> = {};
  const absent: string[] = [];
  const header: Header = {
    ids: put(Buffer.from(JSON.stringify(rows.map((row) => row.id)))),
    times: put(numbers(rows.map((row) => row.time))),
    sizes: put(new Uint8Array(Uint32Array.from(rows.map((row) => row.body.length)).buffer)),
    fields,
    absent,
  };
  for (const field of COLUMN_FIELDS) {
    const column = buildColumn(field, documents);
    if (column === undefined) {
      absent.push(field);
      continue;
    }
    if (column === 'body') {
      fields[field] = null;
      continue;
    }
    const [offset, length] = put(Buffer.from(JSON.stringify(column.lists)));
    fields[field] = [offset, length, column.at === undefined ? -1 : put(column.at)[0]];
  }
  const head = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32LE(head.length);
  return {
    columns: Buffer.concat([prefix, head, ...parts]),
    bodies: zstdCompressSync(Buffer.concat(rows.map((row) => row.body))),
  };
}

/** Opens a block; bodies are fetched and decompressed when first asked for. */
export function decodeBlock(columns: Uint8Array, fetchBodies: () => Uint8Array): RowSet {
  const bytes = Buffer.from(columns.buffer, columns.byteOffset, columns.length);
  const headLength = bytes.readUInt32LE(0);
  const header = JSON.parse(bytes.toString('utf8', 4, 4 + headLength)) as Header;
  const base = 4 + headLength;
  const section = ([offset, length]: readonly [number, number]): Buffer =>
    bytes.subarray(base + offset, base + offset + length);
  // A copy, since a Float64Array must begin at a multiple of eight.
  const times = new Float64Array(new Uint8Array(section(header.times)).buffer);
  const count = times.length;
  const decoded = new Map<string, Column>();
  let ids: string[] | undefined;
  let bodies: Uint8Array[] | undefined;
  return {
    count,
    times,
    get ids() {
      ids ??= JSON.parse(section(header.ids).toString('utf8')) as string[];
      return ids;
    },
    column(field) {
      const known = decoded.get(field);
      if (known) return known;
      const place = Object.hasOwn(header.fields, field) ? header.fields[field] : undefined;
      if (place === undefined) return header.absent.includes(field) ? undefined : 'body';
      if (place === null) return 'body';
      const [offset, length, at] = place;
      const column: Column = {
        lists: JSON.parse(section([offset, length]).toString('utf8')) as unknown[][],
        at: at < 0 ? undefined : section([at, count]),
      };
      decoded.set(field, column);
      return column;
    },
    body(row) {
      if (!bodies) {
        const all = zstdDecompressSync(fetchBodies());
        const sizes = new Uint32Array(new Uint8Array(section(header.sizes)).buffer);
        let at = 0;
        bodies = Array.from(sizes, (size) => all.subarray(at, (at += size)));
      }
      return bodies[row] as Uint8Array;
    },
  };
}

/** The open tail of a segment as rows: it has no columns yet. */
export function tailRows(rows: readonly StoredRow[]): RowSet {
  return {
    count: rows.length,
    times: Float64Array.from(rows, (row) => row.time),
    ids: rows.map((row) => row.id),
    column: () => 'body',
    body: (row) => (rows[row] as StoredRow).body,
  };
}
