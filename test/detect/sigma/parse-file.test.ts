import { describe, expect, it } from 'vitest';
import { parseRuleFile } from '../../../detect/sigma/parse-file.ts';

const id = (at: number): string => `5f113a8f-8b61-41ca-b90f-d374fa7e4a3${at}`;
const parse = (...documents: string[]) => parseRuleFile({ text: documents.join('\n---\n'), file: 'c.yml' });
const GLOBAL = 'action: global\ntitle: Base\nlogsource: { product: a }\ndetection: { sel: { A: 1 } }';
const rule = (at: number, more = ''): string =>
  `id: ${id(at)}\ndetection: { condition: sel }${more === '' ? '' : `\n${more}`}`;

describe('rule collections', () => {
  it('merge global documents into every rule that follows, mappings key by key', () => {
    const { rules, refused } = parse(GLOBAL, rule(1), rule(2, 'level: high'));
    expect(refused).toEqual([]);
    expect(
      rules.map(({ id: own, title, level, logsource }) => [own, title, level, logsource.product]),
    ).toEqual([
      [id(1), 'Base', 'medium', 'a'],
      [id(2), 'Base', 'high', 'a'],
    ]);
    expect([...(rules[0]?.selections.keys() ?? [])]).toEqual(['sel']);
  });

  it('let a global document win over the rule, and a later global over an earlier', () => {
    const { rules } = parse(
      `${GLOBAL}\nlevel: low\ntags: [a.b]`,
      'action: global\nlevel: critical',
      rule(1, 'level: high\ntags: [c.d, e.f]'),
    );
    expect(rules.map(({ level, tags }) => [level, tags])).toEqual([['critical', ['a.b']]]);
  });

  it('forget all global documents at reset', () => {
    const { rules, refused } = parse(GLOBAL, rule(1), 'action: reset', rule(2));
    expect(rules).toHaveLength(1);
    expect(refused).toMatchObject([{ code: 'SIGMA_TITLE', place: { line: 11 } }]);
  });

  it('repeat the rule before, each on the last, globals included', () => {
    const { rules, refused } = parse(
      GLOBAL,
      rule(1),
      `action: repeat\nid: ${id(2)}\nlevel: high`,
      `action: repeat\nid: ${id(3)}\ndetection: { other: { B: 1 }, condition: sel and other }`,
    );
    expect(refused).toEqual([]);
    expect(rules.map(({ level }) => level)).toEqual(['medium', 'high', 'high']);
    expect(rules[2]?.conditions).toMatchObject([{ op: 'and' }]);
  });

  it('repeat the global document when no rule stands before', () => {
    expect(parse(GLOBAL, `action: repeat\n${rule(1)}`).rules).toHaveLength(1);
  });

  it('leave correlations and filters alone, and out of what is repeated', () => {
    const { rules, correlations, filters, refused } = parse(
      GLOBAL,
      rule(1, 'name: base'),
      'title: Many\ncorrelation: { type: event_count, rules: [base], timespan: 1m, condition: { gte: 2 } }',
      'title: Less\nlogsource: { product: a }\nfilter: { rules: base, s: { B: 1 }, condition: not s }',
      `action: repeat\nid: ${id(2)}`,
    );
    expect(refused).toEqual([]);
    expect([rules.length, correlations.length, filters.length]).toEqual([2, 1, 1]);
    expect(correlations[0]?.title).toBe('Many');
    expect(rules[1]?.name).toBe('base');
  });

  it('name the line where a faulty value was written, whichever document gave it', () => {
    const { refused } = parse(
      'action: global\ntitle: Base\nlogsource: { product: a }\ndetection:\n  sel:\n    A|contans: x',
      rule(1),
      `action: repeat\nid: ${id(2)}\ndetection:\n  more:\n    B|cidr: nothing`,
    );
    expect(refused.map(({ code, place }) => `${code}:${place.line}`)).toEqual([
      'SIGMA_MODIFIER_UNKNOWN:6',
      'SIGMA_MODIFIER_UNKNOWN:6',
    ]);
    expect(
      parse(GLOBAL, rule(1), 'action: repeat\ndetection:\n  sel:\n    B|cidr: nothing').refused,
    ).toMatchObject([{ code: 'SIGMA_VALUE', place: { line: 12 } }]);
  });

  it('skip empty documents and refuse what is no rule and no action, going on', () => {
    const { rules, refused } = parse('', GLOBAL, '- list', 'action: explode', rule(1), '');
    expect(rules).toHaveLength(1);
    expect(refused.map(({ code, place }) => `${code}:${place.line}`)).toEqual([
      'SIGMA_DOCUMENT:8',
      'SIGMA_ACTION:10',
    ]);
    expect(parse(`action: repeat\n${rule(1)}`).refused).toMatchObject([{ code: 'SIGMA_ACTION' }]);
  });
});
