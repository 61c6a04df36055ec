// Cuts the bytes of a followed file into lines with their offsets; an over-long line comes once, cut.

export interface Line {
  readonly bytes: Buffer;
  /** Byte offset of its start in the file. */
  readonly offset: number;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/**
 * The whole lines in `bytes`, which begin at `offset`. `consumed` is how far the caller may go on from: an
 * unfinished last line is left, unless it is longer than `max_bytes`: then its first `max_bytes` + 1 bytes
 * come as a line and `skipping` says that what follows belongs to it. Empty lines are none.
 */
export function splitLines(options: {
  bytes: Buffer;
  offset: number;
  skipping: boolean;
  max_bytes: number;
}): { lines: Line[]; consumed: number; skipping: boolean } {
  const { bytes, offset, max_bytes } = options;
  const lines: Line[] = [];
  let at = 0;
  if (options.skipping) {
    const end = bytes.indexOf(LINE_FEED);
    if (end < 0) return { lines, consumed: bytes.length, skipping: true };
    at = end + 1;
  }
  for (;;) {
    const end = bytes.indexOf(LINE_FEED, at);
    if (end < 0) break;
    const last = end > at && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    if (last > at) {
      const line = bytes.subarray(at, Math.min(last, at + max_bytes + 1));
      lines.push({ bytes: Buffer.from(line), offset: offset + at });
    }
    at = end + 1;
  }
  if (bytes.length - at > max_bytes) {
    lines.push({ bytes: Buffer.from(bytes.subarray(at, at + max_bytes + 1)), offset: offset + at });
    return { lines, consumed: bytes.length, skipping: true };
  }
  return { lines, consumed: at, skipping: false };
}
