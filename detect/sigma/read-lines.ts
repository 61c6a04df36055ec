// Cuts a stream of bytes into lines without decoding them twice: NDJSON as it comes from stdin or a file.

/** The longest line taken; longer ones come as `too_long` with what was read of them dropped. */
export const MAX_LINE_BYTES = 32 * 1024 * 1024;

const NEWLINE = 0x0a;

/** Batches of lines (without their end), so that a consumer awaits once a chunk and not once a line. A line over the limit is `undefined`. */
export async function* readLines(
  source: AsyncIterable<Uint8Array | string>,
  limit_bytes: number = MAX_LINE_BYTES,
): AsyncGenerator<(Buffer | undefined)[]> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let overlong = false;
  for await (const part of source) {
    const chunk =
      typeof part === 'string'
        ? Buffer.from(part)
        : Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    const lines: (Buffer | undefined)[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, end);
      if (overlong || heldBytes + piece.length > limit_bytes) lines.push(undefined);
      else if (heldBytes > 0) lines.push(Buffer.concat([...held, piece]));
      else lines.push(piece);
      held = [];
      heldBytes = 0;
      overlong = false;
      start = end + 1;
    }
    if (start < chunk.length) {
      heldBytes += chunk.length - start;
      if (heldBytes > limit_bytes) {
        overlong = true;
        held = [];
      } else held.push(Buffer.from(chunk.subarray(start)));
    }
    if (lines.length > 0) yield lines;
  }
  if (heldBytes > 0) yield [overlong ? undefined : Buffer.concat(held)];
}
