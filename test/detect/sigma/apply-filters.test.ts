import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { applyFilters } from '../../../detect/sigma/apply-filters.ts';
import { compileRules } from '../../../detect/sigma/compile-rules.ts';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import { parseRuleFile } from '../../../detect/sigma/parse-file.ts';
import { parsePipeline } from '../../../detect/sigma/pipelines/pipeline.ts';
import type { SigmaFilter, SigmaRule } from '../../../detect/sigma/rule.ts';
import { ourPipelines } from './compile-text.ts';

const ID = '5f113a8f-8b61-41ca-b90f-d374fa7e4a39';
const RULE = `title: Tool\nid: ${ID}\nname: tool\nlogsource: { product: windows, category: process_creation }\ndetection:\n  selection: { Image: tool.exe }\n  condition: selection\n`;
const filterText = (
  body: string,
  options: { logsource?: string; title?: string; block?: string } = {},
): string =>
  `title: ${options.title ?? 'Admins'}\nlogsource: { ${options.logsource ?? 'product: windows'} }\nfilter:\n${body}\n${options.block ?? ''}`;
const ADMINS = '  selection: { User: adm }\n  condition: not selection';

function read(text: string): { rules: SigmaRule[]; filters: SigmaFilter[] } {
  const { rules, filters, refused } = parseRuleFile({ text, file: 'all.yml' });
  if (refused.length > 0) throw new Error(JSON.stringify(refused));
  return { rules, filters };
}

function countMatches(rules: readonly SigmaRule[], event: object, pipeline?: string): number {
  const { engine } = compileRules({
    rules: rules.map((rule) => ({ rule, pack: 'p' })),
    pipelines: pipeline ? [parsePipeline({ text: pipeline, file: 'p.yml' })] : [],
    routes: ourPipelines().routes,
    raw: true,
  });
  return engine.match(event).length;
}

describe('filters', () => {
  it.each([
    ['id', ID],
    ['id in capitals', ID.toUpperCase()],
    ['name', 'tool'],
  ])('narrow a rule named by %s', (_title, reference) => {
    const { rules, filters } = read(`${RULE}---\n${filterText(`  rules: [${reference}]\n${ADMINS}`)}`);
    const filtered = applyFilters({ rules, filters });
    expect(filtered.problems).toEqual([]);
    expect(filtered.applied.map((one) => one.rules)).toEqual([[ID]]);
    expect(filtered.rules[0]?.filters).toEqual([{ id: filters[0]?.id, title: 'Admins' }]);
    expect(filtered.rules[0]?.version).toBe(rules[0]?.version);
    expect(countMatches(rules, { Image: 'tool.exe', User: 'adm' })).toBe(1);
    expect(countMatches(filtered.rules, { Image: 'tool.exe', User: 'adm' })).toBe(0);
    expect(countMatches(filtered.rules, { Image: 'tool.exe', User: 'eve' })).toBe(1);
    expect(countMatches(filtered.rules, { Image: 'other.exe', User: 'eve' })).toBe(0);
  });

  it('join as written: without `not` only what is selected still matches', () => {
    const { rules, filters } = read(
      `${RULE}---\n${filterText('  rules: tool\n  selection: { User: adm }\n  condition: selection')}`,
    );
    const filtered = applyFilters({ rules, filters });
    expect(countMatches(filtered.rules, { Image: 'tool.exe', User: 'adm' })).toBe(1);
    expect(countMatches(filtered.rules, { Image: 'tool.exe', User: 'eve' })).toBe(0);
  });

  it('join every condition of a rule, and keep their own names apart from the rule’s', () => {
    const two = RULE.replace(
      'condition: selection',
      'other: { Image: o.exe }\n  condition: [selection, other]',
    );
    const { rules, filters } = read(`${two}---\n${filterText(`  rules: tool\n${ADMINS}`)}`);
    const filtered = applyFilters({ rules, filters });
    for (const Image of ['tool.exe', 'o.exe']) {
      expect(countMatches(filtered.rules, { Image, User: 'adm' })).toBe(0);
      expect(countMatches(filtered.rules, { Image, User: 'eve' })).toBe(1);
    }
  });

  it('with `any` narrow all rules of their logsource and no other', () => {
    const linux = RULE.replace('product: windows', 'product: linux').replace('5f113a8f', '6f113a8f');
    const { rules, filters } = read(
      `${RULE}---\n${linux.replace('name: tool', 'name: other')}---\n${filterText(`  rules: Any\n${ADMINS}`)}`,
    );
    expect(applyFilters({ rules, filters }).applied[0]?.rules).toEqual([ID]);
  });

  it('say what they name and nobody knows, and where a logsource does not cover a rule', () => {
    const { rules, filters } = read(
      `${RULE}---\n${filterText(`  rules: [tool, nobody, gated]\n${ADMINS}`)}---\n${filterText(`  rules: tool\n${ADMINS}`, { logsource: 'product: linux', title: 'Linux' })}---\n${filterText(`  rules: Any\n${ADMINS}`, { logsource: 'category: dns', title: 'None' })}`,
    );
    const filtered = applyFilters({ rules, filters, known: new Set(['gated']) });
    expect(filtered.problems.map(({ code, place, rule }) => [code, place.line, rule?.title])).toEqual([
      ['SIGMA_FILTER_UNKNOWN_RULE', 12, 'Admins'],
      ['SIGMA_FILTER_LOGSOURCE', 19, 'Linux'],
      ['SIGMA_FILTER_NO_RULE', 23, 'None'],
    ]);
    expect(filtered.rules[0]?.filters).toHaveLength(1);
  });

  it('end with their expiry, and say so', () => {
    const { rules, filters } = read(
      `${RULE}---\n${filterText(`  rules: tool\n${ADMINS}`, { block: 'picket: { expires: "2026-06-01T00:00:00Z" }' })}`,
    );
    const before = applyFilters({ rules, filters, now: new Date('2026-05-31T23:59:59Z') });
    expect(before.rules[0]?.filters).toHaveLength(1);
    const after = applyFilters({ rules, filters, now: new Date('2026-06-01T00:00:00Z') });
    expect(after.rules).toEqual(rules);
    expect(after.problems).toMatchObject([{ code: 'SIGMA_FILTER_EXPIRED' }]);
  });

  it('have their fields mapped by pipelines as the rule’s own', () => {
    const { rules, filters } = read(`${RULE}---\n${filterText(`  rules: tool\n${ADMINS}`)}`);
    const pipeline =
      'transformations:\n- type: field_name_mapping\n  mapping: { User: user.name, Image: process.executable }';
    const filtered = applyFilters({ rules, filters });
    const event = { process: { executable: 'tool.exe' } };
    expect(countMatches(filtered.rules, { ...event, user: { name: 'adm' } }, pipeline)).toBe(0);
    expect(countMatches(filtered.rules, { ...event, user: { name: 'eve' } }, pipeline)).toBe(1);
  });

  it('never widen a rule, and the same filters again change nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('selection', 'not selection', 'not other', '1 of them', 'not all of them'), {
          maxLength: 3,
        }),
        fc.record({
          Image: fc.constantFrom('tool.exe', 'x'),
          User: fc.constantFrom('adm', 'eve'),
          C: fc.boolean(),
        }),
        (conditions, event) => {
          const { rules, filters } = read(
            [
              RULE,
              ...conditions.map((condition, at) =>
                filterText(
                  `  rules: tool\n  selection: { User: adm }\n  other: { C: true }\n  condition: ${condition}`,
                  { title: `F${at}` },
                ),
              ),
            ].join('---\n'),
          );
          const once = applyFilters({ rules, filters });
          expect(applyFilters({ rules: once.rules, filters }).rules).toEqual(once.rules);
          expect(countMatches(once.rules, event)).toBeLessThanOrEqual(countMatches(rules, event));
        },
      ),
    );
  });
});

describe('loaded rules', () => {
  const folder = mkdtempSync(join(tmpdir(), 'picket-filters-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  };

  it('are narrowed by the filters of any file and folder, gated rules being known', () => {
    write('vendor/tool.yml', `${RULE}level: high\n`);
    write(
      'vendor/low.yml',
      `${RULE.replace('5f113a8f', '6f113a8f').replace('name: tool', 'name: quiet')}level: low\n`,
    );
    write('own/a.yml', filterText(`  rules: [tool, quiet, lost]\n${ADMINS}`));
    const loaded = loadRules({
      folders: [join(folder, 'own'), join(folder, 'vendor')],
      gates: { level: 'medium' },
    });
    expect(loaded.rules.map(({ rule }) => rule.filters?.length)).toEqual([1]);
    expect(loaded.filters.map(({ filter, rules }) => [filter.title, rules])).toEqual([['Admins', [ID]]]);
    expect(loaded.refused.map(({ code, place }) => [code, place.file])).toEqual([
      ['SIGMA_FILTER_UNKNOWN_RULE', join(folder, 'own/a.yml')],
    ]);
  });
});
