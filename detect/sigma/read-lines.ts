// Cuts a stream of bytes into lines without decoding them twice: NDJSON as it comes from stdin or a file.

/** The longest line taken; longer ones come as undefined with what was read of them dropped. */
export const MAX_LINE_BYTES = 32 * 1024 * 1024;

const NEWLINE = 0x0a;

/**
 * Blocks of whole lines, line feeds between them and none at the end, so that a consumer awaits once a block and not
 * once a line. `undefined` stands for one line over the limit.
 */
export async function* readBlocks(
  source: AsyncIterable<Uint8Array | string>,
  limit_bytes: number = MAX_LINE_BYTES,
): AsyncGenerator<Buffer | undefined> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let overlong = false;
  for await (const part of source) {
    let chunk =
      typeof part === 'string'
        ? Buffer.from(part)
        : Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    if (overlong) {
      const end = chunk.indexOf(NEWLINE);
      if (end < 0) continue;
      yield undefined;
      overlong = false;
      chunk = chunk.subarray(end + 1);
    }
    const last = chunk.lastIndexOf(NEWLINE);
    if (last >= 0) {
      const block = chunk.subarray(0, last);
      yield* withinLimit(heldBytes > 0 ? Buffer.concat([...held, block]) : block, limit_bytes);
      held = [];
      heldBytes = 0;
      chunk = chunk.subarray(last + 1);
    }
    if (chunk.length === 0) continue;
    heldBytes += chunk.length;
    if (heldBytes > limit_bytes) {
      overlong = true;
      held = [];
      heldBytes = 0;
    } else held.push(Buffer.from(chunk));
  }
  if (overlong) yield undefined;
  else if (heldBytes > 0) yield* withinLimit(Buffer.concat(held), limit_bytes);
}

/** The block as it is, or cut around its lines over the limit. */
function* withinLimit(block: Buffer, limit_bytes: number): Generator<Buffer | undefined> {
  if (block.length <= limit_bytes) {
    yield block;
    return;
  }
  for (const line of linesOf(block)) yield line.length > limit_bytes ? undefined : line;
}

/** The lines of a block; an empty block is one empty line. */
export function* linesOf(block: Buffer): Generator<Buffer> {
  let start = 0;
  for (let end = block.indexOf(NEWLINE); end >= 0; end = block.indexOf(NEWLINE, start)) {
    yield block.subarray(start, end);
    start = end + 1;
  }
  yield block.subarray(start);
}
