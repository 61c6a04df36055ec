// zstd for kafkajs: what one side packs the other unpacks, and a small packet cannot become all of the memory.
import { buffer } from 'node:stream/consumers';
import { createZstdCompress, zstdCompressSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { contentSize, registerZstd } from '../../../../platform/bus/kafka/zstd-codec.ts';

interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

function codec(): Codec {
  registerZstd();
  return kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD]() as Codec;
}

describe('zstd of batches', () => {
  test('packs and unpacks', async () => {
    const bytes = Buffer.from('{"event":{"dataset":"kubernetes.audit"}}'.repeat(500));
    const packed = await codec().compress({ buffer: bytes });
    expect(packed.length).toBeLessThan(bytes.length / 20);
    expect(await codec().decompress(packed)).toEqual(bytes);
  });

  test('says in the frame how much there will be, however it is packed', async () => {
    for (const size of [100, 255, 256, 10_000, 70_000, 300_000, 3_000_000]) {
      const bytes = Buffer.from('{"event":{"id":1}}'.repeat(Math.ceil(size / 18))).subarray(0, size);
      const packed = await codec().compress({ buffer: bytes });
      expect(contentSize(packed)).toBe(size);
      expect(await codec().decompress(packed)).toEqual(bytes);
    }
  });

  test('unpacks what does not say how much there will be, and looks at nothing that is too short to say', async () => {
    const bytes = Buffer.from('abcdefghij'.repeat(100_000));
    const stream = createZstdCompress();
    stream.write(bytes.subarray(0, 1_000));
    stream.end(bytes.subarray(1_000));
    const packed = await buffer(stream);
    expect(contentSize(packed)).toBeUndefined();
    expect(await codec().decompress(packed)).toEqual(bytes);
    expect(contentSize(Buffer.alloc(3))).toBeUndefined();
    expect(contentSize(Buffer.from('no frame of zstd at all'))).toBeUndefined();
  });

  test('refuses what unpacks to more than a batch may be', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(300 * 1024 ** 2));
    await expect(codec().decompress(bomb)).rejects.toThrow(/larger than|too large|memory|Cannot create/i);
  });
});
