// The embedded record store: the contract, and its SQL held equal to the reference matcher.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { compileExpression } from '../../../platform/core/expression/compile.ts';
import type { Expression } from '../../../platform/core/expression/expression.ts';
import { openRecords } from '../../../platform/records/open-records.ts';
import { describeRecordsContract, queryAll } from './contract.ts';

async function openPlace() {
  const folder = await mkdtemp(join(tmpdir(), 'picket-records-'));
  const settings = { engine: 'embedded', folder, clock: systemClock } as const;
  let store = await openRecords(settings);
  return {
    folder,
    store,
    reopen: async () => {
      await store.close();
      store = await openRecords(settings);
      return store;
    },
    dispose: async () => {
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describeRecordsContract('embedded', openPlace);

test('any expression over any documents finds exactly what the matcher finds, page by page', async () => {
  const scalar = fc.oneof(
    fc.constantFrom<unknown>('a', 'A', 'k', '\u212A', 'é', 'É', '', '1', '1.0', 'true', null, true, false, 0),
    fc.constantFrom<unknown>(1, 1.5, -0, 1e300, 2 ** 53 + 2, '2026-01-01T00:00:00Z', 'a\u0000b'),
  );
  const node = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'a.b', 'b.c', '__x'), tie('value'), { maxKeys: 3 }),
    ),
  })).value;
  const document = fc.dictionary(fc.constantFrom('a', 'b', 'a.b', 'a.b.c', 'n'), node, {
    maxKeys: 3,
    noNullPrototype: true,
  });
  const leaf = fc.record({
    op: fc.constant('leaf' as const),
    field: fc.constantFrom('a', 'b', 'a.b', 'a.b.c', 'n', '*', '__x', 'a"b'),
    test: fc.oneof(
      fc.record({
        kind: fc.constant('string' as const),
        mode: fc.constantFrom('equals' as const, 'startswith' as const),
        value: fc.constantFrom('a', 'A', 'K', 'é', '1', 'true', ''),
        cased: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('number' as const), value: fc.constantFrom(0, 1, 1.5, 1e300) }),
      fc.record({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
      fc.record({
        kind: fc.constant('compare' as const),
        with: fc.constantFrom('lt' as const, 'gte' as const),
        value: fc.constantFrom<number | string>(1, 0, '1', '2026-01-01T00:00:00Z'),
      }),
      fc.constantFrom({ kind: 'exists' as const }, { kind: 'null' as const }),
    ),
  });
  const expression = fc.letrec<{ tree: Expression }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.record({ op: fc.constant('not' as const), of: tie('tree') }),
      fc.record({
        op: fc.constantFrom('and' as const, 'or' as const),
        of: fc.array(tie('tree'), { maxLength: 3 }),
      }),
    ),
  })).tree;
  const place = await openPlace();
  let stored: string[] = [];
  await fc.assert(
    fc.asyncProperty(
      fc.array(document, { minLength: 1, maxLength: 12 }),
      fc.array(expression, { minLength: 1, maxLength: 8 }),
      async (documents, expressions) => {
        for (const id of stored) {
          const { revision } = (await place.store.get('alerts', id)) ?? { revision: '' };
          await place.store.remove('alerts', id, revision);
        }
        stored = documents.map((_, at) => `r${String(at).padStart(2, '0')}`);
        await Promise.all(documents.map((one, at) => place.store.create('alerts', stored[at] ?? '', one)));
        for (const where of expressions) {
          const matches = compileExpression(where);
          const wanted = stored.filter((_, at) => matches(JSON.parse(JSON.stringify(documents[at]))));
          expect(await queryAll(place.store, { where, limit: 3 })).toEqual(wanted);
          expect(await place.store.count('alerts', where)).toBe(wanted.length);
          const sorted = await queryAll(place.store, {
            where,
            limit: 2,
            sort: { field: 'n', direction: 'desc' },
          });
          expect([...sorted].sort()).toEqual(wanted);
        }
      },
    ),
    { numRuns: 60 },
  );
  await place.dispose();
});

test('a folder that is open already is refused with its pid', async () => {
  const place = await openPlace();
  await expect(
    openRecords({ engine: 'embedded', folder: place.folder, clock: systemClock }),
  ).rejects.toMatchObject({
    code: 'RECORDS_LOCKED',
    message: expect.stringContaining(`process ${process.pid} has the folder ${place.folder} open`),
  });
  await place.dispose();
});
