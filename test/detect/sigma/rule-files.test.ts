import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import { parseRuleFile } from '../../../detect/sigma/parse-file.ts';
import { testRules } from '../../../detect/sigma/test-rules.ts';
import type { JsonObject } from '../../../platform/core/event.ts';
import { ourPipelines, ruleText } from './compile-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'picket-rules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const SEL = '  sel:\n    A: 1\n  condition: sel';

function write(name: string, files: Record<string, string>): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

describe('rule files', () => {
  it('read correlation rules and name what they refer to', () => {
    const text = `${ruleText(SEL)}name: base\n---
title: Many
id: 5f113a8f-8b61-41ca-b90f-d374fa7e4a40
correlation:
  type: value_count
  rules: [base]
  group-by: [host.name]
  timespan: 5m
  condition: { gte: 3, field: user.name }
`;
    const { correlations, refused } = parseRuleFile({ text, file: 'c.yml' });
    expect(refused).toEqual([]);
    expect(correlations).toMatchObject([
      {
        type: 'value_count',
        rules: ['base'],
        groupBy: ['host.name'],
        timespan_ms: 300_000,
        condition: [{ with: 'gte', value: 3 }],
        field: ['user.name'],
        generate: false,
      },
    ]);
  });

  it.each([
    ['type: event_coun', 'SIGMA_CORRELATION', 4],
    ['type: event_count\n  rules: [a]\n  timespan: 0m\n  condition: { gte: 1 }', 'SIGMA_CORRELATION', 6],
    ['type: event_count\n  rules: [a]\n  timespan: 5m\n  condition: { about: 1 }', 'SIGMA_CORRELATION', 7],
  ])('refuse the correlation %j', (block, code, line) => {
    const { refused } = parseRuleFile({ text: `title: T\nid: x\ncorrelation:\n  ${block}\n`, file: 'c.yml' });
    expect(refused).toMatchObject([{ code, place: { line } }]);
  });

  it('never throw, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((text) => `title: x\nlogsource: {product: a}\ndetection: ${text}`),
        ),
        (text) => {
          const { rules, correlations, refused } = parseRuleFile({ text, file: 'f.yml' });
          expect(rules.length + correlations.length + refused.length).toBeGreaterThanOrEqual(0);
        },
      ),
    );
  });

  it('load with gates, refusing the same id twice and going on after faults', () => {
    const path = write('load', {
      'a.yml': ruleText(SEL),
      'b.yml': ruleText(SEL).replace('A: 1', 'A: 2'),
      'c.yml': 'title: [',
      'd.yml': ruleText(SEL).replace('5f113a8f', '6f113a8f').replace('high', 'low'),
      'a.match.ndjson': '{}',
    });
    const loaded = loadRules({ folders: [path, join(folder, 'nowhere')], gates: { level: 'medium' } });
    expect(loaded.rules.map(({ rule }) => rule.level)).toEqual(['high']);
    expect(loaded.gated).toHaveLength(1);
    expect(loaded.refused.map(({ code }) => code)).toEqual([
      'SIGMA_ID_TAKEN',
      'YAML_INVALID',
      'RULES_UNREADABLE',
    ]);
    const again = loadRules({ folders: [path] });
    expect(again.packs[0]?.hash).toBe(loaded.packs[0]?.hash);
    write('load', { 'd.yml': ruleText(SEL).replace('5f113a8f', '7f113a8f') });
    expect(loadRules({ folders: [path] }).packs[0]?.hash).not.toBe(loaded.packs[0]?.hash);
  });

  it('are tested with the records beside them', () => {
    const rule = `${ruleText('  sel:\n    A: 1\n  condition: sel', 'product: anything')}picket: { test_source: plain }\n`;
    const path = write('tests', {
      'good.yml': rule,
      'good.match.ndjson': '{"A":1}\n',
      'good.nomatch.ndjson': '{"A":2}\n',
      'bad.yml': rule.replace('5f113a8f', '6f113a8f'),
      'bad.match.ndjson': '{"A":2}\nnot json\n',
    });
    const normalise = (format: string, record: Uint8Array): JsonObject[] => {
      expect(format).toBe('plain');
      return [
        { ...(JSON.parse(Buffer.from(record).toString()) as JsonObject), event: { dataset: 'anything' } },
      ];
    };
    const { results } = testRules({ folders: [path], ...ourPipelines(), normalise });
    expect(
      results.map(({ failures, matching, others }) => [
        matching,
        others,
        failures.map(({ code, place }) => `${code}:${place.line ?? 0}`),
      ]),
    ).toEqual([
      [2, 0, ['RULE_TEST_FAILED:1', 'INTERNAL:2', 'RULE_TEST_MISSING:1']],
      [1, 1, []],
    ]);
  });
});
