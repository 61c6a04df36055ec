import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findInvalidUtf8, parseJson, parseJsonObject } from '../../ingest/parse-json.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

describe('JSON that a stranger wrote', () => {
  test('reads as JSON.parse does, for any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value);
        const numbersAreExact = !/\d{16}|e[+]?\d{2}/i.test(text);
        fc.pre(numbersAreExact && !text.includes('__proto__'));
        expect(parseJson(bytes(text))).toEqual({ ok: true, value: JSON.parse(text), dropped: 0 });
      }),
    );
  });

  test('never throws, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => {
        expect(typeof parseJson(random).ok).toBe('boolean');
      }),
    );
  });

  test('keeps integers beyond 2^53 and numbers beyond a double as their text', () => {
    const parsed = parseJson(
      bytes('{"id":9223372036854775807,"k":[-9223372036854775808],"n":1e999,"small":12,"f":0.1}'),
    );
    expect(parsed).toMatchObject({
      ok: true,
      value: { id: '9223372036854775807', k: ['-9223372036854775808'], n: '1e999', small: 12, f: 0.1 },
    });
  });

  test('leaves digits in texts as they are, and the rest of the document untouched, for any value', () => {
    const hard = ['a,12345678901234567890,', ':[98765432109876543210]', '\\",12345678901234567890,"', '\\'];
    const digits = fc.constantFrom(...hard, '"');
    // Not `"` beside `\\` as names: V8 13.6 (Node 24) takes the one for the other once it has seen that shape.
    const names = fc.constantFrom(...hard);
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        digits,
        fc.integer(),
        fc.array(tie('node')),
        fc.dictionary(names, tie('node')),
      ),
    })).node;
    fc.assert(
      fc.property(fc.array(tree), (values) => {
        const text = `[12345678901234567890,${JSON.stringify(values)}, -98765432109876543210 ]`;
        expect(parseJson(bytes(text))).toMatchObject({
          value: ['12345678901234567890', JSON.parse(JSON.stringify(values)), '-98765432109876543210'],
        });
      }),
    );
    expect(parseJson(bytes('[9007199254740991]'))).toMatchObject({ value: [9007199254740991] });
  });

  test('lets the last of duplicate members win', () => {
    expect(parseJson(bytes('{"a":1,"a":2}'))).toMatchObject({ value: { a: 2 } });
  });

  test('drops and counts `__proto__`, also written with escapes, and pollutes nothing', () => {
    const parsed = parseJsonObject(
      bytes('{"__proto__":{"polluted":1},"a":[{"\\u005f_proto__":{"polluted":2}}]}'),
    );
    expect(parsed).toMatchObject({ ok: true, dropped: 2 });
    expect(JSON.stringify(parsed)).not.toContain('polluted');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test('refuses what nests deeper than 64 levels, a million levels too', () => {
    const nested = (depth: number): Uint8Array => bytes('['.repeat(depth) + ']'.repeat(depth));
    expect(parseJson(nested(64)).ok).toBe(true);
    expect(parseJson(nested(65))).toMatchObject({ code: 'JSON_TOO_DEEP' });
    expect(parseJson(nested(1_000_000))).toMatchObject({ ok: false });
    expect(parseJson(bytes('{"a":'.repeat(200) + '1' + '}'.repeat(200)))).toMatchObject({
      code: 'JSON_TOO_DEEP',
    });
  });

  test('takes a text of 10 MB, and refuses it where the limit is lower', () => {
    const large = bytes(JSON.stringify({ a: 'x'.repeat(10_000_000) }));
    expect(parseJson(large).ok).toBe(true);
    expect(parseJson(large, { max_bytes: 1_000_000 })).toMatchObject({ code: 'JSON_TOO_LARGE' });
  });

  test('keeps an escaped NUL, refuses a raw one', () => {
    expect(parseJson(bytes('"a\\u0000b"'))).toMatchObject({ value: 'a\u0000b' });
    expect(parseJson(bytes('"a\u0000b"'))).toMatchObject({ code: 'JSON_INVALID' });
  });

  test('passes over a byte order mark', () => {
    expect(parseJson(bytes('\uFEFF{"a":1}'))).toMatchObject({ value: { a: 1 } });
  });

  test.each([
    ['', 'JSON_EMPTY'],
    [' \n', 'JSON_EMPTY'],
    ['{"a":1', 'JSON_INVALID'],
    ['{"a":"x', 'JSON_INVALID'],
    ['{a:1}', 'JSON_INVALID'],
    ['{"a":1}{"b":2}', 'JSON_INVALID'],
  ])('refuses %j as %s without quoting it', (text, code) => {
    expect(parseJson(bytes(text))).toMatchObject({ ok: false, code });
    expect(parseJson(bytes('{"password": geheim}'))).not.toMatchObject({
      message: expect.stringContaining('geheim'),
    });
  });

  test.each(['[]', '"a"', 'null', '1'])('wants an object where one is wanted: %s', (text) => {
    expect(parseJsonObject(bytes(text))).toMatchObject({ ok: false, code: 'JSON_NOT_OBJECT' });
  });

  test('names the first byte that is not UTF-8', () => {
    const strict = new TextDecoder('utf-8', { fatal: true });
    const isGood = (some: Uint8Array): boolean => {
      try {
        strict.decode(some, { stream: true });
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        fc.constantFrom(0xff, 0xc0, 0x80, 0xf8),
        fc.string(),
        (before, bad, after) => {
          const prefix = Buffer.from(before);
          const all = Buffer.concat([prefix, Buffer.from([bad]), Buffer.from(after)]);
          const at = findInvalidUtf8(all);
          expect(at).toBe(prefix.length);
          expect(isGood(all.subarray(0, at))).toBe(true);
          expect(parseJson(all)).toMatchObject({ code: 'INVALID_UTF8', place: `byte ${prefix.length}` });
        },
      ),
    );
  });
});
