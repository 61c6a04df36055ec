// Reads Kafka's record batches (https://kafka.apache.org/documentation/#recordbatch): each record's place is found, and only what is asked for is read.
import kafkajs from 'kafkajs';
import { describeError, PicketError } from '../../core/errors.ts';
import type { BusRecord } from '../bus.ts';

/** What headers weigh, about: looking at each would cost more than the bound on memory is worth. */
const HEADERS_BYTES = 256;
/** The only format that brokers since Kafka 4 hand out. */
const MAGIC = 2;
/** Base offset and length stand before what the length counts. */
const PREFIX_BYTES = 12;
const HEADER_BYTES = 61;
const COMPRESSION_MASK = 0x07;
const APPEND_TIME_FLAG = 0x08;
const CONTROL_FLAG = 0x20;
const NOTHING = Buffer.alloc(0);

/** A record in its batch. Most readers use few of its texts, which cost as much as all the rest of it together. */
class FetchedRecord implements BusRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly value: Uint8Array;
  readonly #bytes: Buffer;
  readonly #keyFrom: number;
  readonly #keyTo: number;
  readonly #headersFrom: number;
  #headers: Readonly<Record<string, string>> | undefined;

  constructor(options: {
    topic: string;
    partition: number;
    offset: number;
    timestamp: number;
    value: Uint8Array;
    bytes: Buffer;
    keyFrom: number;
    keyTo: number;
    headersFrom: number;
  }) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.offset = options.offset;
    this.timestamp = options.timestamp;
    this.value = options.value;
    this.#bytes = options.bytes;
    this.#keyFrom = options.keyFrom;
    this.#keyTo = options.keyTo;
    this.#headersFrom = options.headersFrom;
  }

  get key(): string {
    return this.#bytes.toString('utf8', this.#keyFrom, this.#keyTo);
  }

  get headers(): Readonly<Record<string, string>> {
    this.#headers ??= readHeaders(new Cursor(this.#bytes, this.#headersFrom));
    return this.#headers;
  }

  /** Bytes that it holds in memory, about. */
  get weight(): number {
    return this.value.length + this.#keyTo - this.#keyFrom + HEADERS_BYTES;
  }
}

export type { FetchedRecord };

/**
 * The records from `offset` on of whole batches (which may begin before it), and the offset after the last.
 * A batch that was cut off at the end is left out, as the protocol has it.
 * @throws PicketError BUS_UNREADABLE for what is no record batch, or is packed by what nobody here unpacks
 */
export async function readRecordBatches(options: {
  topic: string;
  partition: number;
  offset: number;
  bytes: Buffer;
}): Promise<{ records: FetchedRecord[]; next: number }> {
  const { topic, partition, bytes } = options;
  const records: FetchedRecord[] = [];
  let next = options.offset;
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const end = at + PREFIX_BYTES + bytes.readInt32BE(at + 8);
    if (end > bytes.length) break;
    const batch = readBatchHeader(bytes, at);
    const where = { topic, partition, batch };
    if (end < at + HEADER_BYTES || batch.magic !== MAGIC) throw unreadable(where);
    const after = batch.base + batch.lastDelta + 1;
    if (after > next) {
      try {
        const packed = bytes.subarray(at + HEADER_BYTES, end);
        if (!batch.isControl)
          readRecords({
            ...where,
            bytes: await unpack(batch.compression, packed),
            from: next,
            into: records,
          });
      } catch (error) {
        throw unreadable(where, error);
      }
      // Also past what compaction has left out at the batch's end.
      next = after;
    }
    at = end;
  }
  return { records, next };
}

interface BatchHeader {
  readonly base: number;
  readonly magic: number;
  readonly compression: number;
  readonly isAppendTime: boolean;
  readonly isControl: boolean;
  readonly lastDelta: number;
  readonly firstTimestamp: number;
  readonly maxTimestamp: number;
  readonly count: number;
}

function readBatchHeader(bytes: Buffer, at: number): BatchHeader {
  const attributes = bytes.readInt16BE(at + 21);
  return {
    base: Number(bytes.readBigInt64BE(at)),
    magic: bytes.readInt8(at + 16),
    compression: attributes & COMPRESSION_MASK,
    isAppendTime: (attributes & APPEND_TIME_FLAG) !== 0,
    isControl: (attributes & CONTROL_FLAG) !== 0,
    lastDelta: bytes.readInt32BE(at + 23),
    firstTimestamp: Number(bytes.readBigInt64BE(at + 27)),
    maxTimestamp: Number(bytes.readBigInt64BE(at + 35)),
    count: bytes.readInt32BE(at + 57),
  };
}

async function unpack(compression: number, packed: Buffer): Promise<Buffer> {
  if (compression === 0) return packed;
  // kafkajs' table of codecs is by the protocol's numbers.
  const codecs = kafkajs.CompressionCodecs as unknown as Record<number, (() => Codec) | undefined>;
  const codec = codecs[compression];
  if (!codec) throw new Error(`no codec for Kafka's compression ${compression}`);
  return codec().decompress(packed);
}

interface Codec {
  decompress(packed: Buffer): Promise<Buffer>;
}

/** Adds the records from an offset on. @throws RangeError where one reaches beyond the bytes */
function readRecords(options: {
  topic: string;
  partition: number;
  batch: BatchHeader;
  bytes: Buffer;
  from: number;
  into: FetchedRecord[];
}): void {
  const { topic, partition, batch, bytes, from, into } = options;
  const cursor = new Cursor(bytes, 0);
  for (let left = batch.count; left > 0; left--) {
    const length = cursor.varint();
    const end = cursor.at + length;
    if (length < 0 || end > bytes.length) throw new RangeError('a record is cut off');
    // Attributes, which say nothing yet.
    cursor.at++;
    const timestampDelta = cursor.varint();
    const offset = batch.base + cursor.varint();
    const keyLength = Math.max(0, cursor.varint());
    const keyFrom = cursor.skip(keyLength);
    const valueLength = Math.max(0, cursor.varint());
    const valueFrom = cursor.skip(valueLength);
    if (offset >= from)
      into.push(
        new FetchedRecord({
          topic,
          partition,
          offset,
          timestamp: batch.isAppendTime ? batch.maxTimestamp : batch.firstTimestamp + timestampDelta,
          value: valueLength === 0 ? NOTHING : bytes.subarray(valueFrom, valueFrom + valueLength),
          bytes,
          keyFrom,
          keyTo: keyFrom + keyLength,
          headersFrom: cursor.at,
        }),
      );
    cursor.at = end;
  }
}

/** Of a header named twice the last counts; one without a value is left out. */
function readHeaders(cursor: Cursor): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let left = cursor.varint(); left > 0; left--) {
    const name = cursor.text(cursor.varint());
    const length = cursor.varint();
    if (length >= 0) headers[name] = cursor.text(length);
  }
  return headers;
}

/** Texts of headers stand in nearly every record again: the last few of them are kept, by their bytes. */
const KEPT_TEXTS = 1_024;
/** Longer ones are times and ids, each another. */
const LONGEST_KEPT = 20;
const keptBytes: (Uint8Array | undefined)[] = Array.from({ length: KEPT_TEXTS });
const keptTexts: string[] = Array.from({ length: KEPT_TEXTS }, () => '');

class Cursor {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** A zigzag varint or varlong (Protocol Buffers' encoding). @throws RangeError at the end of the bytes */
  varint(): number {
    let byte = this.#byte();
    if (byte < 0x80) return byte & 1 ? -((byte + 1) >> 1) : byte >> 1;
    let value = byte & 0x7f;
    for (let weight = 128; byte >= 0x80; weight *= 128) {
      byte = this.#byte();
      value += (byte & 0x7f) * weight;
    }
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }

  #byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new RangeError('the bytes end within a number');
    return byte;
  }

  /** Steps over so many bytes; where they begin. @throws RangeError when there are not so many */
  skip(length: number): number {
    const from = this.at;
    this.at += length;
    if (length < 0 || this.at > this.#bytes.length) throw new RangeError('the bytes end within a value');
    return from;
  }

  text(length: number): string {
    const from = this.skip(length);
    if (length > LONGEST_KEPT) return this.#bytes.toString('utf8', from, this.at);
    let hash = length;
    for (let at = from; at < this.at; at++) hash = (Math.imul(hash, 31) + (this.#bytes[at] as number)) | 0;
    const slot = (hash ^ (hash >>> 10) ^ (hash >>> 20)) & (KEPT_TEXTS - 1);
    const kept = keptBytes[slot];
    if (kept?.length === length && this.#holds(kept, from)) return keptTexts[slot] as string;
    keptBytes[slot] = Uint8Array.prototype.slice.call(this.#bytes, from, this.at);
    return (keptTexts[slot] = this.#bytes.toString('utf8', from, this.at));
  }

  #holds(kept: Uint8Array, from: number): boolean {
    for (let at = 0; at < kept.length; at++) if (kept[at] !== this.#bytes[from + at]) return false;
    return true;
  }
}

function unreadable(
  where: { topic: string; partition: number; batch: BatchHeader },
  cause?: unknown,
): PicketError {
  const { topic, partition, batch } = where;
  const why = cause === undefined ? '' : `: ${describeError(cause)}`;
  return new PicketError({
    code: 'BUS_UNREADABLE',
    message: `${topic}, partition ${partition}: no readable record batch at offset ${batch.base}${why}`,
    cause,
  });
}
