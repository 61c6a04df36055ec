// One real centre on Kafka and Elasticsearch, by configuration alone: records in, alerts and incidents out, through kill -9.
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Elasticsearch, startElasticsearch } from '../services/elasticsearch.ts';
import { type Kafka, startKafka } from '../services/kafka.ts';
import { isRealRun, requireReal } from '../services/require-real.ts';
import { waitUntil } from '../services/wait-until.ts';
import { onServers, writeSite } from './site-files.ts';
import { clientOf, makeFolder, type RunningPicket, runPicket, startPicket } from './start-picket.ts';

const RECORDINGS = join(import.meta.dirname, '..', '..', 'demo', 'recordings');
const { folder, remove } = makeFolder();

interface Counted {
  readonly count: number;
}
interface Incidents {
  readonly incidents: readonly { id: string; alerts: readonly { id: string }[] }[];
}

describe('a centre on Kafka and Elasticsearch', { timeout: 180_000 }, () => {
  let kafka: Kafka;
  let elasticsearch: Elasticsearch;
  let site: RunningPicket | undefined;
  let file = '';
  let data = '';
  beforeAll(async () => {
    if (!isRealRun()) return;
    [kafka, elasticsearch] = await Promise.all([startKafka(), startElasticsearch()]);
    const written = writeSite({
      folder,
      tier: 'centre',
      more: onServers({ broker: kafka.broker, elasticsearch: elasticsearch.url }),
    });
    ({ file, data } = written);
  }, 240_000);
  beforeEach((context) => requireReal(context, 'java', 'kafka', 'jdk', 'elasticsearch'));
  afterAll(async () => {
    await site?.stop();
    await elasticsearch?.stop();
    await kafka?.stop();
    remove();
  });

  const count = async (): Promise<number> =>
    (await clientOf(data).call<Counted>('POST', '/api/v1/search/count', {})).count;
  const incidents = async (): Promise<Incidents['incidents']> =>
    (await clientOf(data).call<Incidents>('GET', '/api/v1/incidents')).incidents;
  const alertsOf = (all: Incidents['incidents']): string[] =>
    all.flatMap(({ alerts }) => alerts.map(({ id }) => id)).sort();

  test('finds every record once and raises its alerts, killed in the middle and started again', async () => {
    site = await startPicket(['up', '--site', file]);
    const falco = join(RECORDINGS, 'falco.ndjson');
    expect(await runPicket(['replay', falco, '--source', 'falco', '--data', data])).toMatchObject({
      code: 0,
    });
    await waitUntil({
      what: 'events are found',
      timeout_ms: 60_000,
      holds: async () => (await count()) === 19,
    });
    await waitUntil({
      what: 'an incident stands',
      timeout_ms: 60_000,
      holds: async () => (await incidents()).length > 0,
    });
    const before = alertsOf(await incidents());
    const audit = join(RECORDINGS, 'kubernetes-audit.ndjson');
    expect(await runPicket(['replay', audit, '--source', 'kubernetes', '--data', data])).toMatchObject({
      code: 0,
    });
    await site.kill();
    site = await startPicket(['up', '--site', file]);
    // The same records once more: nothing of them is new.
    expect(await runPicket(['replay', audit, '--source', 'kubernetes', '--data', data])).toMatchObject({
      code: 0,
    });
    let total = -1;
    await waitUntil({
      what: 'the count stands still',
      timeout_ms: 90_000,
      interval_ms: 3_000,
      holds: async () => {
        const now = await count();
        const still = now === total && now > 19;
        total = now;
        return still;
      },
    });
    await waitUntil({
      what: 'alerts of both recordings stand in incidents',
      timeout_ms: 60_000,
      holds: async () => alertsOf(await incidents()).length > before.length,
    });
    const after = alertsOf(await incidents());
    for (const id of before) expect(after).toContain(id);
    expect(new Set(after).size).toBe(after.length);
  });

  test('is looked at by the doctor, who finds its servers well and tells what is not', async () => {
    const look = async (): Promise<{ subject: string; state: string; message: string }[]> => {
      const end = await runPicket(['doctor', file, '--json']);
      return (JSON.parse(end.stdout) as { findings: { subject: string; state: string; message: string }[] })
        .findings;
    };
    const found = await look();
    expect(found.filter(({ state }) => state === 'problem')).toEqual([]);
    const messageOf = (subject: string): string | undefined =>
      found.find((one) => one.subject.startsWith(subject))?.message;
    expect(messageOf('process of')).toMatch(/^ready at http/);
    expect(messageOf('Kafka topic picket.events')).toBe('4 partitions, 1 copies');
    expect(messageOf('Elasticsearch at')).toContain('is green, 1 nodes');
    expect(messageOf('template picket-events')).toBe('there');
    expect(messageOf('clock of node')).toMatch(/^0\.\d s /);
    await fetch(`${elasticsearch.url}/picket_records/_settings`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ 'index.blocks.read_only_allow_delete': true }),
    });
    expect((await look()).filter(({ state }) => state === 'problem')).toMatchObject([
      { subject: 'index picket_records', message: 'takes no writes' },
    ]);
    await fetch(`${elasticsearch.url}/picket_records/_settings`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ 'index.blocks.read_only_allow_delete': null }),
    });
  });
});
