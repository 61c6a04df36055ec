import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupApart } from '../../../detect/incidents/group-apart.ts';

test('items that share a trait, directly or through others, are in one group', () => {
  const items = ['ab', 'c', 'bd', 'e', 'dc', ''];
  expect(groupApart(items, (item) => item)).toEqual([['ab', 'c', 'bd', 'dc'], ['e'], ['']]);
});

test('no two groups share a trait, every item is in one, and order stays', () => {
  const item = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), { maxLength: 3 });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 12 }), (traits) => {
      const items = traits.map((own, at) => ({ own, at }));
      const groups = groupApart(items, ({ own }) => own);
      expect(
        groups
          .flat()
          .map(({ at }) => at)
          .sort((a, b) => a - b),
      ).toEqual(items.map(({ at }) => at));
      for (const group of groups)
        expect(group.map(({ at }) => at)).toEqual(group.map(({ at }) => at).toSorted((a, b) => a - b));
      const seen = groups.map((group) => new Set(group.flatMap(({ own }) => own)));
      for (const [at, one] of seen.entries())
        for (const other of seen.slice(at + 1))
          expect([...one].filter((trait) => other.has(trait))).toEqual([]);
    }),
  );
});
