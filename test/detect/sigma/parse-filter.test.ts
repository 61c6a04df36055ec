import { describe, expect, it } from 'vitest';
import { parseRuleFile } from '../../../detect/sigma/parse-file.ts';

const HEAD = 'title: Admins\nlogsource: { product: windows }\n';
const parse = (text: string) => parseRuleFile({ text, file: 'f.yml' });

describe('a filter document', () => {
  it('gives its references with their places, its selections and its condition', () => {
    const { filters, rules, refused } = parse(
      `${HEAD}filter:\n  rules:\n    - some_rule\n    - 6f3e2987-db24-4c78-a860-b4f4095a7095\n  sel_a: { User: x }\n  sel_b: { User: y }\n  condition: not 1 of sel_*\npicket: { reason: known admins, expires: 2026-12-01 }\n`,
    );
    expect(refused).toEqual([]);
    expect(rules).toEqual([]);
    expect(filters).toMatchObject([
      {
        kind: 'filter',
        title: 'Admins',
        logsource: { product: 'windows' },
        rules: [
          { reference: 'some_rule', place: { file: 'f.yml', line: 5, column: 7 } },
          { reference: '6f3e2987-db24-4c78-a860-b4f4095a7095', place: { line: 6 } },
        ],
        condition: { op: 'not', of: { op: 'or' } },
        reason: 'known admins',
        expires: '2026-12-01T00:00:00.000Z',
      },
    ]);
    expect([...(filters[0]?.selections.keys() ?? [])]).toEqual(['sel_a', 'sel_b']);
  });

  it('takes `any` and a single reference', () => {
    const text = (rules: string) =>
      `${HEAD}filter: { rules: ${rules}, selection: { A: 1 }, condition: not selection }\n`;
    expect(parse(text('Any')).filters[0]?.rules).toBe('any');
    expect(parse(text('one_rule')).filters[0]?.rules).toMatchObject([{ reference: 'one_rule' }]);
  });

  it.each([
    ['no mapping', 'filter: x', 'SIGMA_FILTER', 3],
    ['no rules', 'filter:\n  s: { A: 1 }\n  condition: not s', 'SIGMA_FILTER', 3],
    ['an empty list of rules', 'filter:\n  rules: []\n  s: { A: 1 }\n  condition: not s', 'SIGMA_FILTER', 4],
    ['a number for a rule', 'filter:\n  rules: [1]\n  s: { A: 1 }\n  condition: not s', 'SIGMA_FILTER', 4],
    ['no condition', 'filter:\n  rules: Any\n  s: { A: 1 }', 'SIGMA_CONDITION', 3],
    ['no selection', 'filter:\n  rules: Any\n  condition: not s', 'SIGMA_DETECTION', 3],
    ['two conditions', 'filter:\n  rules: Any\n  s: { A: 1 }\n  condition: [not s, s]', 'SIGMA_FILTER', 6],
    [
      'a name that is no selection',
      'filter:\n  rules: Any\n  s: { A: 1 }\n  condition: not t',
      'SIGMA_CONDITION_UNKNOWN_NAME',
      6,
    ],
    [
      'a foreign key in our block',
      'filter:\n  rules: Any\n  s: { A: 1 }\n  condition: not s\npicket:\n  expiry: 2026-01-01',
      'SIGMA_PICKET_BLOCK',
      8,
    ],
    [
      'an expiry that is no time',
      'filter:\n  rules: Any\n  s: { A: 1 }\n  condition: not s\npicket:\n  expires: soon',
      'SIGMA_PICKET_BLOCK',
      8,
    ],
  ])('is refused with %s, and the place said', (_title, block, code, line) => {
    const { filters, refused } = parse(`${HEAD}${block}\n`);
    expect(filters).toEqual([]);
    expect(refused).toMatchObject([{ code, place: { file: 'f.yml', line }, rule: { title: 'Admins' } }]);
  });

  it('needs a logsource', () => {
    expect(parse('title: X\nfilter: { rules: Any, s: { A: 1 }, condition: not s }\n').refused).toMatchObject([
      { code: 'SIGMA_LOGSOURCE' },
    ]);
  });
});
