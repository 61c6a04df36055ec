// Events move once and whole, wherever a run dies; what cannot be read is named and the rest goes on.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../platform/core/log.ts';
import { type SegmentWalk, walkSegments } from '../../../platform/index/embedded/walk-segments.ts';
import type { EventIndex, IndexDocument } from '../../../platform/index/event-index.ts';
import { federateIndex } from '../../../platform/index/federated-index.ts';
import { openIndex } from '../../../platform/index/open-index.ts';
import { moveEvents } from '../../../server/migrate/move-events.ts';
import { openProgress } from '../../../server/migrate/open-progress.ts';
import { verifyEvents } from '../../../server/migrate/verify.ts';
import { minute, sampleDocument } from '../../platform/index/sample-events.ts';
import { dieAfter, persistence, runKilled } from './interrupted.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'picket-move-events-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function fill(name: string, documents: readonly IndexDocument[]): Promise<string> {
  const place = join(folder, name);
  const index = await openIndex({ engine: 'embedded', folder: place });
  for (let at = 0; at < documents.length; at += 300) await index.write(documents.slice(at, at + 300));
  await index.close();
  return place;
}

/** Documents over two jurisdictions, some weeks, and times that were not judged good. */
function manyDocuments(count: number): IndexDocument[] {
  return Array.from({ length: count }, (_, at) =>
    sampleDocument(`e${at}`, {
      jurisdiction: at % 5 === 0 ? 'cn-gd' : 'eu-fr',
      timestamp: minute(at * 7),
      time: at % 11 === 0 ? 'missing' : at % 13 === 0 ? 'future' : 'ok',
      fields: { labels: { at: String(at) } },
    }),
  );
}

async function run(options: { walk: SegmentWalk; index: EventIndex; progress: string }) {
  const progress = openProgress(options.progress);
  const common = { walk: options.walk, index: options.index, progress, persistence: persistence() };
  const moved = await moveEvents({ ...common, onMoved: () => undefined });
  const verified = await verifyEvents({ ...common, sample: 5 });
  const faults = progress.faults();
  await progress.close();
  return { moved, verified, faults };
}

describe('events', () => {
  test('arrive once and as they were, wherever runs die', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4_500 }),
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
        async (count, limits) => {
          const place = mkdtempSync(join(folder, 'run-'));
          const documents = manyDocuments(count);
          const from = await fill(join(place.slice(folder.length + 1), 'old'), documents);
          const index = await openIndex({ engine: 'embedded', folder: join(place, 'new') });
          const walk = walkSegments({ folder: from });
          await runKilled({
            folder: place,
            limits,
            work: (progress, limit) =>
              moveEvents({
                walk,
                index: dieAfter(index, ['write'], limit),
                progress,
                persistence: persistence(),
                onMoved: () => undefined,
              }),
          });
          const { moved, verified, faults } = await run({ walk, index, progress: place });
          // Nothing was left for it.
          expect(moved).toEqual({ created: 0, duplicate: 0, refused: 0, damaged: 0 });
          expect(faults).toEqual([]);
          expect(verified.every(({ events, found, differing }) => events === found && differing === 0)).toBe(
            true,
          );
          expect(verified.reduce((sum, { found }) => sum + found, 0)).toBe(count);
          const names = walk.segments().map(({ name, events }) => ({ name, events }));
          walk.close();
          expect((await index.segments()).map(({ name, events }) => ({ name, events }))).toEqual(names);
          const some = documents[count >> 1] as IndexDocument;
          expect(await index.get({ tenant: 'acme', id: some.id })).toEqual(
            JSON.parse(Buffer.from(some.body).toString('utf8')),
          );
          await index.close();
        },
      ),
      { numRuns: 5 },
    );
  }, 300_000);

  test('keep their bytes: what JSON numbers cannot hold is not rounded on the way', async () => {
    const document = sampleDocument('big');
    const body = Buffer.from(
      Buffer.from(document.body).toString('utf8').replace('{', '{"n":9007199254740993,'),
    );
    const from = await fill('old', [{ ...document, body }]);
    const walk = walkSegments({ folder: from });
    const [block] = [...walk.blocks(walk.segments()[0]?.name ?? '', 0)];
    expect(Buffer.from(block?.documents[0]?.body ?? []).toString('utf8')).toContain('9007199254740993');
    walk.close();
  });

  test('that came after a first run follow with the next, and only they', async () => {
    const from = await fill('old', manyDocuments(1_000));
    const index = await openIndex({ engine: 'embedded', folder: join(folder, 'new') });
    let walk = walkSegments({ folder: from });
    expect((await run({ walk, index, progress: folder })).moved.created).toBe(1_000);
    walk.close();
    await fill('old', [sampleDocument('late', { timestamp: minute(5) })]);
    walk = walkSegments({ folder: from });
    const { moved } = await run({ walk, index, progress: folder });
    expect(moved.created).toBe(1);
    // The open tail of its segment at most.
    expect(moved.duplicate).toBeLessThan(256);
    walk.close();
    await index.close();
  });

  test('that cannot be read are named with their place, counted, and stop nothing', async () => {
    const from = await fill('old', manyDocuments(2_000));
    const [one, other, third] = walkNames(from);
    const damage = new DatabaseSync(join(from, 'segments', `${one}.sqlite`));
    damage.exec("UPDATE blocks SET bodies = x'00' WHERE block = 0");
    const { count } = damage.prepare('SELECT count FROM zones WHERE block = 0').get() as { count: number };
    damage.close();
    const tail = new DatabaseSync(join(from, 'segments', `${other}.sqlite`));
    const { id } = tail.prepare('SELECT id FROM tail LIMIT 1').get() as { id: string };
    tail.prepare('UPDATE tail SET body = ? WHERE id = ?').run(Buffer.from('{"event":'), id);
    tail.close();
    writeFileSync(join(from, 'segments', `${third}.sqlite`), 'no database at all, whatever its name says');

    const walk = walkSegments({ folder: from });
    const lost = walk.segments().find(({ name }) => name === third);
    expect(lost?.error).toContain('not a database');
    const index = await openIndex({ engine: 'embedded', folder: join(folder, 'new') });
    const { moved, verified, faults } = await run({ walk, index, progress: folder });
    expect(faults.map(({ kind, place, count: of }) => ({ kind, place, of }))).toEqual(
      [
        { kind: 'damaged', place: `segment ${one}, block 0`, of: count },
        { kind: 'damaged', place: `segment ${other}, event ${id}`, of: 1 },
        { kind: 'damaged', place: `segment ${third}`, of: 1 },
      ].sort((a, b) => (a.place < b.place ? -1 : 1)),
    );
    expect(moved.damaged).toBe(count + 1);
    expect(moved.created).toBe(walk.segments().reduce((sum, { events }) => sum + events, 0) - count - 1);
    expect(verified.every(({ events, found }) => events === found)).toBe(true);
    walk.close();
    await index.close();
  });

  test('that the target refuses are named, and the target that lost some is found out', async () => {
    const from = await fill('old', manyDocuments(600));
    const walk = walkSegments({ folder: from });
    const index = await openIndex({ engine: 'embedded', folder: join(folder, 'new') });
    const choosy: EventIndex = {
      ...index,
      write: async (documents) => {
        const outcomes = await index.write(documents.filter(({ id }) => id !== 'e7'));
        const all = [...outcomes];
        const at = documents.findIndex(({ id }) => id === 'e7');
        if (at >= 0) all.splice(at, 0, { result: 'rejected', code: 'INDEX_EVENT_REFUSED', message: 'no' });
        return all;
      },
    };
    const { faults } = await run({ walk, index: choosy, progress: folder });
    expect(faults).toMatchObject([{ kind: 'refused', count: 1, message: 'no [INDEX_EVENT_REFUSED]' }]);
    expect(faults[0]?.place).toMatch(/^segment picket-acme-.+, event e7$/);
    const [segment] = await index.segments();
    await index.dropSegments([segment?.name ?? '']);
    const impatient = { ...persistence().clock, monotonic: steps() };
    const progress = openProgress(folder);
    await verifyEvents({
      walk,
      index,
      progress,
      persistence: { ...persistence(), clock: impatient },
      sample: 0,
    });
    const missing = progress.faults({ kind: 'missing' });
    expect(missing.length).toBe(1);
    expect(missing[0]?.message).toMatch(/^\d+ of \d+ events are in the target$/);
    await progress.close();
    walk.close();
    await index.close();
  });

  test('go to the place of their jurisdiction, and are looked for there', async () => {
    const from = await fill('old', manyDocuments(500));
    const walk = walkSegments({ folder: from });
    const [here, there] = [
      await openIndex({ engine: 'embedded', folder: join(folder, 'here') }),
      await openIndex({ engine: 'embedded', folder: join(folder, 'there') }),
    ];
    const index = federateIndex({
      places: [
        { name: 'here', index: here },
        { name: 'there', index: there, jurisdictions: ['cn-gd'] },
      ],
      logger: silentLogger,
    });
    const { moved, verified, faults } = await run({ walk, index, progress: folder });
    expect(moved.created).toBe(500);
    expect(faults).toEqual([]);
    expect(Object.fromEntries(verified.map(({ jurisdiction, found }) => [jurisdiction, found]))).toEqual({
      'cn-gd': 100,
      'eu-fr': 400,
    });
    const jurisdictions = async (place: EventIndex): Promise<string[]> => [
      ...new Set((await place.segments()).map(({ jurisdiction }) => jurisdiction)),
    ];
    expect([await jurisdictions(here), await jurisdictions(there)]).toEqual([['eu-fr'], ['cn-gd']]);
    walk.close();
    await index.close();
  });

  test('of a folder that a process has open are refused', async () => {
    const index = await openIndex({ engine: 'embedded', folder: join(folder, 'old') });
    expect(() => walkSegments({ folder: join(folder, 'old') })).toThrow(
      'another process owns this index folder',
    );
    await index.close();
  });
});

/** A clock whose every look is a minute later. */
function steps(): () => number {
  let now = 0;
  return () => (now += 60_000);
}

function walkNames(from: string): [string, string, string] {
  const walk = walkSegments({ folder: from });
  const sealed = walk.segments().find((segment) => segment.sealed > 0)?.name ?? '';
  const [second, third] = walk.segments().filter(({ name, tail }) => name !== sealed && tail > 0);
  walk.close();
  return [sealed, second?.name ?? '', third?.name ?? ''];
}
