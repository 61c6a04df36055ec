// Writes one of Kafka's record batches (https://kafka.apache.org/documentation/#recordbatch), the records into one buffer of the size that they take.
import kafkajs from 'kafkajs';
import { crc32c } from './crc32c.ts';
import type { WireMessage } from './wire.ts';
import { zstdCodec } from './zstd-codec.ts';

const MAGIC = 2;
const HEADER_BYTES = 61;
/** Where the batch's length counts from, and its checksum. */
const PREFIX_BYTES = 12;
const CHECKED_FROM = 21;

/** What a batch says of itself beside its records. */
export interface BatchOrigin {
  readonly producerId: string;
  readonly producerEpoch: number;
  /** The number of the first record under this producer. */
  readonly firstSequence: number;
  /** ms since the epoch; brokers that stamp by append time put theirs over it. */
  readonly now: number;
}

/** All messages as one batch, packed by zstd or as they are. */
export async function writeRecordBatch(
  messages: readonly WireMessage[],
  options: BatchOrigin & { compress: boolean },
): Promise<Buffer> {
  const { producerId, producerEpoch, firstSequence, now, compress } = options;
  const records = writeRecords(messages);
  const packed = compress ? await zstdCodec.compress({ buffer: records }) : records;
  const batch = Buffer.allocUnsafe(HEADER_BYTES + packed.length);
  // Base offset and leader epoch are the broker's to set.
  batch.fill(0, 0, HEADER_BYTES);
  batch.writeInt32BE(batch.length - PREFIX_BYTES, 8);
  batch.writeInt8(MAGIC, 16);
  batch.writeInt16BE(compress ? kafkajs.CompressionTypes.ZSTD : kafkajs.CompressionTypes.None, 21);
  batch.writeInt32BE(messages.length - 1, 23);
  batch.writeBigInt64BE(BigInt(now), 27);
  batch.writeBigInt64BE(BigInt(now), 35);
  batch.writeBigInt64BE(BigInt(producerId), 43);
  batch.writeInt16BE(producerEpoch, 51);
  batch.writeInt32BE(firstSequence, 53);
  batch.writeInt32BE(messages.length, 57);
  packed.copy(batch, HEADER_BYTES);
  batch.writeUInt32BE(crc32c(batch.subarray(CHECKED_FROM)), 17);
  return batch;
}

/** Records one after the other, offsets counted from 0, all of the batch's time. */
function writeRecords(messages: readonly WireMessage[]): Buffer {
  const sizes = messages.map((message, offset) => sizeOfRecord(message, offset));
  const size = sizes.reduce((all, one) => all + sizeOfVarint(one) + one, 0);
  const writer = new Writer(Buffer.allocUnsafe(size));
  for (const [offset, { key, value, headers }] of messages.entries()) {
    writer.varint(sizes[offset] as number);
    // Attributes, and the distance to the batch's time.
    writer.varint(0);
    writer.varint(0);
    writer.varint(offset);
    writer.text(key);
    writer.varint(value.length);
    writer.bytes(value);
    const names = Object.keys(headers);
    writer.varint(names.length);
    for (const name of names) {
      writer.text(name);
      writer.text(headers[name] as string);
    }
  }
  return writer.written();
}

function sizeOfRecord({ key, value, headers }: WireMessage, offset: number): number {
  const names = Object.keys(headers);
  let size =
    2 +
    sizeOfVarint(offset) +
    sizeOfText(key) +
    sizeOfVarint(value.length) +
    value.length +
    sizeOfVarint(names.length);
  for (const name of names) size += sizeOfText(name) + sizeOfText(headers[name] as string);
  return size;
}

/** Of a zigzag varint of a number that is not below 0. */
function sizeOfVarint(value: number): number {
  let size = 1;
  for (let left = value * 2; left >= 0x80; left = Math.floor(left / 0x80)) size++;
  return size;
}

function sizeOfText(text: string): number {
  const length = byteLength(text);
  return sizeOfVarint(length) + length;
}

/** Short texts are nearly always ASCII: looking is faster than asking. */
const SHORT = 64;

function byteLength(text: string): number {
  return isShortAscii(text) ? text.length : Buffer.byteLength(text);
}

function isShortAscii(text: string): boolean {
  if (text.length > SHORT) return false;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}

class Writer {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  /** A zigzag varint of a number that is not below 0. */
  varint(value: number): void {
    let left = value * 2;
    for (; left >= 0x80; left = Math.floor(left / 0x80)) this.#buffer[this.#at++] = (left % 0x80) | 0x80;
    this.#buffer[this.#at++] = left;
  }

  bytes(value: Uint8Array): void {
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  text(text: string): void {
    if (!isShortAscii(text)) {
      this.varint(Buffer.byteLength(text));
      this.#at += this.#buffer.write(text, this.#at, 'utf8');
      return;
    }
    this.varint(text.length);
    for (let at = 0; at < text.length; at++) this.#buffer[this.#at++] = text.charCodeAt(at);
  }

  /** @throws Error when it is not full: the sizes did not hold */
  written(): Buffer {
    if (this.#at !== this.#buffer.length)
      throw new Error(`${this.#at} bytes of records instead of ${this.#buffer.length}`);
    return this.#buffer;
  }
}
