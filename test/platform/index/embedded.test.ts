// The embedded index: its contract, what random documents and questions give, kill -9, and its own promises.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openEmbeddedIndex } from '../../../platform/index/embedded/index.ts';
import { describeIndexContract } from './contract.ts';
import { answersOf, arbitraryExpression, arbitraryFields, matchedAnswers } from './random-questions.ts';
import { minute, sampleDocument } from './sample-events.ts';

const folders: string[] = [];
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'picket-index-'));
  folders.push(folder);
  return folder;
}

describeIndexContract('the embedded index', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'picket-index-'));
  let index = await openEmbeddedIndex({ folder });
  return {
    index,
    async reopen() {
      await index.close();
      index = await openEmbeddedIndex({ folder });
      return index;
    },
    async stop() {
      await index.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

describe('the embedded index', () => {
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  it('finds for any documents and any expression exactly what the reference matcher finds, in sealed blocks and in the tail', async () => {
    const index = await openEmbeddedIndex({ folder: newFolder() });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitraryFields, { minLength: 1, maxLength: 12 }),
        fc.array(arbitraryExpression, { minLength: 5, maxLength: 10 }),
        fc.boolean(),
        async (bodies, questions, sealed) => {
          const tenant = `t${round++}`;
          // 256 events seal a block: fill it up, so that columns and terms decide.
          const filler = sealed ? Math.max(0, 256 - bodies.length) : 0;
          const documents = [...bodies, ...Array.from({ length: filler }, () => ({}))].map((fields, n) =>
            sampleDocument(`d${n}`, { tenant, timestamp: minute(n), fields }),
          );
          await index.write(documents);
          expect(await answersOf(index, tenant, questions)).toEqual(matchedAnswers(documents, questions));
        },
      ),
      { numRuns: 60 },
    );
    await index.close();
  });

  it('keeps every acknowledged event and doubles none when its process is killed', async () => {
    const folder = newFolder();
    const writer = spawn(
      process.execPath,
      ['--no-warnings', join(import.meta.dirname, 'write-until-killed.ts'), folder],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let acknowledged = 0;
    for await (const chunk of writer.stdout) {
      for (const line of String(chunk).split('\n')) if (line !== '') acknowledged = Number(line);
      if (acknowledged >= 1500) {
        writer.kill('SIGKILL');
        break;
      }
    }
    if (writer.signalCode === null) await once(writer, 'exit');
    const index = await openEmbeddedIndex({ folder });
    const { count } = await index.count({ tenant: 'acme' });
    expect(count).toBeGreaterThanOrEqual(acknowledged);
    const again = Array.from({ length: acknowledged }, (_, n) =>
      sampleDocument(`k${n}`, {
        timestamp: minute(n),
        dataset: n % 2 === 0 ? 'windows.security' : 'netflow.flow',
      }),
    );
    const outcomes = await index.write(again);
    expect(outcomes.filter(({ result }) => result !== 'duplicate')).toEqual([]);
    expect(await index.count({ tenant: 'acme' })).toEqual({ count, exact: true });
    await index.close();
  });

  it('keeps one of an event that comes again and is judged otherwise then, in either order and in one write', async () => {
    const index = await openEmbeddedIndex({ folder: newFolder() });
    const first = { ...sampleDocument('clock', { timestamp: minute(1) }), time: 'future' as const };
    const later = { ...first, time: 'ok' as const };
    const other = { ...sampleDocument('clock-2', { timestamp: minute(1) }), time: 'ok' as const };
    expect(await index.write([first])).toEqual([{ result: 'created' }]);
    expect(await index.write([later, other, { ...other, time: 'future' }])).toEqual([
      { result: 'duplicate' },
      { result: 'created' },
      { result: 'duplicate' },
    ]);
    expect(await index.write([{ ...other, time: 'future' }])).toEqual([{ result: 'duplicate' }]);
    expect(await index.count({ tenant: first.tenant })).toEqual({ count: 2, exact: true });
    await index.close();
  });

  it('says exact: false with a lower bound when a count would read too many bodies', async () => {
    const index = await openEmbeddedIndex({ folder: newFolder(), max_bodies: 300 });
    await index.write(
      Array.from({ length: 1024 }, (_, n) =>
        sampleDocument(`b${n}`, { timestamp: minute(n), fields: { labels: { odd: n % 2 } } }),
      ),
    );
    const answer = await index.count({
      tenant: 'acme',
      where: { op: 'leaf', field: 'labels.odd', test: { kind: 'compare', with: 'gte', value: 1 } },
    });
    expect(answer.exact).toBe(false);
    expect(answer.count).toBeGreaterThan(0);
    expect(answer.count).toBeLessThan(512);
    await index.close();
  });

  it('refuses a folder that is in use, and takes it once the owner has closed', async () => {
    const folder = newFolder();
    const owner = await openEmbeddedIndex({ folder });
    await expect(openEmbeddedIndex({ folder })).rejects.toMatchObject({ code: 'INDEX_FOLDER_IN_USE' });
    await owner.close();
    await (await openEmbeddedIndex({ folder })).close();
  });

  it('answers INDEX_CLOSED after close, and closes twice without complaint', async () => {
    const index = await openEmbeddedIndex({ folder: newFolder() });
    await index.close();
    await index.close();
    await expect(index.count({ tenant: 'acme' })).rejects.toMatchObject({ code: 'INDEX_CLOSED' });
  });

  it('works over many more segments than it holds open, and removes a dropped segment from disk', async () => {
    const folder = newFolder();
    const index = await openEmbeddedIndex({ folder, period: 'day' });
    const days = Array.from({ length: 80 }, (_, day) => new Date(Date.UTC(2026, 0, 1 + day)).toISOString());
    await index.write(days.map((timestamp, n) => sampleDocument(`s${n}`, { timestamp })));
    expect((await index.search({ tenant: 'acme', limit: 100 })).hits.map((hit) => hit.event.id)).toEqual(
      days.map((_, n) => `s${79 - n}`),
    );
    expect((await index.get({ tenant: 'acme', id: 's3' }))?.event.id).toBe('s3');
    const name = 'picket-acme-windows.security-eu-fr-2026-01-01';
    expect(await index.dropSegments([name])).toBe(1);
    expect(existsSync(join(folder, 'segments', `${name}.sqlite`))).toBe(false);
    expect(readdirSync(join(folder, 'segments')).some((file) => file.startsWith(name))).toBe(false);
    await index.close();
    // The period of a dataset is fixed when it is first written.
    const again = await openEmbeddedIndex({ folder, period: 'month' });
    await again.write([sampleDocument('later', { timestamp: '2026-12-01T00:00:00.000Z' })]);
    expect((await again.segments()).some(({ period }) => period === '2026-12-01')).toBe(true);
    await again.close();
  });

  it('stops a search that is cancelled in its course', async () => {
    const index = await openEmbeddedIndex({ folder: newFolder() });
    await index.write(
      Array.from({ length: 3000 }, (_, n) => sampleDocument(`c${n}`, { timestamp: minute(n) })),
    );
    const controller = new AbortController();
    const search = index.search({
      tenant: 'acme',
      limit: 10,
      where: { op: 'leaf', field: '*', test: { kind: 'regex', pattern: 'nothing has this' } },
      signal: controller.signal,
    });
    controller.abort(new Error('enough'));
    await expect(search).rejects.toThrow('enough');
    expect((await index.count({ tenant: 'acme' })).count).toBe(3000);
    await index.close();
  });
});
