// The records on a real Elasticsearch: their contract, and what two processes see of each other.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { openElasticsearchRecords } from '../../../platform/records/elasticsearch/open-elasticsearch-records.ts';
import type { RecordChange, RecordStore } from '../../../platform/records/record-store.ts';
import { type Elasticsearch, startElasticsearch } from '../../services/elasticsearch.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { describeRecordsContract } from './contract.ts';

describe('Elasticsearch', { timeout: 60_000 }, () => {
  let server: Elasticsearch;
  beforeAll(async () => {
    if (isRealRun()) server = await startElasticsearch();
  }, 180_000);
  beforeEach((context) => requireReal(context, 'jdk', 'elasticsearch'));
  afterAll(() => server?.stop());

  const open = (index: string): Promise<RecordStore> =>
    openElasticsearchRecords({
      connection: { nodes: [server.url] },
      clock: systemClock,
      logger: silentLogger,
      index,
      replicas: 0,
    });

  describeRecordsContract(
    'Elasticsearch',
    async () => {
      const index = `records-${randomUUID()}`;
      let store = await open(index);
      return {
        store,
        async reopen() {
          await store.close();
          store = await open(index);
          return store;
        },
        async dispose() {
          await store.close();
          await fetch(`${server.url}/${index}`, { method: 'DELETE' });
        },
      };
    },
    { runs: 15 },
  );

  it('tells a process of what another changes, and of its own changes once', async () => {
    const index = `records-${randomUUID()}`;
    const [one, other] = [await open(index), await open(index)];
    const heard: RecordChange[] = [];
    one.watch((change) => heard.push(change));
    await systemClock.sleep(200);
    await one.create('alerts', 'own', { n: 1 });
    const made = await other.create('alerts', 'foreign', { n: 1 });
    await other.remove('alerts', 'foreign', made.revision);
    await other.create('alerts', 'foreign', { n: 2 });
    await waitUntil({
      what: 'it is heard',
      timeout_ms: 10_000,
      holds: () => heard.some(({ id }) => id === 'foreign'),
    });
    await systemClock.sleep(1_500);
    expect(heard.filter(({ id }) => id === 'own')).toHaveLength(1);
    expect(heard.at(-1)).toMatchObject({ id: 'foreign', kind: 'put' });
    await one.close();
    await other.close();
  });

  it('sorts numbers as numbers, below and above nought, and pages over them', async () => {
    const store = await open(`records-${randomUUID()}`);
    const values = [10, -2, 9, 0.5, -300, 1e21, 0];
    for (const [at, n] of values.entries()) await store.create('alerts', `r${at}`, { n });
    const seen: unknown[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await store.query('alerts', {
        sort: { field: 'n', direction: 'asc' },
        limit: 2,
        ...(cursor === undefined ? {} : { cursor }),
      });
      seen.push(...page.records.map(({ value }) => value['n']));
      if (page.cursor === undefined) break;
      cursor = page.cursor;
    }
    expect(seen).toEqual([...values].sort((a, b) => a - b));
    await store.close();
  });
});
