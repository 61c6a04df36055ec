import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTurns } from '../../../platform/core/turns.ts';

test('as many as the width are under way, those who wait go by rank and then in order of asking', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ rank: fc.nat({ max: 3 }), fails: fc.boolean() }), { maxLength: 20 }),
      async (width, asked) => {
        const turns = createTurns(width);
        const ends: (() => void)[] = [];
        const begun: number[] = [];
        let underWay = 0;
        const done = asked.map(({ rank, fails }, at) =>
          turns.take(rank, async () => {
            begun.push(at);
            underWay++;
            expect(underWay).toBeLessThanOrEqual(width);
            await new Promise<void>((end) => ends.push(end));
            underWay--;
            if (fails) throw new Error(`${at}`);
            return at;
          }),
        );
        const settled = Promise.allSettled(done);
        for (let at = 0; at < asked.length; at++) {
          await new Promise(setImmediate);
          expect(underWay).toBe(Math.min(width, asked.length - at));
          ends.shift()?.();
        }
        expect((await settled).map(({ status }) => status)).toEqual(
          asked.map(({ fails }) => (fails ? 'rejected' : 'fulfilled')),
        );
        const late = asked.map(({ rank }, at) => ({ rank, at })).slice(width);
        expect(begun).toEqual([
          ...asked.slice(0, width).map((_, at) => at),
          ...late.toSorted((a, b) => a.rank - b.rank).map(({ at }) => at),
        ]);
      },
    ),
  );
});
