import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { workBeside } from '../../../platform/core/work-beside.ts';

const turns = (count: number) =>
  Array.from({ length: count }).reduce<Promise<void>>(
    (before) => before.then(() => undefined),
    Promise.resolve(),
  );

test('works each item once, begun in order, never more than the width at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 8 }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 6 }),
      async (items, width) => {
        const begun: number[] = [];
        let ended = 0;
        let most = 0;
        await workBeside({
          items,
          width,
          work: async (wait, at) => {
            begun.push(at);
            most = Math.max(most, begun.length - ended);
            await turns(wait);
            ended++;
          },
        });
        expect(begun).toEqual(items.map((_, at) => at));
        expect(ended).toBe(items.length);
        expect(most).toBeLessThanOrEqual(width);
      },
    ),
  );
});

test('begins nothing after a fault, and throws it when what was under way has ended', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const working = workBeside({
    items: [3, 1, 5, 1, 1],
    width: 3,
    work: async (wait, at) => {
      begun.push(at);
      await turns(wait);
      if (at === 1) throw new Error('the second fails');
      ended.push(at);
    },
  });
  await expect(working).rejects.toThrow('the second fails');
  expect(begun).toEqual([0, 1, 2]);
  expect(ended).toEqual([0, 2]);
});
