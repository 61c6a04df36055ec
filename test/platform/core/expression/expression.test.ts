// The reference matcher against the documented meaning of each leaf.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileExpression,
  compileStringTest,
  toNumber,
} from '../../../../platform/core/expression/compile.ts';
import {
  allOf,
  anyOf,
  EVERYTHING,
  Expression,
  equals,
  fieldsOf,
  type Test,
} from '../../../../platform/core/expression/expression.ts';

const holds = (test: Test, value: unknown): boolean =>
  compileExpression({ op: 'leaf', field: 'f', test })({ f: value });
const string = (
  mode: 'equals' | 'startswith' | 'endswith' | 'contains' | 'wildcard',
  value: string,
  cased = false,
): Test => ({ kind: 'string', mode, value, cased });

describe('leaves', () => {
  it.each<[Test, unknown, boolean]>([
    [string('equals', 'ABC'), 'abc', true],
    [string('equals', 'ABC', true), 'abc', false],
    [string('equals', '200'), 200, true],
    [string('equals', 'TRUE'), true, true],
    [string('equals', ''), '', true],
    [string('equals', 'x'), ['a', 'X'], true],
    [string('equals', 'x'), { x: 'x' }, false],
    [string('equals', 'null'), null, false],
    [string('wildcard', 'a*c?'), 'ABxxCd', true],
    [string('wildcard', 'a\\*c'), 'a*c', true],
    [string('wildcard', 'a\\*c'), 'abc', false],
    [string('wildcard', 'c:\\windows\\*'), 'C:\\Windows\\x', false],
    [string('wildcard', 'c:\\\\windows\\\\*'), 'C:\\Windows\\x', true],
    [{ kind: 'number', value: 200 }, ' 2e2 ', true],
    [{ kind: 'number', value: 0 }, '', false],
    [{ kind: 'number', value: 16 }, '0x10', false],
    [{ kind: 'compare', with: 'gt', value: 5 }, '6', true],
    [{ kind: 'compare', with: 'gt', value: 5 }, 'six', false],
    [{ kind: 'compare', with: 'lt', value: '2026-11-23T00:00:00Z' }, '2026-11-22T23:59:59.999Z', true],
    [{ kind: 'compare', with: 'lte', value: '5' }, 5, true],
    [{ kind: 'boolean', value: true }, 'True', true],
    [{ kind: 'boolean', value: false }, 0, false],
    [{ kind: 'regex', pattern: 'B$', flags: 'i' }, 'ab', true],
    [{ kind: 'cidr', value: '10.0.0.0/8' }, '::ffff:10.0.0.1', true],
    [{ kind: 'exists' }, null, false],
    [{ kind: 'exists' }, [null, 0], true],
    [{ kind: 'null' }, [], true],
    [{ kind: 'null' }, null, true],
    [{ kind: 'null' }, '', false],
    [{ kind: 'time_part', part: 'week', value: 53 }, '2027-01-01T00:00:00Z', true],
    [{ kind: 'time_part', part: 'week', value: 1 }, '2024-12-30T00:00:00Z', true],
    [{ kind: 'time_part', part: 'hour', value: 23 }, '2026-11-23T23:10:00Z', true],
    [{ kind: 'time_part', part: 'year', value: 2026 }, Number.MAX_VALUE, false],
    [{ kind: 'text', value: 'Quick brown' }, 'the quick, brown fox', true],
    [{ kind: 'text', value: '' }, 'x', false],
  ])('%j of %j is %s', (test, value, expected) => {
    expect(holds(test, value)).toBe(expected);
  });

  it('compare two fields, and look everywhere with *', () => {
    const same = compileExpression({
      op: 'leaf',
      field: 'a',
      test: { kind: 'field', mode: 'equals', other: 'b.c' },
    });
    expect(same({ a: 'X', b: [{ c: 'y' }, { c: 'x' }] })).toBe(true);
    expect(same({ a: 'X' })).toBe(false);
    const anywhere = compileExpression({ op: 'leaf', field: '*', test: string('equals', 'needle') });
    expect(anywhere({ a: [{ b: ['NEEDLE'] }] })).toBe(true);
    expect(anywhere({ needle: 1 })).toBe(false);
  });

  it.each<Test>([
    { kind: 'regex', pattern: '(' },
    { kind: 'cidr', value: '10.0.0.0/99' },
    { kind: 'compare', with: 'gt', value: 'soon' },
  ])('refuses %j', (test) => {
    expect(() => holds(test, 'x')).toThrow(expect.objectContaining({ code: 'EXPRESSION_INVALID' }));
  });
});

describe('trees', () => {
  it('fold and name their fields', () => {
    expect(allOf([])).toBe(EVERYTHING);
    expect(allOf([EVERYTHING, equals('a', 1)])).toEqual(equals('a', 1));
    expect(compileExpression(anyOf([]))({})).toBe(false);
    expect(fieldsOf(allOf([equals('b', 1), { op: 'not', of: equals('a', 'x') }, equals('*', 'y')]))).toEqual([
      'a',
      'b',
    ]);
  });
  it('refuse what is no expression', () => {
    expect(Expression.safeParse({ op: 'leaf', field: 'a', test: { kind: 'exists' } }).success).toBe(true);
    expect(Expression.safeParse({ op: 'xor', of: [] }).success).toBe(false);
    expect(Expression.safeParse({ op: 'leaf', field: '', test: { kind: 'exists' } }).success).toBe(false);
    expect(
      Expression.safeParse({ op: 'leaf', field: 'a', test: { kind: 'regex', pattern: 'a', flags: 'g' } })
        .success,
    ).toBe(false);
  });
});

describe('never', () => {
  it('throws, whatever the document holds', () => {
    const tests: Test[] = [
      string('wildcard', '*a?'),
      { kind: 'time_part', part: 'week', value: 1 },
      { kind: 'compare', with: 'lt', value: '2026-01-01' },
      { kind: 'cidr', value: '::/0' },
      { kind: 'field', mode: 'contains', other: 'f' },
      { kind: 'text', value: 'a' },
    ];
    fc.assert(
      fc.property(
        fc.object({ key: fc.constantFrom('f', 'g', 'f.g', '__proto__') }),
        fc.constantFrom(...tests),
        fc.constantFrom('f', 'f.g', '*'),
        (document, test, field) => {
          expect(typeof compileExpression({ op: 'leaf', field, test })(document)).toBe('boolean');
        },
      ),
      { numRuns: 1000 },
    );
  });
  it('takes exponential time over a wildcard', () => {
    expect(compileStringTest('wildcard', `${'*a'.repeat(50)}b`, false)('a'.repeat(5000))).toBe(false);
  });
  it('disagrees with a plain regular expression over wildcards', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '\n'), maxLength: 8 });
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.'), maxLength: 6 }),
        letters,
        (pattern, text) => {
          const source = pattern.replace(/\./g, '\\.').replace(/\*/g, '[^]*').replace(/\?/g, '[^]');
          expect(compileStringTest('wildcard', pattern, true)(text)).toBe(
            new RegExp(`^${source}$`).test(text),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });
  it('reads a number that JavaScript would not', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        // Written out, minus zero is zero.
        expect(toNumber(String(number))).toBe(number === 0 ? 0 : number);
      }),
    );
    expect(toNumber('1_000')).toBeUndefined();
    expect(toNumber('Infinity')).toBeUndefined();
  });
});
