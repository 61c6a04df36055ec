// KQL as Kibana documents it, read into expressions.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PicketError } from '../../../../platform/core/errors.ts';
import { compileExpression } from '../../../../platform/core/expression/compile.ts';
import { parseKql } from '../../../../platform/core/kql/parse-kql.ts';

const event = {
  '@timestamp': '2026-11-23T12:00:00.000Z',
  http: { request: { method: 'GET' }, response: { status_code: 404 } },
  message: 'The quick brown fox: "jumps" over 1.2.3.4',
  user: [
    { first: 'Alice', last: 'White' },
    { first: 'Bob', last: 'Black' },
  ],
  source: { ip: ['10.1.2.3', '2001:db8::1'] },
  process: { executable: 'C:\\Windows\\System32\\cmd.exe', command_line: 'cmd /c "dir *.txt" and (more)' },
  labels: { on: true, empty: '', none: null, code: '0042' },
};
const matches = (query: string): boolean =>
  compileExpression(parseKql(query, { now: Date.parse('2026-11-23T12:10:00Z') }))(event);
const faultOf = (query: string): { code: string; column: number | undefined } => {
  try {
    parseKql(query);
  } catch (error) {
    const { code, place } = error as { code: string; place?: { column?: number } };
    return { code, column: place?.column };
  }
  throw new Error(`read without complaint: ${query.slice(0, 80)}`);
};

describe('parseKql', () => {
  it.each([
    ['', true],
    ['*', true],
    ['*:*', true],
    ['http.request.method: GET', true],
    ['http.request.method:get', true],
    ['http.request.method: "GET"', true],
    ['http.request.method: POST', false],
    ['http.response.status_code: 400 401 404', true],
    ['http.response.status_code: (400 or 404)', true],
    ['http.response.status_code: (400 and 404)', false],
    ['http.response.status_code >= 400 and http.response.status_code < 500', true],
    ['http.response.status_code > 404', false],
    ['http.request.method: *', true],
    ['labels.none: *', false],
    ['labels.empty: *', true],
    ['nothing.here: *', false],
    ['not nothing.here: *', true],
    ['NOT http.request.method: GET', false],
    ['http.request.method: POST OR http.response.status_code: 404', true],
    ['http.request.method: POST or http.request.method: GET and http.response.status_code: 500', false],
    ['(http.request.method: POST or http.request.method: GET) and http.response.status_code: 404', true],
    ['http.request.method: (not POST)', true],
    ['message: "quick brown fox"', true],
    ['message: "brown quick"', false],
    ['message: fox quick', true],
    ['quick', true],
    ['"quick brown"', true],
    ['quick and nowhere', false],
    ['qui*', true],
    ['process.executable: *\\\\cmd.exe', true],
    ['process.executable: "C:\\Windows\\System32\\cmd.exe"', true],
    ['process.executable: C\\:\\\\Windows\\\\*', true],
    ['process.command_line: *\\*.txt*', true],
    ['process.command_line: "cmd /c \\"dir *.txt\\" and (more)"', true],
    ['process.command_line: cmd*\\and \\(more\\)', false],
    ['user: { first: "Alice" and last: White }', true],
    ['user: { first: (Alice or Carol) and not last: Green }', true],
    ['user: { first: Carol }', false],
    ['source.ip: 10.1.2.3', true],
    ['source.ip: 10.0.0.0/8', true],
    ['source.ip: "2001:db8::/32"', true],
    ['source.ip: "2001:0DB8:0:0::1"', true],
    ['source.ip: 192.168.0.0/16', false],
    ['labels.on: true', true],
    ['labels.on: false', false],
    ['labels.code: 0042', true],
    ['@timestamp: 2026-11-23', true],
    ['@timestamp: "2026-11-24"', false],
    ['@timestamp: "2026-11-23T12:00:00Z"', true],
    ['@timestamp >= "2026-11-23T12:00:00.000Z"', true],
    ['@timestamp <= 2026-11-23', true],
    ['@timestamp > 2026-11-23', false],
    ['@timestamp > now-15m', true],
    ['@timestamp > now-5m', false],
  ])('reads %s', (query, expected) => {
    expect(matches(query)).toBe(expected);
  });

  it.each([
    ['a:', 3],
    ['a: and b', 4],
    ['a:b and', 8],
    ['(a:b', 5],
    ['a:b)', 4],
    ['a:"open', 3],
    ['a:(b or', 8],
    ['a:{b:c', 7],
    ['a:{b}', 4],
    ['a b:c', 3],
    ['a:b c:d', 5],
    ['"x" "y"', 5],
    ['or a:b', 1],
    ['a > b', 5],
    ['a > 1*', 5],
    ['a > now-1d', 5],
    ['us*r: x', 1],
    ['path: C:\\Windows', 9],
    ['a: b\\q', 5],
    [': x', 1],
    ['}', 1],
  ])('names the column of the fault in %s', (query, column) => {
    expect(faultOf(query)).toEqual({ code: 'KQL_SYNTAX', column });
  });

  it('gives an error, not a crash, for hostile nesting and length', () => {
    for (const query of [
      '('.repeat(10_000),
      'not '.repeat(10_000),
      'a:{'.repeat(10_000),
      'a:('.repeat(10_000),
      'x'.repeat(200_000),
      '\\'.repeat(999),
    ]) {
      expect(faultOf(query).code).toBe('KQL_SYNTAX');
    }
    const wide = Array.from({ length: 5000 }, (_, n) => `f${n}: v`).join(' or ');
    expect(compileExpression(parseKql(wide))({ f4999: 'V' })).toBe(true);
  });

  it('throws nothing but KQL_SYNTAX, whatever the text, and what it gives can be compiled', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'a',
        'and',
        'or',
        'not',
        ':',
        '(',
        ')',
        '{',
        '}',
        '"',
        '*',
        '\\',
        ' ',
        '<',
        '>=',
        '10.0.0.0/8',
        '1e9',
        'now-1d',
        '2026-11-23',
        '@timestamp',
        'message',
        '\\and',
        '\\u0041',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (parts) => {
        let fault: unknown;
        try {
          compileExpression(parseKql(parts.join('')))(event);
        } catch (error) {
          fault = error;
        }
        const { code, place } = (fault ?? { code: 'KQL_SYNTAX', place: { column: 1 } }) as PicketError;
        expect([code, typeof place?.column]).toEqual(['KQL_SYNTAX', 'number']);
      }),
      { numRuns: 5000 },
    );
  });

  it('finds any value by its quoted form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (value) => {
        const quoted = `"${value.replace(/[\\"]/g, (special) => `\\${special}`)}"`;
        expect(compileExpression(parseKql(`labels.x: ${quoted}`))({ labels: { x: value } })).toBe(true);
      }),
    );
  });

  it('gives `and` before `or`, and parentheses before both', () => {
    type Tree = { text: string; value: (on: ReadonlySet<string>) => boolean };
    const { node } = fc.letrec<{ node: Tree }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc
          .constantFrom('a', 'b', 'c')
          .map((name): Tree => ({ text: `${name}: 1`, value: (on) => on.has(name) })),
        fc.tuple(tie('node'), tie('node')).map(
          ([l, r]): Tree => ({
            text: `(${l.text}) and (${r.text})`,
            value: (on) => l.value(on) && r.value(on),
          }),
        ),
        fc.tuple(tie('node'), tie('node'), tie('node')).map(
          ([l, m, r]): Tree => ({
            text: `(${l.text}) or (${m.text}) and (${r.text})`,
            value: (on) => l.value(on) || (m.value(on) && r.value(on)),
          }),
        ),
        tie('node').map((inner): Tree => ({ text: `not (${inner.text})`, value: (on) => !inner.value(on) })),
      ),
    }));
    fc.assert(
      fc.property(node, fc.uniqueArray(fc.constantFrom('a', 'b', 'c')), ({ text, value }, names) => {
        const document = Object.fromEntries(names.map((name) => [name, 1]));
        expect(compileExpression(parseKql(text))(document)).toBe(value(new Set(names)));
      }),
    );
  });
});
