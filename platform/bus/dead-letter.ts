// The form of a dead letter: the message as it was, with headers that say where and why it was given up.
import type { BusMessage, DeadLetterReason } from './bus.ts';

/** Longest reason text kept; a parser may quote its whole input. */
const MAX_REASON_LENGTH = 2_000;

/** Room for the headers of a dead letter above what a message may have. */
export const DEAD_LETTER_ROOM = 64 * 1024;

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/**
 * The bytes, key and headers of `message` with the `dl-*` headers added. Of one that is too large for the bus itself
 * the first part is kept, marked `truncated`, with its length in `bytes`: a letter that could not be written would
 * hold up its sender for ever.
 */
export function makeDeadLetter(
  message: BusMessage & { topic?: string },
  reason: DeadLetterReason,
  max_message_bytes = MAX_MESSAGE_BYTES,
): BusMessage {
  const headers: Record<string, string> = {
    ...message.headers,
    'dl-stage': reason.stage,
    'dl-code': reason.code,
    'dl-message': reason.message.slice(0, MAX_REASON_LENGTH),
  };
  if (reason.place !== undefined) headers['dl-place'] = reason.place.slice(0, MAX_REASON_LENGTH);
  if (message.topic !== undefined) headers['dl-topic'] = message.topic;
  const most = Math.max(0, max_message_bytes - DEAD_LETTER_ROOM);
  const { byteLength } = message.value;
  if (byteLength <= max_message_bytes) return { key: message.key, value: message.value, headers };
  return {
    key: message.key,
    value: message.value.subarray(0, most),
    headers: { ...headers, truncated: '1', bytes: headers['bytes'] ?? String(byteLength) },
  };
}
