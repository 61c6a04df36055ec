// A drafted exception hides exactly the values it was made from, whatever they hold.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { draftException, escapeSigma } from '../../../detect/exceptions/draft-exception.ts';
import { readOneException } from '../../../detect/exceptions/exception.ts';
import { buildExceptionTable } from '../../../detect/exceptions/exception-table.ts';
import type { Match, RuleInfo } from '../../../detect/match.ts';
import { parseRuleFile } from '../../../detect/sigma/parse-file.ts';
import type { SigmaRule } from '../../../detect/sigma/rule.ts';
import { parseSigmaText, plainText } from '../../../detect/sigma/sigma-text.ts';
import type { PicketEvent } from '../../../platform/core/event.ts';
import { ourPipelines } from '../sigma/compile-text.ts';

const { pipelines } = ourPipelines();

function ruleOf(logsource: string, field = 'a'): SigmaRule {
  const text = `title: A rule\nid: 00000000-0000-4000-8000-000000000001\nlogsource: ${logsource}\ndetection:\n  selection: { ${field}: x }\n  condition: selection\n`;
  return parseRuleFile({ text, file: 'rule.yml' }).rules[0] as SigmaRule;
}

function draft(
  rule: SigmaRule,
  values: { field: string; value: string }[],
): ReturnType<typeof draftException> {
  return draftException({
    id: '00000000-0000-4000-8000-000000000002',
    title: 'Known: "quoted" # not a comment',
    author: 'li: [x]',
    reason: 'because\nof that',
    expires: '2027-01-31',
    rule,
    pipelines,
    values,
  });
}

function isHidden(rule: SigmaRule, text: string, event: object): boolean {
  const exception = readOneException(text, 'draft.yml');
  const table = buildExceptionTable({ exceptions: [exception], rules: [rule], correlations: [], pipelines });
  expect(table.problems).toEqual([]);
  const match: Match = {
    rule: { id: rule.id } as RuleInfo,
    event: event as PicketEvent,
    reasons: () => [],
  };
  return table.suppressedBy(match, 0) !== undefined;
}

describe('a draft', () => {
  test('escapes so that Sigma reads the very characters', () => {
    const wrong = fc.check(
      fc.property(fc.string({ unit: fc.constantFrom('\\', '*', '?', 'a', '%', '"') }), (text) => {
        return plainText(parseSigmaText(escapeSigma(text))) === text;
      }),
      { numRuns: 2_000 },
    );
    expect(wrong.counterexample).toBeNull();
  });

  test('hides an event with the same values and no other, whatever characters they hold', () => {
    const rule = ruleOf('{ product: windows, category: process_creation }');
    const wrong = fc.check(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (value) => {
        const { text, unnamed } = draft(rule, [{ field: 'host.name', value }]);
        return (
          unnamed.length === 0 &&
          isHidden(rule, text, { host: { name: value } }) &&
          !isHidden(rule, text, { host: { name: `${value}x` } })
        );
      }),
      { numRuns: 100 },
    );
    expect(wrong.counterexample).toBeNull();
  });

  test.each([
    ['{ product: windows }', 'winlog.event_data.TargetUserName'],
    ['{ product: windows }', 'winlog.channel'],
    ['{ product: linux }', 'process.executable'],
    ['{ product: linux, service: auditd }', 'user.name'],
    ['{ product: kubernetes, service: audit }', 'kubernetes.audit.verb'],
    ['{ product: kubernetes, service: audit }', 'orchestrator.namespace'],
    ['{ product: falco }', 'falco.output_fields.proc.name'],
    ['{ product: falco }', 'rule.name'],
    ['{ product: netflow }', 'destination.port'],
  ])('of a rule of %s can name %s', (logsource, field) => {
    const rule = ruleOf(logsource);
    const { text, unnamed } = draft(rule, [{ field, value: '7' }]);
    expect(unnamed).toEqual([]);
    expect(isHidden(rule, text, { [field]: '7' })).toBe(true);
    expect(isHidden(rule, text, { [field]: '8' })).toBe(false);
  });

  test('says which fields no filter of the rule can name', () => {
    const rule = ruleOf('{ product: windows, category: process_creation }', 'Image');
    const { text, unnamed } = draft(rule, [
      { field: 'host.name', value: 'h' },
      { field: 'winlog.event_data.NewProcessName', value: 'x' },
      { field: 'observer.name', value: 'y' },
    ]);
    // Written as it is, this one would become winlog.event_data.observer.name.
    expect(unnamed).toEqual(['observer.name']);
    expect(text).toContain('"winlog.event_data.NewProcessName": "x"');
    expect(text).not.toContain('observer');
  });

  test('keeps title, author, reason and end', () => {
    const { text } = draft(ruleOf('{ product: linux }'), [{ field: 'host.name', value: 'h' }]);
    expect(readOneException(text, 'draft.yml')).toMatchObject({
      author: 'li: [x]',
      reason: 'because\nof that',
      filter: { title: 'Known: "quoted" # not a comment', expires: '2027-01-31T00:00:00.000Z' },
    });
  });
});
