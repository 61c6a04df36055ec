// The records contract as tests: every engine faces the same suite; revisions are opaque and one record is the unit of atomicity.
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../platform/core/event.ts';
import { compileExpression } from '../../../platform/core/expression/compile.ts';
import { type Expression, equals } from '../../../platform/core/expression/expression.ts';
import {
  changeRecord,
  type RecordChange,
  type RecordStore,
  type StoredRecord,
  upsertRecord,
} from '../../../platform/records/record-store.ts';
import { arbitraryQuestion, arbitraryRecord } from './random-queries.ts';

/** A fresh, empty place for one test. */
export interface RecordsUnderTest {
  readonly store: RecordStore;
  reopen(): Promise<RecordStore>;
  dispose(): Promise<void>;
}

/** Every page of a query, put together. */
export async function queryAll(
  store: RecordStore,
  query: Parameters<RecordStore['query']>[1],
): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page: Awaited<ReturnType<RecordStore['query']>> = await store.query('alerts', {
      ...query,
      ...(cursor === undefined ? {} : { cursor }),
    });
    expect(page.records.length).toBeLessThanOrEqual(query.limit);
    ids.push(...page.records.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return ids;
}

/** `runs`: random sets of records that are asked random questions. */
export function describeRecordsContract(
  name: string,
  open: () => Promise<RecordsUnderTest>,
  { runs }: { runs: number },
): void {
  describe(`the records contract: ${name}`, () => {
    let place: RecordsUnderTest;
    let store: RecordStore;
    beforeEach(async () => {
      place = await open();
      store = place.store;
    });
    afterEach(() => place.dispose());

    test('a record comes back as it was created, also from a store opened again', async () => {
      const value = { schema: 1, title: 'é漢\u0000"', list: [1, 2.5, null], inner: { flag: true, 'a.b': 1 } };
      const made = await store.create('alerts', 'a/1 é', value);
      expect(await store.get('alerts', 'a/1 é')).toEqual({ id: 'a/1 é', value, revision: made.revision });
      store = await place.reopen();
      expect(await store.get('alerts', 'a/1 é')).toEqual({ id: 'a/1 é', value, revision: made.revision });
      expect(await store.get('incidents', 'a/1 é')).toBeUndefined();
    });

    test('creating what exists is refused, in another collection it is not', async () => {
      await store.create('alerts', 'one', { n: 1 });
      await expect(store.create('alerts', 'one', { n: 2 })).rejects.toMatchObject({ code: 'RECORD_EXISTS' });
      await store.create('incidents', 'one', { n: 3 });
      expect((await store.get('alerts', 'one'))?.value).toEqual({ n: 1 });
    });

    test('an update needs the revision that was read', async () => {
      const first = await store.create('alerts', 'one', { n: 1 });
      const second = await store.update('alerts', { ...first, value: { n: 2 } });
      expect(second.revision).not.toBe(first.revision);
      await expect(store.update('alerts', { ...first, value: { n: 3 } })).rejects.toMatchObject({
        code: 'RECORD_CONFLICT',
      });
      await store.update('alerts', { ...second, value: { n: 4 } });
      expect((await store.get('alerts', 'one'))?.value).toEqual({ n: 4 });
    });

    test('of two who update at once, one comes through', async () => {
      const first = await store.create('alerts', 'one', { n: 0 });
      const outcomes = await Promise.allSettled(
        [1, 2, 3].map((n) => store.update('alerts', { ...first, value: { n } })),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });

    test('what is removed is gone, and only with its revision', async () => {
      const made = await store.create('alerts', 'one', { n: 1 });
      const now = await store.update('alerts', { ...made, value: { n: 2 } });
      await expect(store.remove('alerts', 'one', made.revision)).rejects.toMatchObject({
        code: 'RECORD_CONFLICT',
      });
      await store.remove('alerts', 'one', now.revision);
      expect(await store.get('alerts', 'one')).toBeUndefined();
      await expect(store.update('alerts', now)).rejects.toMatchObject({ code: 'RECORD_CONFLICT' });
      const again = await store.create('alerts', 'one', { n: 3 });
      await expect(store.update('alerts', now)).rejects.toMatchObject({ code: 'RECORD_CONFLICT' });
      await store.remove('alerts', 'one', again.revision);
    });

    test('upsertRecord lets every change through when many come at once', async () => {
      await Promise.all(
        Array.from({ length: 10 }, () =>
          upsertRecord<{ n: number }>({
            store,
            collection: 'counters',
            id: 'sum',
            change: (current) => ({ n: (current?.n ?? 0) + 1 }),
          }),
        ),
      );
      expect((await store.get('counters', 'sum'))?.value).toEqual({ n: 10 });
    });

    test('a change goes by what is believed to stand there, and by what does when that was wrong', async () => {
      const seen: ({ n: number } | undefined)[] = [];
      const add = async (believed?: StoredRecord<{ n: number }> | 'absent') =>
        changeRecord<{ n: number }>({
          store,
          collection: 'counters',
          id: 'believed',
          change: (current) => {
            seen.push(current);
            return { n: (current?.n ?? 0) + 1 };
          },
          ...(believed === undefined ? {} : { believed }),
        });
      const first = await add('absent');
      expect(first?.value).toEqual({ n: 1 });
      expect((await add('absent'))?.value).toEqual({ n: 2 });
      // By then another has written: what is believed is old.
      expect((await add(first))?.value).toEqual({ n: 3 });
      expect(await add(await add())).toEqual(await store.get('counters', 'believed'));
      expect(seen).toEqual([undefined, undefined, { n: 1 }, { n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
    });

    test('a query finds by expression, case, lists and nested fields as the matcher does', async () => {
      const documents: Record<string, JsonObject> = {
        a: { rule: { name: 'Kerberos' }, n: 1, tags: ['x', 'Y'], on: true },
        b: { rule: { name: 'kerberos' }, n: '1', tags: 'x' },
        c: { rule: [{ name: 'other' }, { name: 'KERBEROS' }], n: 2.5 },
        d: { 'rule.name': 'kerberos', n: null },
        e: { rule: 'kerberos', n: 2 ** 53 + 2 },
        f: { rule: { name: '\u212Aerberos' } },
      };
      for (const [id, value] of Object.entries(documents)) await store.create('alerts', id, value);
      const find = (where: Expression) => queryAll(store, { where, limit: 2 });
      const name = (value: string, cased: boolean): Expression => ({
        op: 'leaf',
        field: 'rule.name',
        test: { kind: 'string', mode: 'equals', value, cased },
      });
      expect(await find(name('KerberOS', false))).toEqual(['a', 'b', 'c', 'd', 'f']);
      expect(await find(name('kerberos', true))).toEqual(['b', 'd']);
      expect(await find(equals('n', 1))).toEqual(['a', 'b']);
      expect(await find(equals('tags', 'y'))).toEqual(['a']);
      expect(await find(equals('on', true))).toEqual(['a']);
      expect(await find({ op: 'leaf', field: 'n', test: { kind: 'compare', with: 'gt', value: 2 } })).toEqual(
        ['c', 'e'],
      );
      expect(await find({ op: 'not', of: equals('tags', 'x') })).toEqual(['c', 'd', 'e', 'f']);
      expect(await find({ op: 'leaf', field: 'n', test: { kind: 'null' } })).toEqual(['d', 'f']);
      expect(await find({ op: 'or', of: [equals('n', 2.5), equals('on', true)] })).toEqual(['a', 'c']);
      expect(await find({ op: 'and', of: [equals('tags', 'x'), equals('on', true)] })).toEqual(['a']);
      expect(await store.count('alerts', equals('n', 1))).toBe(2);
      expect(await store.count('alerts')).toBe(6);
      expect(await store.count('incidents')).toBe(0);
    });

    test('any expression over any documents finds exactly what the matcher finds, page by page', async () => {
      let stored: string[] = [];
      await fc.assert(
        fc.asyncProperty(
          fc.array(arbitraryRecord, { minLength: 1, maxLength: 12 }),
          fc.array(arbitraryQuestion, { minLength: 1, maxLength: 8 }),
          async (documents, expressions) => {
            for (const id of stored) {
              const { revision } = (await store.get('alerts', id)) ?? { revision: '' };
              await store.remove('alerts', id, revision);
            }
            stored = documents.map((_, at) => `r${String(at).padStart(2, '0')}`);
            await Promise.all(documents.map((one, at) => store.create('alerts', stored[at] ?? '', one)));
            for (const where of expressions) {
              const matches = compileExpression(where);
              const wanted = stored.filter((_, at) => matches(JSON.parse(JSON.stringify(documents[at]))));
              expect(await queryAll(store, { where, limit: 3 })).toEqual(wanted);
              expect(await store.count('alerts', where)).toBe(wanted.length);
              const sorted = await queryAll(store, {
                where,
                limit: 2,
                sort: { field: 'n', direction: 'desc' },
              });
              expect([...sorted].sort()).toEqual(wanted);
            }
          },
        ),
        { numRuns: runs },
      );
    });

    test('pages follow the sort in both directions, ties by id, and what lacks the field comes last', async () => {
      const times = ['2026-01-03', '2026-01-01', '2026-01-02', '2026-01-02', undefined, undefined];
      for (const [at, first] of times.entries()) {
        await store.create('alerts', `r${at}`, first === undefined ? {} : { first });
      }
      const rising = { field: 'first', direction: 'asc' } as const;
      const falling = { field: 'first', direction: 'desc' } as const;
      for (const limit of [1, 2, 6, 100]) {
        expect(await queryAll(store, { sort: rising, limit })).toEqual(['r1', 'r2', 'r3', 'r0', 'r4', 'r5']);
        expect(await queryAll(store, { sort: falling, limit })).toEqual(['r0', 'r2', 'r3', 'r1', 'r4', 'r5']);
      }
    });

    test('a cursor that is none, or of another order, and a limit out of range are refused', async () => {
      for (const id of ['a', 'b']) await store.create('alerts', id, { n: 1 });
      const { cursor } = await store.query('alerts', { limit: 1 });
      expect(cursor).toBeDefined();
      const sort = { field: 'n', direction: 'asc' } as const;
      await expect(store.query('alerts', { limit: 1, sort, cursor: cursor as string })).rejects.toMatchObject(
        {
          code: 'RECORD_CURSOR_INVALID',
        },
      );
      await expect(store.query('alerts', { limit: 1, cursor: 'nonsense' })).rejects.toMatchObject({
        code: 'RECORD_CURSOR_INVALID',
      });
      for (const limit of [0, 10_001, 1.5]) {
        await expect(store.query('alerts', { limit })).rejects.toMatchObject({ code: 'RECORD_LIMIT' });
      }
    });

    test('the change feed rises, can be resumed, and knows what was removed', async () => {
      const a = await store.create('alerts', 'a', { n: 1 });
      await store.create('incidents', 'b', { n: 1 });
      const before = await store.changes({ after: 0, limit: 100 });
      expect(before.map(({ collection, id, kind }) => [collection, id, kind])).toEqual([
        ['alerts', 'a', 'put'],
        ['incidents', 'b', 'put'],
      ]);
      const after = before.at(-1)?.sequence as number;
      await store.remove('alerts', 'a', a.revision);
      store = await place.reopen();
      const then = await store.changes({ after, limit: 100 });
      expect(then.map(({ collection, id, kind }) => [collection, id, kind])).toEqual([
        ['alerts', 'a', 'removed'],
      ]);
      expect(then[0]?.sequence).toBeGreaterThan(after);
      expect(await store.changes({ after: then[0]?.sequence as number, limit: 100 })).toEqual([]);
      const one = await store.changes({ after: 0, limit: 1 });
      expect(one).toHaveLength(1);
    });

    test('a watcher hears of each change in order until it stops', async () => {
      const heard: RecordChange[] = [];
      const stop = store.watch((change) => heard.push(change));
      const made = await store.create('alerts', 'a', { n: 1 });
      const next = await store.update('alerts', { ...made, value: { n: 2 } });
      await store.remove('alerts', 'a', next.revision);
      stop();
      await store.create('alerts', 'b', { n: 1 });
      expect(heard.map(({ id, kind }) => [id, kind])).toEqual([
        ['a', 'put'],
        ['a', 'put'],
        ['a', 'removed'],
      ]);
      const sequences = heard.map(({ sequence }) => sequence);
      expect([...new Set(sequences)].sort((x, y) => x - y)).toEqual(sequences);
    });

    test('an id that is empty or too long, and a value that is no object, are refused and hurt no neighbour', async () => {
      const outcomes = await Promise.allSettled([
        store.create('alerts', '', { n: 1 }),
        store.create('alerts', 'x'.repeat(513), { n: 1 }),
        store.create('alerts', 'list', [1]),
        store.create('alerts', 'good', { n: 1 }),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
      expect(await store.count('alerts')).toBe(1);
    });
  });
}
