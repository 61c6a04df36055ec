// Records move once, keep their order, and overwrite nothing; what differs or cannot be read is named.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { openRecords } from '../../../platform/records/open-records.ts';
import { COLLECTIONS, type Collection, type RecordStore } from '../../../platform/records/record-store.ts';
import { moveRecords } from '../../../server/migrate/move-records.ts';
import { openProgress } from '../../../server/migrate/open-progress.ts';
import { verifyRecords } from '../../../server/migrate/verify.ts';
import { dieAfter, persistence, runKilled } from './interrupted.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'picket-move-records-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (name: string): Promise<RecordStore> =>
  openRecords({ engine: 'embedded', folder: join(folder, name), clock: systemClock });
const asItIs = (_: Collection, __: string, value: object): object => value;

async function run(from: RecordStore, to: RecordStore, replace = false) {
  const progress = openProgress(folder);
  await progress.removeFaults({ kind: 'missing' });
  await progress.removeFaults({ kind: 'differs' });
  const common = { from, to, progress, convert: asItIs, persistence: persistence() };
  const moved = await moveRecords({ ...common, replace, onMoved: () => undefined });
  const verified = await verifyRecords(common);
  const faults = progress.faults().map(({ kind, place }) => `${kind} ${place}`);
  await progress.close();
  return { moved, verified, faults };
}

describe('records', () => {
  test('arrive once in every collection, removed ones not at all, wherever runs die', async () => {
    const change = fc.record({
      collection: fc.constantFrom(...COLLECTIONS),
      id: fc.constantFrom('a', 'b', 'é', 'Z', '\u{1F600}', 'x/y'),
      value: fc.option(fc.record({ n: fc.integer(), text: fc.string() }), { nil: undefined }),
    });
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 200 }),
        fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 5 }),
        async (changes, limits) => {
          const name = `run-${runs++}`;
          const [from, to] = [await open(`${name}/old`), await open(`${name}/new`)];
          const held = new Map<string, object>();
          for (const { collection, id, value } of changes) {
            const there = await from.get(collection, id);
            if (value === undefined) {
              if (there) await from.remove(collection, id, there.revision);
              held.delete(`${collection}/${id}`);
              continue;
            }
            if (there) await from.update(collection, { ...there, value });
            else await from.create(collection, id, value);
            held.set(`${collection}/${id}`, value);
          }
          const place = join(folder, name);
          await runKilled({
            folder: place,
            limits,
            work: (progress, limit) =>
              moveRecords({
                from,
                to: dieAfter(to, ['create', 'get'], limit),
                convert: asItIs,
                replace: false,
                progress,
                persistence: persistence(),
                onMoved: () => undefined,
              }),
          });
          const progress = openProgress(place);
          const verified = await verifyRecords({
            from,
            to,
            convert: asItIs,
            progress,
            persistence: persistence(),
          });
          expect(progress.countFaults()).toBe(0);
          await progress.close();
          expect(verified.every(({ more, missing, differing }) => more + missing + differing === 0)).toBe(
            true,
          );
          const found = new Map<string, object>();
          for (const collection of COLLECTIONS)
            for (const { id, value } of (await to.query(collection, { limit: 10_000 })).records)
              found.set(`${collection}/${id}`, value);
          expect(Object.fromEntries(found)).toEqual(Object.fromEntries(held));
          await from.close();
          await to.close();
        },
      ),
      { numRuns: 25 },
    );
  }, 300_000);

  test('that differ in the target stay there, are named, and are overwritten only when asked for', async () => {
    const [from, to] = [await open('old'), await open('new')];
    await from.create('alerts', 'a', { n: 1 });
    await from.create('alerts', 'b', { n: 1, m: 2 });
    await from.create('incidents', 'a', { n: 1 });
    await to.create('alerts', 'a', { n: 2 });
    await to.create('alerts', 'b', { m: 2, n: 1 });
    await to.create('alerts', 'c', { n: 3 });
    const first = await run(from, to);
    expect(first.moved).toEqual({ created: 1, same: 1, replaced: 0, conflicts: 1, refused: 0, damaged: 0 });
    expect(first.faults).toEqual(['conflict alerts/a']);
    expect((await to.get('alerts', 'a'))?.value).toEqual({ n: 2 });
    expect(first.verified.find(({ collection }) => collection === 'alerts')).toMatchObject({
      records: 2,
      more: 1,
    });
    const second = await run(from, to, true);
    expect(second.moved).toMatchObject({ created: 0, replaced: 1, conflicts: 0 });
    expect(second.faults).toEqual([]);
    expect((await to.get('alerts', 'a'))?.value).toEqual({ n: 1 });
    await from.close();
    await to.close();
  });

  test('that cannot be read are named and stop nothing; what the target lost is found out', async () => {
    let from = await open('old');
    for (let at = 0; at < 300; at++) await from.create('alerts', `a${at}`, { at });
    await from.close();
    const database = new DatabaseSync(join(folder, 'old', 'records.sqlite'));
    database.prepare("UPDATE record SET value = x'ff00ff' WHERE id = 'a7'").run();
    database.close();
    from = await open('old');
    const to = await open('new');
    const first = await run(from, to);
    expect(first.moved).toMatchObject({ created: 299, damaged: 1 });
    expect(first.faults).toEqual(['damaged alerts/a7']);
    const [lost, changed] = [await to.get('alerts', 'a10'), await to.get<{ at: number }>('alerts', 'a11')];
    await to.remove('alerts', 'a10', lost?.revision ?? '');
    await to.update('alerts', { id: 'a11', revision: changed?.revision ?? '', value: { at: -1 } });
    expect((await run(from, to)).faults).toEqual([
      'missing alerts/a10',
      'differs alerts/a11',
      'damaged alerts/a7',
    ]);
    await from.close();
    await to.close();
  });
});
