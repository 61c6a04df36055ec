// zstd for kafkajs: what one side packs the other unpacks, and a small packet cannot become all of the memory.
import { zstdCompressSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { registerZstd } from '../../../../platform/bus/kafka/zstd-codec.ts';

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

  test('refuses what unpacks to more than a batch may be', async () => {
    const bomb = zstdCompressSync(Buffer.alloc(300 * 1024 ** 2));
    await expect(codec().decompress(bomb)).rejects.toThrow(/larger than|too large|memory|Cannot create/i);
  });
});
