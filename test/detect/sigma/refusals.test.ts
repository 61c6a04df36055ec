/** One broken rule for each code: refused with file, line and column, while the rule beside it loads. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compileRules } from '../../../detect/sigma/compile-rules.ts';
import { loadPipelines } from '../../../detect/sigma/load-pipelines.ts';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import { parsePipeline } from '../../../detect/sigma/pipelines/pipeline.ts';
import type { Problem } from '../../../detect/sigma/problem.ts';
import { listFiles, readProjectFile } from '../../house/list-files.ts';
import { ourPipelines } from './compile-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'picket-refusals-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ID = '5f113a8f-8b61-41ca-b90f-d374fa7e4a39';
const RULE = `title: Broken
id: ${ID}
logsource:
  product: windows
detection:
  sel:
    A: x
  condition: sel
`;
const GOOD = RULE.replace(ID, ID.replace('5', '6')).replace('Broken', 'Good');
const CORRELATION = `title: Broken\ncorrelation:\n  type: event_count\n  rules: [a]\n  timespan: 5m\n  condition: { gte: 2 }\n`;
const FILTER = `title: Broken\nlogsource:\n  product: windows\nfilter:\n  rules: [${ID.replace('5', '6')}]\n  sel: { A: 1 }\n  condition: not sel\n`;
const swap = (from: string, to: string, text = RULE): string => {
  if (!text.includes(from)) throw new Error(from);
  return text.replace(from, () => to);
};

const BROKEN: [code: string, text: string, line: number, column: number][] = [
  ['YAML_INVALID', swap('  sel:', '  sel: ['), 8, 3],
  ['SIGMA_DOCUMENT', '- a list', 1, 1],
  ['SIGMA_ACTION', `action: explode\n${RULE}`, 1, 1],
  ['SIGMA_TITLE', swap('title: Broken\n', ''), 1, 1],
  ['SIGMA_FIELD_TYPE', swap('title: Broken', 'title: Broken\nauthor: { a: b }'), 2, 1],
  ['SIGMA_LEVEL', `${RULE}level: loud\n`, 9, 1],
  ['SIGMA_STATUS', `${RULE}status: fine\n`, 9, 1],
  ['SIGMA_PICKET_BLOCK', `${RULE}picket:\n  scope: moon\n`, 10, 3],
  ['SIGMA_LOGSOURCE', swap('  product: windows', '  definition: x'), 3, 1],
  ['SIGMA_DETECTION', swap('    A: x', '    {}'), 6, 3],
  ['SIGMA_CONDITION', swap('condition: sel', 'condition: sel and'), 8, 3],
  ['SIGMA_CONDITION_UNKNOWN_NAME', swap('condition: sel', 'condition: sell'), 8, 3],
  ['SIGMA_MODIFIER_UNKNOWN', swap('A: x', 'A|contans: x'), 7, 5],
  ['SIGMA_MODIFIER_ORDER', swap('A: x', 'A|contains|re: x'), 7, 5],
  ['SIGMA_VALUE', swap('A: x', 'A|cidr:\n      - 10.0.0.0/8\n      - here'), 9, 9],
  ['SIGMA_REGEX', swap('A: x', "A|re: '(a*)*\\1'"), 7, 5],
  ['SIGMA_PLACEHOLDER', swap('A: x', "A|expand: '%here%'"), 7, 5],
  ['SIGMA_PIPELINE', swap('A: x', 'Forbidden: x'), 7, 5],
  ['SIGMA_CORRELATION', swap('5m', '5 minutes', CORRELATION), 5, 3],
  ['SIGMA_FILTER', swap('not sel', '[not sel, sel]', FILTER), 7, 3],
  ['SIGMA_FILTER_UNKNOWN_RULE', swap(ID.replace('5', '6'), 'nobody', FILTER), 5, 11],
  ['SIGMA_FILTER_LOGSOURCE', swap('windows', 'linux', FILTER), 5, 11],
  ['SIGMA_FILTER_NO_RULE', swap(`[${ID.replace('5', '6')}]`, 'Any', swap('windows', 'linux', FILTER)), 1, 1],
  ['SIGMA_FILTER_EXPIRED', `${FILTER}picket: { expires: 2020-01-01 }\n`, 1, 1],
  ['SIGMA_ID_TAKEN', `${GOOD}description: another\n`, 1, 1],
];
const PIPELINES: [code: string, text: string, line: number, column: number][] = [
  ['PIPELINE_INVALID', 'transformations:\n- type: field_name_prefix\n', 2, 3],
  ['PIPELINE_TRANSFORMATION_UNKNOWN', 'transformations:\n- type: make_coffee\n', 2, 3],
  [
    'PIPELINE_CONDITION_UNKNOWN',
    'transformations:\n- type: drop_detection_item\n  rule_conditions:\n  - type: full_moon\n',
    4,
    5,
  ],
];

function refuse(code: string, text: string): { refused: Problem[]; loaded: string[] } {
  const path = join(folder, code);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'a-good.yml'), GOOD);
  writeFileSync(join(path, 'broken.yml'), text);
  const { rules, refused } = loadRules({ folders: [path], now: new Date('2026-01-01') });
  const compiled = compileRules({
    rules,
    pipelines: [
      parsePipeline({
        text: 'transformations:\n- type: detection_item_failure\n  message: no such field\n  field_name_conditions: [{ type: include_fields, fields: [Forbidden] }]',
        file: 'p.yml',
      }),
    ],
    routes: ourPipelines().routes,
  });
  return {
    refused: [...refused, ...compiled.refused],
    loaded: compiled.engine.rules.map(({ info }) => info.name),
  };
}

describe('refused', () => {
  it.each(BROKEN)('%s says where, and the rest loads', (code, text, line, column) => {
    const { refused, loaded } = refuse(code, text);
    expect(refused).toMatchObject([
      { code, place: { file: join(folder, code, 'broken.yml'), line, column } },
    ]);
    expect(refused[0]?.message).not.toBe('');
    expect(loaded).toEqual(['Good']);
  });

  it.each(PIPELINES)('%s says where, and other pipelines load', (code, text, line, column) => {
    const path = join(folder, code);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'broken.yml'), text);
    writeFileSync(join(path, 'good.yml'), 'transformations: []');
    const { refused, pipelines } = loadPipelines(path);
    expect(refused).toMatchObject([{ code, place: { file: join(path, 'broken.yml'), line, column } }]);
    expect(pipelines).toHaveLength(1);
  });

  it('folders that cannot be read are said', () => {
    const nowhere = join(folder, 'nowhere');
    expect(loadRules({ folders: [nowhere] }).refused).toMatchObject([
      { code: 'RULES_UNREADABLE', place: { file: nowhere } },
    ]);
    expect(loadPipelines(nowhere).refused).toMatchObject([
      { code: 'PIPELINES_UNREADABLE', place: { file: nowhere } },
    ]);
  });

  it('every code of the parser is tried here and stands in docs/sigma.md', () => {
    const sources = listFiles('detect/sigma', /\.ts$/).map(readProjectFile).join('\n');
    const written = new Set(
      sources.match(/(?<=')(?:SIGMA|PIPELINE|PIPELINES|RULES|LOGSOURCES)_[A-Z_]+(?=')/g),
    );
    const page = readProjectFile('docs/sigma.md');
    const table = new Set(
      [...page.slice(page.indexOf('## Refusals')).matchAll(/^\| `([A-Z_]+)` \|/gm)].map(
        ([, code]) => code ?? '',
      ),
    );
    // The prefix by which the parser knows a fault of modifiers is no code.
    written.delete('SIGMA_MODIFIER');
    expect([...written].filter((code) => !table.has(code))).toEqual([]);
    expect([...table].filter((code) => !written.has(code) && code !== 'YAML_INVALID')).toEqual([]);
    const tried = new Set([...BROKEN, ...PIPELINES].map(([code]) => code));
    const elsewhere = [
      'RULES_UNREADABLE',
      'PIPELINES_UNREADABLE',
      'LOGSOURCES_INVALID',
      'LOGSOURCES_MISSING',
      'PIPELINE_NO_EFFECT',
      'PIPELINE_OTHER_BACKEND',
    ];
    expect([...written].filter((code) => !tried.has(code) && !elsewhere.includes(code))).toEqual([]);
  });
});
