// A site whose centre is away goes on detecting into its own index; when the centre is back, what may leave arrives once.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { SiteList } from '../../server/api/contract.ts';
import { readRecording } from '../../server/commands/read-recording.ts';
import { sendRecords } from '../../server/commands/replay.ts';
import { writeSite } from '../server/site-files.ts';
import { clientOf, makeFolder, type RunningPicket, startPicket } from '../server/start-picket.ts';
import { findFreePorts } from '../services/free-port.ts';
import { waitUntil } from '../services/wait-until.ts';
import { readSite, type SiteState, WITHOUT_SITE_EVENTS } from './demo-state.ts';

const RECORDINGS = join(import.meta.dirname, '..', '..', 'demo', 'recordings');
const { folder, remove } = makeFolder();
const running = new Set<RunningPicket>();
afterAll(async () => {
  await Promise.all([...running].map((site) => site.stop()));
  remove();
});

async function up(file: string): Promise<RunningPicket> {
  const site = await startPicket(['up', '--site', file]);
  running.add(site);
  return site;
}

async function down(site: RunningPicket, how: 'stop' | 'kill'): Promise<void> {
  running.delete(site);
  await site[how]();
}

/** How many events of each dataset. */
function countDatasets({ events }: SiteState): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const event of events) {
    const [, dataset] = event.split(' ') as [string, string];
    counts[dataset] = (counts[dataset] ?? 0) + 1;
  }
  return counts;
}

test('a site goes on with its centre away, and is caught up once when it is back', {
  timeout: 240_000,
}, async () => {
  const [port, link] = (await findFreePorts(2)) as [number, number];
  const centre = writeSite({
    folder: join(folder, 'centre'),
    tier: 'centre',
    port,
    more: { link: { port: link } },
  });
  let atCentre = await up(centre.file);
  const { bundle } = await clientOf(centre.data).call<{ bundle: string }>('POST', '/api/v1/sites', {
    id: 'lyon',
    tier: 'edge',
    jurisdiction: 'eu-fr',
  });
  const bundleFile = join(folder, 'bundle.txt');
  writeFileSync(bundleFile, bundle);
  const edge = writeSite({
    folder: join(folder, 'lyon'),
    tier: 'edge',
    more: { parent: { bundle_file: bundleFile } },
  });
  const atEdge = await up(edge.file);
  const isUp = async (): Promise<boolean> => {
    const { sites } = await clientOf(centre.data).call<SiteList>('GET', '/api/v1/sites');
    return sites.some(
      ({ id, link: state, heartbeat }) => id === 'lyon' && state === 'up' && heartbeat !== undefined,
    );
  };
  await waitUntil({ what: 'the link is up', holds: isUp, timeout_ms: 60_000 });

  const feed = async (source: string, file: string): Promise<number> => {
    const format = source === 'kubernetes' ? 'kubernetes-audit' : source;
    const totals = await sendRecords({
      api: clientOf(edge.data),
      source,
      records: readRecording({ file: join(RECORDINGS, file), format }),
      shift_ms: 0,
      replayed: false,
      pause_ms: 0,
    });
    expect(totals.rejected).toBe(0);
    return totals.events;
  };
  const countAt = async (data: string): Promise<number> =>
    (
      await clientOf(data).call<{ count: number }>('POST', '/api/v1/search/count', {
        query: WITHOUT_SITE_EVENTS,
      })
    ).count;

  await down(atCentre, 'stop');
  const fed = (await feed('falco', 'falco.ndjson')) + (await feed('kubernetes', 'kubernetes-audit.ndjson'));
  await waitUntil({
    what: 'the site indexes and detects alone',
    holds: async () => (await countAt(edge.data)) === fed && (await readSite(edge.data)).alerts.length > 0,
    timeout_ms: 60_000,
  });

  atCentre = await up(centre.file);
  await waitUntil({
    what: 'some of it has arrived',
    holds: async () => (await countAt(centre.data)) > 0,
    timeout_ms: 60_000,
  });
  // And away once more in the middle, this time without a word.
  await down(atCentre, 'kill');
  await feed('trivy', 'trivy/hmi-gateway.json');
  atCentre = await up(centre.file);

  let before = '';
  await waitUntil({
    what: 'the centre is caught up',
    interval_ms: 2_000,
    timeout_ms: 120_000,
    holds: async () => {
      const { sites } = await clientOf(centre.data).call<SiteList>('GET', '/api/v1/sites');
      const lyon = sites.find(({ id }) => id === 'lyon');
      const now = JSON.stringify([await readSite(centre.data), await readSite(edge.data)]);
      const rests = now === before && lyon?.link === 'up' && lyon.heartbeat?.spool.records === 0;
      before = now;
      return rests;
    },
  });

  const [there, here] = await Promise.all([readSite(centre.data), readSite(edge.data)]);
  expect(new Set(here.events).size).toBe(here.events.length);
  expect(new Set(there.events).size).toBe(there.events.length);
  expect(there.events.length).toBeGreaterThan(0);
  expect(new Set(here.events)).toEqual(new Set([...here.events, ...there.events]));
  // Residency lets a class through or keeps it: of a dataset that arrived, all arrived.
  const kept = countDatasets(here);
  for (const [dataset, count] of Object.entries(countDatasets(there)))
    expect(count, `dataset ${dataset}`).toBe(kept[dataset]);
  expect(new Set(there.alertIds).size).toBe(there.alertIds.length);
  // By rule, time and count: the id of an alert whose key residency hid is another one at the centre.
  const told = (alerts: readonly string[]): string[] =>
    alerts.map((alert) => {
      const { rule, first, last, count } = JSON.parse(alert) as Record<string, unknown>;
      return JSON.stringify({ rule, first, last, count });
    });
  expect(told(there.alerts)).toEqual(expect.arrayContaining(told(here.alerts)));
  expect(there.deadLetters).toEqual([]);
  expect(here.deadLetters).toEqual([]);
  await down(atEdge, 'stop');
});
