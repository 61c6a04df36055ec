// What the next version of a pack changes.
import { expect, test } from 'vitest';
import { comparePacks } from '../../../detect/packs/compare-packs.ts';
import type { LoadedRules } from '../../../detect/sigma/load-rules.ts';
import { parseRuleFile } from '../../../detect/sigma/parse-file.ts';

function packOf(...rules: [id: number, value: string][]): Pick<LoadedRules, 'rules' | 'correlations'> {
  const text = rules
    .map(
      ([id, value]) =>
        `title: Rule ${id}\nid: 00000000-0000-4000-8000-${String(id).padStart(12, '0')}\nlogsource: { product: x }\ndetection: { s: { a: '${value}' }, condition: s }\n`,
    )
    .join('---\n');
  const parsed = parseRuleFile({ text, file: 'pack.yml' });
  return { rules: parsed.rules.map((rule) => ({ rule, pack: 'p' })), correlations: [] };
}

test('rules are new, changed, gone or as before by id and content, whatever file or order they stand in', () => {
  const changes = comparePacks(packOf([1, 'a'], [2, 'b'], [3, 'c']), packOf([4, 'd'], [3, 'c'], [2, 'B']));
  expect(changes.added.map(({ title }) => title)).toEqual(['Rule 4']);
  expect(changes.changed.map(({ after }) => after.title)).toEqual(['Rule 2']);
  expect(changes.gone.map(({ title }) => title)).toEqual(['Rule 1']);
  expect(changes.unchanged).toBe(1);
});
