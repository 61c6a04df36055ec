// zstd for kafkajs, which knows the name but brings no code for it: Node's own zlib.
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import kafkajs from 'kafkajs';

const compressAsync = promisify(zstdCompress);
const decompressAsync = promisify(zstdDecompress);

/** Kafka's own default. Higher levels cost more than they save on events of a few hundred bytes. */
const LEVEL = 3;

/** A batch may not become more than this: a few kilobytes of zstd can hold gigabytes of zeros. */
const MAX_BATCH_BYTES = 256 * 1024 ** 2;

/** Node gives the output in pieces of 16 kB unless told otherwise, each a turn of the event loop and a copy. */
const LEAST_PIECE_BYTES = 64 * 1024;
const MOST_PIECE_BYTES = 4 * 1024 ** 2;
/** Events of one kind become about so much smaller. */
const USUAL_RATIO = 10;

function pieceBytes(expected: number): number {
  return Math.min(MOST_PIECE_BYTES, Math.max(LEAST_PIECE_BYTES, Math.ceil(expected)));
}

/** Frame_Content_Size of a zstd frame (RFC 8878, section 3.1.1); undefined where it does not say. */
export function contentSize(frame: Buffer): number | undefined {
  if (frame.length < 18 || frame.readUInt32LE(0) !== 0xfd2fb528) return undefined;
  const descriptor = frame[4] as number;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 0x03] as number;
  const at = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  switch (descriptor >> 6) {
    case 0:
      return isSingleSegment ? frame[at] : undefined;
    case 1:
      return frame.readUInt16LE(at) + 256;
    case 2:
      return frame.readUInt32LE(at);
    default:
      return Number(frame.readBigUInt64LE(at));
  }
}

/** What is packed or unpacked in a millisecond or two: to hand it to another thread and back takes as long. */
const AT_ONCE_BYTES = 256 * 1024;

/** kafkajs hands its encoder over, whose bytes are in `buffer`. */
export const zstdCodec = {
  async compress({ buffer }: { buffer: Buffer }): Promise<Buffer> {
    const options = {
      chunkSize: pieceBytes(buffer.length / 2),
      // Written into the frame, so that who unpacks it knows how much there will be.
      pledgedSrcSize: buffer.length,
      params: { [constants.ZSTD_c_compressionLevel]: LEVEL },
    };
    return buffer.length <= AT_ONCE_BYTES
      ? zstdCompressSync(buffer, options)
      : await compressAsync(buffer, options);
  },
  async decompress(buffer: Buffer): Promise<Buffer> {
    const expected = contentSize(buffer) ?? buffer.length * USUAL_RATIO;
    // One more than there is: a piece that is just full has Node look for another.
    const options = { chunkSize: pieceBytes(expected + 1), maxOutputLength: MAX_BATCH_BYTES };
    return buffer.length <= AT_ONCE_BYTES
      ? zstdDecompressSync(buffer, options)
      : await decompressAsync(buffer, options);
  },
};

/** kafkajs keeps one table of codecs a process; to register twice changes nothing. */
export function registerZstd(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => zstdCodec;
}
