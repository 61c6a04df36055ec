// Record batches: what is written is read again, by us and by kafkajs; what is cut off or no batch is told.
import { createRequire } from 'node:module';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRecordBatches } from '../../../../platform/bus/kafka/read-record-batches.ts';
import type { WireMessage } from '../../../../platform/bus/kafka/wire.ts';
import { writeRecordBatch } from '../../../../platform/bus/kafka/write-record-batch.ts';
import { registerZstd } from '../../../../platform/bus/kafka/zstd-codec.ts';
import { errorCode } from '../../../../platform/core/errors.ts';

registerZstd();

/** kafkajs' own reader, which it shows to nobody. */
const ofKafkajs = createRequire(import.meta.url);
const Decoder = ofKafkajs('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object;
const decodeBatch = ofKafkajs('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
  decoder: object,
) => Promise<{
  records: { key: Buffer | null; value: Buffer | null; headers: Record<string, Buffer> }[];
}>;

const ORIGIN = {
  producerId: '9007199254740993',
  producerEpoch: 3,
  firstSequence: 17,
  now: 1_795_796_144_722,
};
const PLACE = { topic: 'picket.events', partition: 2 };

const text = fc.oneof(
  fc.string({ maxLength: 90 }),
  fc.string({ unit: 'grapheme', maxLength: 90 }),
  fc.constantFrom('', 'eu-fr', 'Œuvre 工厂', '__proto__', 'x'.repeat(200)),
);
const message: fc.Arbitrary<WireMessage> = fc.record({
  key: text,
  value: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
  headers: fc
    .uniqueArray(fc.tuple(text, text), { selector: ([name]) => name, maxLength: 14 })
    .map((pairs) => Object.fromEntries(pairs.filter(([name]) => name !== '__proto__'))),
});

function hasOwnNames({ headers }: WireMessage): boolean {
  return Object.keys(headers).every((name) => !(name in Object.prototype));
}

/** The same batch as a broker hands it out: from an offset on. */
function at(batch: Buffer, base: number): Buffer {
  const moved = Buffer.from(batch);
  moved.writeBigInt64BE(BigInt(base), 0);
  return moved;
}

const plain = ({ key, value, headers }: WireMessage) => ({
  key,
  value: value.toString('hex'),
  headers: { ...headers },
});

describe('record batches', () => {
  test('are read as they were written, packed or not, several after one another', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(message, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        fc.nat(2 ** 40),
        async (batches, compress, base) => {
          const parts: Buffer[] = [];
          let next = base;
          for (const messages of batches) {
            parts.push(at(await writeRecordBatch(messages, { ...ORIGIN, compress }), next));
            next += messages.length;
          }
          const read = await readRecordBatches({ ...PLACE, offset: base, bytes: Buffer.concat(parts) });
          expect(read.next).toBe(next);
          expect(read.records.map(({ offset }) => offset)).toEqual(
            Array.from({ length: next - base }, (_, nth) => base + nth),
          );
          expect(read.records.map(({ timestamp }) => timestamp)).toEqual(
            Array.from({ length: next - base }, () => ORIGIN.now),
          );
          expect(
            read.records.map(({ key, value, headers }) => plain({ key, value: Buffer.from(value), headers })),
          ).toEqual(batches.flat().map(plain));
        },
      ),
    );
  });

  test('are read by kafkajs as well', async () => {
    await fc.assert(
      fc.asyncProperty(
        // Names that every object has are too much for kafkajs' own reader.
        fc.array(message.filter(hasOwnNames), { minLength: 1, maxLength: 20 }),
        fc.boolean(),
        async (messages, compress) => {
          const batch = await writeRecordBatch(messages, { ...ORIGIN, compress });
          const { records, ...said } = await decodeBatch(new Decoder(batch));
          expect(said).toMatchObject({
            producerId: ORIGIN.producerId,
            producerEpoch: ORIGIN.producerEpoch,
            firstSequence: ORIGIN.firstSequence,
            firstTimestamp: String(ORIGIN.now),
            lastOffsetDelta: messages.length - 1,
          });
          expect(
            records.map(({ key, value, headers }) =>
              plain({
                key: String(key ?? ''),
                value: value ?? Buffer.alloc(0),
                headers: Object.fromEntries(
                  Object.entries(headers).map(([name, bytes]) => [name, bytes.toString()]),
                ),
              }),
            ),
          ).toEqual(messages.map(plain));
        },
      ),
    );
  });

  test('begin where they are asked to, leave out one that is cut off, and pass over what is not for readers', async () => {
    const messages = ['a', 'b', 'c'].map((key) => ({ key, value: Buffer.from(key), headers: {} }));
    const batch = await writeRecordBatch(messages, { ...ORIGIN, compress: true });
    const control = at(batch, 13);
    control.writeInt16BE(control.readInt16BE(21) | 0x20, 21);
    const bytes = Buffer.concat([at(batch, 10), control, at(batch, 16), at(batch, 19).subarray(0, -1)]);
    const read = await readRecordBatches({ ...PLACE, offset: 11, bytes });
    expect(read.records.map(({ offset, key }) => `${offset} ${key}`)).toEqual([
      '11 b',
      '12 c',
      '16 a',
      '17 b',
      '18 c',
    ]);
    expect(read.next).toBe(19);
  });

  test('take the append time where the topic has it', async () => {
    const batch = await writeRecordBatch([{ key: '', value: Buffer.from('x'), headers: {} }], {
      ...ORIGIN,
      compress: false,
    });
    batch.writeInt16BE(0x08, 21);
    batch.writeBigInt64BE(1_800_000_000_123n, 35);
    const { records } = await readRecordBatches({ ...PLACE, offset: 0, bytes: batch });
    expect(records[0]?.timestamp).toBe(1_800_000_000_123);
  });

  test('that are none are told with their place, whatever bytes they are', async () => {
    const batch = await writeRecordBatch([{ key: 'k', value: Buffer.from('value'), headers: { a: 'b' } }], {
      ...ORIGIN,
      compress: false,
    });
    const old = Buffer.from(batch);
    old.writeInt8(1, 16);
    await expect(readRecordBatches({ ...PLACE, offset: 0, bytes: old })).rejects.toThrow(
      'picket.events, partition 2: no readable record batch at offset 0',
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(batch.length - 1), fc.nat(255), async (place, byte) => {
        const broken = Buffer.from(batch);
        broken[place] = byte;
        const came = await readRecordBatches({ ...PLACE, offset: 0, bytes: broken }).then(
          ({ records }) => (records.length <= 1 ? 'read' : 'too many'),
          (error: unknown) => errorCode(error),
        );
        expect(['read', 'BUS_UNREADABLE']).toContain(came);
      }),
    );
  });
});
