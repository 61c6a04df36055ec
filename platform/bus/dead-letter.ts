// The form of a dead letter: the message as it was, with headers that say where and why it was given up.
import type { BusMessage, DeadLetterReason } from './bus.ts';

/** Longest reason text kept; a parser may quote its whole input. */
const MAX_REASON_LENGTH = 2_000;

/** The bytes, key and headers of `message` with the `dl-*` headers added. */
export function makeDeadLetter(
  message: BusMessage & { topic?: string },
  reason: DeadLetterReason,
): BusMessage {
  const headers: Record<string, string> = {
    ...message.headers,
    'dl-stage': reason.stage,
    'dl-code': reason.code,
    'dl-message': reason.message.slice(0, MAX_REASON_LENGTH),
  };
  if (reason.place !== undefined) headers['dl-place'] = reason.place.slice(0, MAX_REASON_LENGTH);
  if (message.topic !== undefined) headers['dl-topic'] = message.topic;
  return { key: message.key, value: message.value, headers };
}
