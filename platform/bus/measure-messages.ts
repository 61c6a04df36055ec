// What messages weigh against a bus's limits.
import { PicketError } from '../core/errors.ts';
import type { TopicDefinition } from '../core/topics.ts';
import type { BusMessage } from './bus.ts';

/** Bytes of a message as limits and retention count them: key, headers and value. */
export function messageBytes(message: BusMessage): number {
  let bytes = message.value.byteLength + Buffer.byteLength(message.key);
  for (const name in message.headers) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(message.headers[name] ?? '');
  }
  return bytes;
}

/** The sum of all. @throws PicketError BUS_MESSAGE_TOO_LARGE with the place of the first that is over the limit */
export function measureMessages(options: {
  topic: TopicDefinition;
  messages: readonly BusMessage[];
  max_message_bytes: number;
}): number {
  const { topic, messages, max_message_bytes } = options;
  let total = 0;
  for (const [index, message] of messages.entries()) {
    const bytes = messageBytes(message);
    if (bytes > max_message_bytes) {
      throw new PicketError({
        code: 'BUS_MESSAGE_TOO_LARGE',
        message: `message of ${bytes} bytes for ${topic.name}; the most is ${max_message_bytes}`,
        place: { at: `message ${index + 1} of ${messages.length}` },
      });
    }
    total += bytes;
  }
  return total;
}
