// What kafkajs fetched as records of the bus; key and headers become text when they are first asked for.
import type { BusRecord } from '../bus.ts';
import type { FetchedMessage } from './wire.ts';

/** What headers weigh, about: looking at each would cost more than the bound on memory is worth. */
const HEADERS_BYTES = 256;
const NOTHING = new Uint8Array();

/** Most readers use few of the headers, and a record's text costs as much as all the rest of it together. */
export class FetchedRecord implements BusRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly value: Uint8Array;
  readonly #message: FetchedMessage;
  #headers: Readonly<Record<string, string>> | undefined;

  constructor(options: { topic: string; partition: number; offset: number; message: FetchedMessage }) {
    const { message } = options;
    this.topic = options.topic;
    this.partition = options.partition;
    this.offset = options.offset;
    this.timestamp = Number(message.timestamp);
    this.value = message.value ?? NOTHING;
    this.#message = message;
  }

  get key(): string {
    return this.#message.key?.toString() ?? '';
  }

  get headers(): Readonly<Record<string, string>> {
    this.#headers ??= readHeaders(this.#message.headers);
    return this.#headers;
  }

  /** Bytes that it holds in memory, about. */
  get weight(): number {
    return this.value.length + (this.#message.key?.length ?? 0) + HEADERS_BYTES;
  }
}

function readHeaders(headers: FetchedMessage['headers']): Record<string, string> {
  const read: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    // Of a header named twice the last counts.
    const last = Array.isArray(value) ? (value as readonly Buffer[]).at(-1) : (value as Buffer | undefined);
    if (last !== undefined && last !== null) read[name] = last.toString();
  }
  return read;
}

/** The records from `offset` on (a broker sends whole batches, which may begin before it), and the offset after the last. */
export function readMessages(options: {
  topic: string;
  partition: number;
  offset: number;
  messages: readonly FetchedMessage[];
}): { records: FetchedRecord[]; next: number } {
  const { topic, partition, messages } = options;
  const records: FetchedRecord[] = [];
  let next = options.offset;
  for (const message of messages) {
    const offset = Number(message.offset);
    if (offset < next) continue;
    next = offset + 1;
    if (message.isControlRecord) continue;
    records.push(new FetchedRecord({ topic, partition, offset, message }));
  }
  return { records, next };
}
