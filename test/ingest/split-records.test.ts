import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitBytes, splitRecords } from '../../ingest/split-records.ts';

const split = (text: string, framing: 'line' | 'json' | 'document' = 'json'): string[] =>
  splitBytes(Buffer.from(text), framing).map((record) => Buffer.from(record).toString('utf8'));

describe('records of a body', () => {
  test('NDJSON gives a record a line, without empty lines and line ends', () => {
    expect(split('{"a":1}\r\n\n {"b":2}\n')).toEqual(['{"a":1}', '{"b":2}']);
  });

  test('an array gives its elements as they were written', () => {
    expect(split('[ {"a": "]"} ,{"b":[1,{}]},3, "x" ]')).toEqual(['{"a": "]"}', '{"b":[1,{}]}', '3', '"x"']);
    expect(split('[]')).toEqual([]);
  });

  test('one object over several lines is one record', () => {
    const pretty = JSON.stringify({ a: { b: [1, 2] }, c: 'x\ny' }, undefined, 2);
    expect(split(pretty)).toEqual([pretty]);
  });

  test('a broken line among good ones is a record of its own', () => {
    expect(split('{"a":1}\n{"b":\n{"c":3}')).toEqual(['{"a":1}', '{"b":', '{"c":3}']);
    expect(split('garbage\n{"c":3}')).toEqual(['garbage', '{"c":3}']);
  });

  test('a broken array or document stays one record, so that its bytes are kept', () => {
    for (const text of ['[{"a":1},', '[{"a":1}] x', '{"a":']) expect(split(text)).toEqual([text]);
  });

  test('a document is never cut, and a body of white space holds nothing', () => {
    expect(split('{"a":1}\n{"b":2}\n', 'document')).toEqual(['{"a":1}\n{"b":2}']);
    expect(split(' \n\t')).toEqual([]);
  });

  test('what JSON.stringify wrote comes back, as array, NDJSON and alone', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1 }), (values) => {
        const lines = values.map((value) => JSON.stringify(value));
        expect(split(`[${lines.join(',')}]`)).toEqual(lines);
        expect(split(`[\n${lines.join(' ,\n')}\n]`)).toEqual(lines);
        expect(split(lines.join('\n'))).toEqual(lines);
      }),
    );
  });

  test('no byte but white space and structure is lost from any body', () => {
    const solid = (text: string): string => text.replaceAll(/[\s,[\]]/g, '');
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', 'a', '\n', ' ') }),
        (text) => {
          expect(solid(split(text).join(''))).toBe(solid(text));
        },
      ),
    );
  });

  test('identical records are told apart by their ordinal', () => {
    const records = splitRecords({
      bytes: Buffer.from('{"a":1}\n{"b":1}\n{"a":1}'),
      framing: 'line',
      received: 5,
    });
    expect(records.map(({ position }) => position)).toEqual([
      { kind: 'request', ordinal: 0 },
      { kind: 'request', ordinal: 0 },
      { kind: 'request', ordinal: 1 },
    ]);
  });
});
