// One index over two places: the contract, where events lie, and what is said when a place is away.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PicketError } from '../../../platform/core/errors.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { openEmbeddedIndex } from '../../../platform/index/embedded/index.ts';
import type { EventIndex } from '../../../platform/index/event-index.ts';
import { federateIndex } from '../../../platform/index/federated-index.ts';
import { describeIndexContract } from './contract.ts';
import { minute, sampleDocument } from './sample-events.ts';

async function openTwo(folder: string): Promise<{ here: EventIndex; there: EventIndex; both: EventIndex }> {
  const here = await openEmbeddedIndex({ folder: join(folder, 'here') });
  const there = await openEmbeddedIndex({ folder: join(folder, 'there') });
  return { here, there, both: federate(here, there) };
}

function federate(here: EventIndex, there: EventIndex): EventIndex {
  return federateIndex({
    places: [
      { name: 'frankfurt', index: here },
      { name: 'guangdong', index: there, jurisdictions: ['cn-gd'] },
    ],
    logger: silentLogger,
  });
}

describeIndexContract('two places', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'picket-federated-'));
  let { both } = await openTwo(folder);
  return {
    index: both,
    async reopen() {
      await both.close();
      ({ both } = await openTwo(folder));
      return both;
    },
    async stop() {
      await both.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

describe('two places', () => {
  const away = (): Promise<never> =>
    Promise.reject(new PicketError({ code: 'ELASTICSEARCH_UNAVAILABLE', message: 'no node answers' }));

  it('keep each event where its jurisdiction is, page over both, and say which is away', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'picket-federated-'));
    const { here, there, both } = await openTwo(folder);
    const documents = Array.from({ length: 60 }, (_, n) =>
      sampleDocument(`e${String(n).padStart(2, '0')}`, {
        timestamp: minute(n),
        jurisdiction: n % 3 === 0 ? 'cn-gd' : 'eu-fr',
        fields: { user: { name: `u${n % 4}` } },
      }),
    );
    await both.write(documents);
    const tenant = 'acme';
    expect((await here.count({ tenant })).count).toBe(40);
    expect((await there.count({ tenant })).count).toBe(20);
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await both.search({
        tenant,
        limit: 7,
        sort: 'oldest',
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...page.hits.map(({ event }) => event.id));
      if (page.cursor === undefined) break;
      cursor = page.cursor;
    }
    expect(seen).toEqual(documents.map(({ id }) => id));
    expect((await both.topValues({ tenant, field: 'user.name', limit: 2 })).values).toEqual([
      { value: 'u0', count: 15 },
      { value: 'u1', count: 15 },
    ]);

    const broken = { ...there, search: away, count: away, write: away };
    const partly = federate(here, broken);
    const page = await partly.search({ tenant, limit: 100 });
    expect(page.hits).toHaveLength(40);
    expect(page.unanswered).toEqual(['guangdong']);
    expect(await partly.count({ tenant })).toEqual({ count: 40, exact: false });
    // What lies elsewhere alone is asked for there alone.
    expect((await partly.search({ tenant, limit: 100, jurisdictions: ['eu-fr'] })).unanswered).toEqual([]);
    await expect(partly.search({ tenant, limit: 100, jurisdictions: ['cn-gd'] })).rejects.toMatchObject({
      code: 'ELASTICSEARCH_UNAVAILABLE',
    });
    // The batch comes again, and what was written is a duplicate then.
    const more = [sampleDocument('x1'), sampleDocument('x2', { jurisdiction: 'cn-gd' })];
    await expect(partly.write(more)).rejects.toMatchObject({ code: 'ELASTICSEARCH_UNAVAILABLE' });
    expect((await both.write(more)).map(({ result }) => result)).toEqual(['duplicate', 'created']);
    await both.close();
    rmSync(folder, { recursive: true, force: true });
  });
});
