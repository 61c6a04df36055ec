// Dotted paths with one meaning for lists, and nothing that reaches a prototype.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../platform/core/event.ts';
import {
  mapField,
  readField,
  readFirst,
  readText,
  removeField,
  splitField,
  writeField,
} from '../../../platform/core/fields.ts';

const read = (document: unknown, field: string) => readField(document, splitField(field));

describe('readField', () => {
  it('flattens lists of objects and lists of values', () => {
    expect(read({ a: [{ b: 1 }, { b: [2, [3]] }, { c: 4 }] }, 'a.b')).toEqual([1, 2, 3]);
    expect(read([{ a: 1 }, { a: 2 }], 'a')).toEqual([1, 2]);
  });
  it('finds keys that hold dots, at any cut', () => {
    expect(
      read({ 'a.b': { c: 1 }, a: { 'b.c': 2, b: { c: 3 } }, 'a.b.c': 4 }, 'a.b.c').sort(
        (x, y) => Number(x) - Number(y),
      ),
    ).toEqual([1, 2, 3, 4]);
  });
  it('tells null from missing and gives objects as they are', () => {
    expect(read({ a: null }, 'a')).toEqual([null]);
    expect(read({}, 'a')).toEqual([]);
    expect(read({ a: { b: 1 } }, 'a')).toEqual([{ b: 1 }]);
    expect(read('text', 'length')).toEqual([]);
    expect(readFirst({ a: [7, 8] }, ['a'])).toBe(7);
    expect(readText({ a: 7 }, 'a')).toBeUndefined();
  });
  it('never reads what is inherited', () => {
    expect(read({}, '__proto__')).toEqual([]);
    expect(read({}, 'constructor.name')).toEqual([]);
    expect(read({ a: {} }, 'a.toString')).toEqual([]);
  });
  it('does not fall over lists nested a hundred thousand deep', () => {
    let nested: unknown = 1;
    for (let depth = 0; depth < 100_000; depth++) nested = [nested];
    expect(read({ a: nested }, 'a')).toEqual([]);
  });
});

describe('writeField', () => {
  it('makes the way, and leaves undefined unwritten', () => {
    const document: JsonObject = { a: 1 };
    writeField(document, 'a.b.c', 2);
    writeField(document, 'x', undefined);
    expect(document).toEqual({ a: { b: { c: 2 } } });
  });
  it('sets __proto__ and constructor as own plain properties', () => {
    const document: JsonObject = {};
    writeField(document, '__proto__.polluted', true);
    writeField(document, 'constructor.prototype.polluted', true);
    expect(({} as JsonObject)['polluted']).toBeUndefined();
    expect(Object.hasOwn(document, '__proto__')).toBe(true);
    expect(Object.hasOwn(document, 'constructor')).toBe(true);
  });
  it('reads back what was written', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '_'), minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), fc.jsonValue(), (path, value) => {
        fc.pre(!Array.isArray(value));
        const document: JsonObject = {};
        writeField(document, path.join('.'), value);
        expect(readField(document, path)).toEqual([value]);
      }),
    );
  });
});

describe('removeField and mapField', () => {
  it('remove through lists, count, and take empty objects with them', () => {
    const document = { a: [{ b: 1, c: 2 }, { b: [3, 4] }], d: { e: { f: 1 } } };
    expect(removeField(document, ['a', 'b'])).toBe(3);
    expect(removeField(document, ['d', 'e', 'f'])).toBe(1);
    expect(document).toEqual({ a: [{ c: 2 }, {}] });
  });
  it('replace each element of a list', () => {
    const document = { ip: ['1.1.1.1', '2.2.2.2'] };
    expect(mapField(document, ['ip'], (value) => `${String(value).split('.')[0]}.x`)).toBe(2);
    expect(document.ip).toEqual(['1.x', '2.x']);
  });
  it('remove a field that lies in lists within lists', () => {
    const document = { a: [[{ b: 1 }], { b: 2 }] };
    removeField(document, ['a', 'b']);
    expect(read(document, 'a.b')).toEqual([]);
  });
  it('leave nothing to read, whatever the document', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'a.b', 'b.c', '__proto__');
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(1, 'x', null, true),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.array(fc.tuple(key, tie('node')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
      ),
    }));
    fc.assert(
      fc.property(node, fc.constantFrom('a', 'a.b', 'a.b.c', 'b.c'), (document, field) => {
        removeField(document, splitField(field));
        expect(read(document, field)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});
