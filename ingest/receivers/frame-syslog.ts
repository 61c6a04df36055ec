// Cuts a syslog byte stream into messages: octet-counted or ended by a line feed, told apart frame by frame (RFC 6587, RFC 5425).

export interface SyslogFramer {
  /** The messages that `chunk` completes. One that is longer than the bound comes cut, one byte above it. */
  push(chunk: Buffer): Buffer[];
  /** What is left when the stream ends: an unfinished message, or nothing. */
  end(): Buffer[];
}

const LINE_FEED = 10;
const NUL = 0;
/** Digits of MSG-LEN that are waited for. */
const LENGTH_DIGITS = 10;

/** `max_bytes` bounds both a message and what is held of it. */
export function createSyslogFramer(max_bytes: number): SyslogFramer {
  let held: Buffer = Buffer.alloc(0);
  /** Bytes of a counted message, or `line`: the rest of an over-long one, passed over. */
  let skipping: number | 'line' | undefined;
  /** Where the search for a line feed goes on, so that a long line is not searched again with each chunk. */
  let searched = 0;

  function next(): Buffer | undefined {
    while (held.length > 0 && (held[0] === LINE_FEED || held[0] === NUL || held[0] === 13)) drop(1);
    if (held.length === 0) return undefined;
    const counted = readLength(held);
    if (counted === 'wait') return undefined;
    if (counted) {
      const { start, length } = counted;
      if (length > max_bytes) {
        if (held.length < start + max_bytes + 1) return undefined;
        const cut = Buffer.from(held.subarray(start, start + max_bytes + 1));
        drop(start + max_bytes + 1);
        skipping = length - max_bytes - 1;
        return cut;
      }
      if (held.length < start + length) return undefined;
      const message = Buffer.from(held.subarray(start, start + length));
      drop(start + length);
      return message;
    }
    const end = held.indexOf(LINE_FEED, searched);
    if (end >= 0 && end <= max_bytes) {
      const message = Buffer.from(held.subarray(0, end > 0 && held[end - 1] === 13 ? end - 1 : end));
      drop(end + 1);
      return message;
    }
    searched = held.length;
    if (held.length <= max_bytes) return undefined;
    const cut = Buffer.from(held.subarray(0, max_bytes + 1));
    drop(max_bytes + 1);
    skipping = 'line';
    return cut;
  }

  function drop(bytes: number): void {
    held = held.subarray(bytes);
    searched = 0;
  }

  function skip(): void {
    if (skipping === 'line') {
      const end = held.indexOf(LINE_FEED);
      held = end < 0 ? held.subarray(held.length) : held.subarray(end + 1);
      if (end >= 0) skipping = undefined;
    } else if (skipping !== undefined) {
      const bytes = Math.min(skipping, held.length);
      held = held.subarray(bytes);
      skipping = skipping === bytes ? undefined : skipping - bytes;
    }
    searched = 0;
  }

  return {
    push(chunk) {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const messages: Buffer[] = [];
      for (;;) {
        if (skipping !== undefined) {
          skip();
          if (skipping !== undefined) return messages;
        }
        const message = next();
        if (!message) return messages;
        if (message.length > 0) messages.push(message);
      }
    },
    end() {
      const left = skipping === undefined ? held : Buffer.alloc(0);
      const counted = readLength(left);
      const message = counted && counted !== 'wait' ? left.subarray(counted.start) : left;
      held = Buffer.alloc(0);
      return message.length > 0 ? [Buffer.from(message)] : [];
    },
  };
}

/**
 * MSG-LEN SP at the start, if a `<` follows it: a line may begin with digits as well. `wait` when more bytes
 * are needed to tell.
 */
function readLength(bytes: Buffer): { start: number; length: number } | 'wait' | undefined {
  let at = 0;
  let length = 0;
  while (at < bytes.length && at < LENGTH_DIGITS) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    length = length * 10 + digit;
    at++;
  }
  if (at === 0 || bytes[0] === 48) return undefined;
  if (at >= bytes.length) return at < LENGTH_DIGITS ? 'wait' : undefined;
  if (bytes[at] !== 32) return undefined;
  if (at + 1 >= bytes.length) return 'wait';
  return bytes[at + 1] === 60 ? { start: at + 1, length } : undefined;
}
