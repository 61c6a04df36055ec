// The block prefilter: whatever an expression matches, the block's terms must let through.
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileExpression } from '../../../platform/core/expression/compile.ts';
import type { Expression, StringMode } from '../../../platform/core/expression/expression.ts';
import { compilePrefilter } from '../../../platform/index/embedded/prefilter.ts';
import { TermCollector } from '../../../platform/index/embedded/terms.ts';
import { arbitraryText } from './random-questions.ts';

/** Asks a real FTS5 table made as a segment makes it. */
function openTerms() {
  const database = new DatabaseSync(':memory:');
  database.exec(
    `CREATE VIRTUAL TABLE terms USING fts5(text, content='', contentless_delete=1, columnsize=1, detail=none, tokenize="ascii tokenchars '_'")`,
  );
  return (document: unknown, where: Expression): boolean => {
    const prefilter = compilePrefilter(where);
    if (prefilter.kind !== 'match') return prefilter.kind === 'all';
    const collector = new TermCollector();
    collector.addDocument(document);
    database.prepare('INSERT INTO terms (rowid, text) VALUES (1, ?)').run(collector.text());
    const found =
      database.prepare('SELECT rowid FROM terms WHERE terms MATCH ?').all(prefilter.query).length === 1;
    database.prepare('DELETE FROM terms WHERE rowid = 1').run();
    return found;
  };
}

const words = fc.array(fc.oneof(arbitraryText, fc.constantFrom(' ', '\\', '-', '.', '\u0301', '\u0338')), {
  minLength: 1,
  maxLength: 4,
});

describe('the block prefilter', () => {
  it('never rules out a block whose event holds the piece of text asked for', () => {
    const lets = openTerms();
    fc.assert(
      fc.property(
        words.map((parts) => parts.join('')),
        fc.constantFrom<StringMode>('equals', 'startswith', 'endswith', 'contains', 'wildcard'),
        fc.nat(),
        fc.nat(),
        fc.constantFrom('as is', 'upper', 'lower'),
        (value, a, b, c, spelling) => {
          const mode = a;
          const [start, end] = [b % (value.length + 1), c % (value.length + 1)].sort((x, y) => x - y) as [
            number,
            number,
          ];
          const escape = (text: string): string => text.replace(/[*?\\]/g, (special) => `\\${special}`);
          const asked = {
            equals: value,
            startswith: value.slice(0, end),
            endswith: value.slice(start),
            contains: value.slice(start, end),
            wildcard: `${escape(value.slice(0, start))}*${escape(value.slice(end))}`,
          }[mode];
          const spelled =
            spelling === 'upper' ? asked.toUpperCase() : spelling === 'lower' ? asked.toLowerCase() : asked;
          const where: Expression = {
            op: 'leaf',
            field: 'a.b',
            test: { kind: 'string', mode, value: spelled },
          };
          const document = { a: [{ b: value }] };
          expect(!compileExpression(where)(document) || lets(document, where)).toBe(true);
        },
      ),
      { numRuns: 4000 },
    );
  });

  it('never rules out a block by phrase, number or boolean', () => {
    const lets = openTerms();
    fc.assert(
      fc.property(
        fc.oneof(arbitraryText, fc.double({ noNaN: true }), fc.boolean()),
        fc.oneof(
          arbitraryText.map((value) => ({ kind: 'text' as const, value })),
          fc.constantFrom(200, 0, -0, 1e300).map((value) => ({ kind: 'number' as const, value })),
          fc.boolean().map((value) => ({ kind: 'boolean' as const, value })),
        ),
        (value, test) => {
          const where: Expression = { op: 'leaf', field: '*', test };
          expect(!compileExpression(where)({ value }) || lets({ value }, where)).toBe(true);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('rules out what cannot match', () => {
    const lets = openTerms();
    const document = { source: { ip: '10.1.2.3' }, message: 'powershell.exe started' };
    const equal = (value: string): Expression => ({
      op: 'leaf',
      field: 'source.ip',
      test: { kind: 'string', mode: 'equals', value },
    });
    expect(lets(document, equal('10.1.2.3'))).toBe(true);
    // The same words, but another value.
    expect(lets(document, equal('3.2.1.10'))).toBe(false);
    expect(lets(document, { op: 'or', of: [equal('1.1.1.1'), equal('10.1.2.3')] })).toBe(true);
    expect(lets(document, { op: 'and', of: [equal('1.1.1.1'), equal('10.1.2.3')] })).toBe(false);
    expect(lets(document, { op: 'not', of: equal('10.1.2.3') })).toBe(true);
  });

  it('walks a document nested a hundred thousand deep', () => {
    let document: unknown = 'bottom';
    for (let depth = 0; depth < 100_000; depth++) document = [document];
    const collector = new TermCollector();
    collector.addDocument(document);
    expect(collector.text()).toBe('bottom');
  });
});
