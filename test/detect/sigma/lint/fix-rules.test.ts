import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { LINT_CHECKS } from '../../../../detect/sigma/lint/catalogue.ts';
import { describeMeaning, fixRules, fixRuleText } from '../../../../detect/sigma/lint/fix-rules.ts';
import { lintRuleText } from '../../../../detect/sigma/lint/lint-rules.ts';
import { parseRuleFile } from '../../../../detect/sigma/parse-file.ts';

const ID = '5f113a8f-8b61-41ca-b90f-d374fa7e4a39';
const file = 'a_rule_to_fix.yml';
const makeId = (): string => ID;
const fix = (text: string): string => fixRuleText({ text, file, makeId }).text;
const RULE = `title: Tool # says what
id: ${ID}
status: test
level: high
logsource:
  product: windows
detection:
  sel:
    A: x
  condition: sel
`;

describe('fixes', () => {
  it.each([
    ['LINT_ID_MISSING', `id: ${ID}\n`, '', `id: ${ID}\n`],
    ['LINT_STATUS_CASE', 'status: test', 'status: "Test" # c', 'status: "test" # c'],
    ['LINT_LEVEL_CASE', 'level: high', 'level: HIGH', 'level: high'],
    ['LINT_KEY_CASE', 'level: high', 'Level: high', 'level: high'],
    ['LINT_KEY_UNKNOWN', 'level: high', 'level: high\nrefernces: [a]', 'level: high\nreferences: [a]'],
    ['LINT_LOGSOURCE_CASE', 'product: windows', "product: 'Windows'", "product: 'windows'"],
    ['LINT_DATE', 'level: high', 'level: high\ndate: 2026/1/02 # day', 'level: high\ndate: 2026-01-02 # day'],
    ['LINT_DATE', 'level: high', "level: high\nmodified: '2026.10.02'", 'level: high\nmodified: 2026-10-02'],
    [
      'LINT_TAG_CASE',
      'level: high',
      'level: high\ntags:\n  - attack.T1059 # c',
      'level: high\ntags:\n  - attack.t1059 # c',
    ],
    [
      'LINT_TAG_TWICE',
      'level: high',
      'level: high\ntags:\n  - attack.t1059\n  # kept\n  - attack.t1059\n  - cve.2021-44228',
      'level: high\ntags:\n  - attack.t1059\n  # kept\n  - cve.2021-44228',
    ],
    [
      'LINT_TAG_TWICE',
      'level: high',
      'level: high\ntags: [attack.t1059, "attack.t1059"]',
      'level: high\ntags: [attack.t1059]',
    ],
    [
      'LINT_REFERENCE_TWICE',
      'level: high',
      'level: high\nreferences:\n- a\n- a',
      'level: high\nreferences:\n- a',
    ],
    [
      'LINT_FIELD_TWICE',
      'level: high',
      'level: high\nfields: [A, B, A , C]',
      'level: high\nfields: [A, B , C]',
    ],
    ['LINT_ALL_SINGLE', 'A: x', 'A|contains|all: x', 'A|contains: x'],
    ['LINT_ALL_SINGLE', 'A: x', 'A|all:\n      - x', 'A:\n      - x'],
    ['LINT_MODIFIER_TWICE', 'A: x', '"A|contains|contains": x', '"A|contains": x'],
    ['LINT_VALUE_TWICE', 'A: x', "A:\n      - x\n      - 'X'\n      - y", 'A:\n      - x\n      - y'],
    ['LINT_VALUE_TWICE', 'A: x', 'A: [1, 2, 1]', 'A: [1, 2]'],
    ['LINT_WILDCARD_ONLY', 'A: x', "A: '*' # any", 'A|exists: true # any'],
    ['LINT_WILDCARD_NEEDLESS', 'A: x', "A|contains: ['*x*', 'y*', 'a\\*']", "A|contains: ['x', 'y', 'a\\*']"],
    ['LINT_WILDCARD_NEEDLESS', 'A: x', "A|startswith: 'C:\\x\\\\*'", "A|startswith: 'C:\\x\\'"],
    ['LINT_WILDCARD_NEEDLESS', 'A: x', "A|endswith: '*it''s*x'", "A|endswith: 'it''s*x'"],
    ['LINT_WILDCARD_FOR_MODIFIER', 'A: x', 'A: "*\\\\x.exe"', 'A|endswith: "\\\\x.exe"'],
    [
      'LINT_WILDCARD_FOR_MODIFIER',
      'A: x',
      "A|all:\n      - '*x*' # one\n      - '*y*'",
      "A|contains|all:\n      - 'x' # one\n      - 'y'",
    ],
    ['LINT_WILDCARD_FOR_MODIFIER', 'A: x', "A: ['x*', 'y*']", "A|startswith: ['x', 'y']"],
    ['LINT_WILDCARD_DOUBLE', 'A: x', "A: 'a**b***c\\**'", "A: 'a*b*c\\**'"],
    [
      'LINT_CONDITION_CASE',
      'condition: sel',
      'condition: NOT sel Or 1 Of sel',
      'condition: not sel or 1 of sel',
    ],
    ['LINT_LINE_BREAKS', RULE, RULE.replaceAll('\n', '\r\n'), RULE],
    ['LINT_BYTE_ORDER_MARK', RULE, `\ufeff${RULE}`, RULE],
  ])('%s of %j', (code, from, bad, good) => {
    const text = RULE.replace(from, () => bad);
    const { text: mended, fixed } = fixRuleText({ text, file, makeId });
    expect(mended).toBe(RULE.replace(from, () => good));
    expect(fixed.map((finding) => finding.code)).toContain(code);
    expect(fix(mended)).toBe(mended);
    expect(lintRuleText({ text: mended, file }).findings.filter((finding) => finding.fix)).toEqual([]);
  });

  it('take level and status from a filter', () => {
    const filter = `title: F\nid: ${ID}\nlevel: high # x\nstatus: test\nlogsource: { product: a }\nfilter:\n  rules: x\n  s: { A: 1 }\n  condition: not s\n`;
    expect(fix(filter)).toBe(filter.replace('status: test\n', ''));
    expect(fix(filter.replace(' # x', ''))).toBe(
      filter.replace('status: test\n', '').replace('level: high # x\n', ''),
    );
  });

  it('are tried for every check that says it has one', () => {
    const said = Object.entries(LINT_CHECKS).filter(([, check]) => 'fix' in check);
    const source = readFileSync(import.meta.filename, 'utf8');
    expect(said.map(([code]) => code).filter((code) => !source.includes(`'${code}'`))).toEqual([]);
    // Filters have a test of their own above.
    expect(['LINT_FILTER_LEVEL', 'LINT_FILTER_STATUS']).toHaveLength(2);
  });

  it.each([
    ['a key that is there already', "    A: '*x'\n    A|endswith: y"],
    ['values of which one has no wildcard', "    A: ['*x', y]"],
    ['a block text', '    A|contains: |\n      *x*'],
    ['an anchor', "    A|contains: &a '*x'"],
    ['a duplicate with a comment', '    A:\n      - x\n      - x # why'],
  ])('leave %s alone', (_title, lines) => {
    const text = RULE.replace('    A: x', lines);
    expect(fix(text)).toBe(text);
  });

  it('leave a text alone that is no YAML, and codes that are switched off', () => {
    expect(fix('title: [')).toBe('title: [');
    const text = RULE.replace('level: high', 'level: HIGH');
    expect(fixRuleText({ text, file, disable: ['LINT_LEVEL_CASE'] }).text).toBe(text);
  });

  it('write files in place', () => {
    const folder = mkdtempSync(join(tmpdir(), 'picket-fix-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'one_of_them.yml'), RULE.replace('high', 'HIGH'));
    writeFileSync(join(folder, 'another_one.yml'), RULE);
    const done = fixRules({ folders: [folder] });
    expect([done.files, done.fixed.length]).toEqual([1, 1]);
    expect(readFileSync(join(folder, 'one_of_them.yml'), 'utf8')).toBe(RULE);
    expect(fixRules({ folders: [folder] })).toEqual({ files: 0, fixed: [] });
  });
});

const text = fc.string({
  unit: fc.constantFrom('a', 'B', '*', '?', '\\', "'", '"', '-', ' ', '#', '%', ':'),
  maxLength: 6,
});
const value = fc.oneof(
  text,
  fc.constantFrom('*', '**', '*a*', 'a*', '*a', '\\*', '\\\\*', 'a', 'A', '5'),
  fc.integer({ min: 0, max: 9 }),
  fc.constant(null),
);
const modifiers = fc.subarray(
  ['contains', 'startswith', 'endswith', 'all', 'cased', 'neq', 'windash', 'base64', 'contains'],
  { maxLength: 3 },
);
const quote = fc.constantFrom('json', 'single', 'block');

function writeValue(one: string | number | null, style: string): string {
  return typeof one === 'string' && style === 'single'
    ? `'${one.replaceAll("'", "''")}'`
    : JSON.stringify(one);
}

describe('a fix of any rule', () => {
  it('leaves its meaning as it was, and is done at once', () => {
    const items = fc.uniqueArray(
      fc.record({
        field: fc.constantFrom('A', 'B', ''),
        modifiers,
        values: fc.array(value, { minLength: 1, maxLength: 3 }),
        quote,
        list: fc.boolean(),
      }),
      { selector: (one) => [one.field, ...one.modifiers].join('|'), minLength: 1, maxLength: 3 },
    );
    let fixes = 0;
    fc.assert(
      fc.property(
        items,
        fc.constantFrom('sel', 'NOT sel', '1 of them', 'all OF sel*'),
        (chosen, condition) => {
          const lines = chosen.map(({ field, modifiers: own, values, quote: style, list }) => {
            const key = JSON.stringify([field, ...own].join('|'));
            if (values.length === 1 && !list)
              return `    ${key}: ${writeValue(values[0] ?? null, style)} # note`;
            if (style === 'block')
              return `    ${key}:\n${values.map((one) => `      - ${writeValue(one, style)}`).join('\n')}`;
            return `    ${key}: [${values.map((one) => writeValue(one, style)).join(', ')}]`;
          });
          const rule = RULE.replace('    A: x', () => lines.join('\n')).replace(
            'condition: sel',
            `condition: ${condition}`,
          );
          const mended = fixRuleText({ text: rule, file, makeId });
          fixes += mended.fixed.length;
          const before = describeMeaning(rule, file);
          const [after] = describeMeaning(mended.text, file);
          expect(before[0] ?? after).toBe(after);
          expect(fix(mended.text)).toBe(mended.text);
          expect(mended.text.match(/# note/g)?.length ?? 0).toBe(rule.match(/# note/g)?.length ?? 0);
          expect(parseRuleFile({ text: mended.text, file }).documents).toHaveLength(1);
        },
      ),
      { numRuns: 400 },
    );
    expect(fixes).toBeGreaterThan(100);
  });
});
