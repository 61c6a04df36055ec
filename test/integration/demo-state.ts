// What the demo's three sites hold, in a form in which two runs can be compared.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Alert } from '../../platform/core/alert.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import type { Incident } from '../../platform/core/incident.ts';
import type { PlaybookRun } from '../../platform/core/playbook-run.ts';
import type { SiteList } from '../../server/api/contract.ts';
import type { ApiClient } from '../../server/commands/api-client.ts';
import { clientOf } from '../server/start-picket.ts';

export const SITES = ['centre', 'factory-lyon', 'factory-shenzhen'] as const;
export type SiteName = (typeof SITES)[number];

export interface SiteState {
  /** `dataset id` of every event in the index, sorted; one that stands twice is in here twice. */
  readonly events: readonly string[];
  /** Current alerts as SEMANTICS compares them, sorted. */
  readonly alerts: readonly string[];
  /** Ids of all alerts, whatever their state; one that stands twice is in here twice. */
  readonly alertIds: readonly string[];
  /** The alert ids of each case that is not merged away, sorted. */
  readonly partition: readonly string[];
  readonly deadLetters: readonly string[];
  /** `playbook incident` of every run. */
  readonly runs: readonly string[];
}

async function readPages<T>(
  read: (cursor: string | undefined) => Promise<{ items: readonly T[]; cursor?: string | undefined }>,
): Promise<T[]> {
  const all: T[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await read(cursor);
    all.push(...page.items);
    if (page.cursor === undefined) return all;
    cursor = page.cursor;
  }
}

async function readList<T>(api: ApiClient, name: string): Promise<T[]> {
  return readPages<T>(async (cursor) => {
    const query = new URLSearchParams({ limit: '500', ...(cursor === undefined ? {} : { cursor }) });
    const page = await api.call<Record<string, unknown>>('GET', `/api/v1/${name}?${query.toString()}`);
    return { items: page[name] as T[], cursor: page['cursor'] as string | undefined };
  });
}

/** What a site tells of itself differs from run to run: a parent is away in one and not in the other. */
export const WITHOUT_SITE_EVENTS = 'not event.dataset: picket.site';

export async function readSite(data: string): Promise<SiteState> {
  const api = clientOf(data);
  const events = await readPages<PicketEvent>(async (cursor) => {
    const page = await api.call<{ events: PicketEvent[]; cursor?: string }>('POST', '/api/v1/search', {
      query: WITHOUT_SITE_EVENTS,
      limit: 1_000,
      sort: 'oldest',
      ...(cursor === undefined ? {} : { cursor }),
    });
    return { items: page.events, cursor: page.cursor };
  });
  const all = await readList<Alert>(api, 'alerts');
  const alerts = all.filter((alert) => alert.class !== 'operational');
  const ofSites = new Set(all.flatMap(({ id, class: of }) => (of === 'operational' ? [id] : [])));
  const incidents = await readList<Incident>(api, 'incidents');
  const runs = await readList<PlaybookRun>(api, 'runs');
  const { dead_letters } = await api.call<{
    dead_letters: { stage: string; code: string; message: string }[];
  }>('GET', '/api/v1/dead-letters');
  return {
    events: events.map(({ event, picket }) => `${picket.site.id} ${event.dataset} ${event.id}`).sort(),
    alerts: alerts
      .filter(({ state }) => state === 'current')
      .map(({ id, rule, key, first, last, count }) =>
        JSON.stringify({ id, rule: rule.id, key, first, last, count }),
      )
      .sort(),
    alertIds: alerts.map(({ id }) => id).sort(),
    partition: incidents
      .map((incident) =>
        incident.alerts
          .map(({ id }) => id)
          .filter((id) => !ofSites.has(id))
          .sort()
          .join(' '),
      )
      .filter((alerts) => alerts !== '')
      .sort(),
    deadLetters: dead_letters.map(({ stage, code, message }) => `${stage} ${code} ${message}`).sort(),
    runs: runs.map(({ playbook, incident }) => `${playbook.id} ${incident}`).sort(),
  };
}

/** A cheap picture that changes whenever a site works on something. */
async function glance(data: string): Promise<string> {
  const api = clientOf(data);
  const { count } = await api.call<{ count: number }>('POST', '/api/v1/search/count', {});
  const alerts = await readList<Alert>(api, 'alerts');
  const incidents = await readList<Incident>(api, 'incidents');
  return JSON.stringify([
    count,
    alerts.map(({ id, revision }) => `${id} ${revision}`).sort(),
    incidents.map(({ id, alerts: members }) => `${id} ${members.length}`).sort(),
  ]);
}

/** Links up and nothing waiting to be sent. */
async function isDrained(demo: string): Promise<boolean> {
  const { sites } = await clientOf(join(demo, 'centre')).call<SiteList>('GET', '/api/v1/sites');
  const edges = sites.filter(({ link }) => link !== 'self');
  return (
    edges.length === 2 &&
    edges.every(({ link, heartbeat }) => link === 'up' && heartbeat?.spool.records === 0)
  );
}

/** How many recordings were played to their end. */
export function playedRecordings(demo: string): number {
  const file = join(demo, 'story.json');
  if (!existsSync(file)) return 0;
  return (JSON.parse(readFileSync(file, 'utf8')) as { done: string[] }).done.length;
}

/** Resolves once nothing changed at any site for a while and nothing waits to be sent; a site that is away only delays it. */
export async function waitForQuiet(demo: string, timeout_ms: number): Promise<void> {
  const deadline = performance.now() + timeout_ms;
  let before = '';
  for (let still = 0; still < 6; ) {
    if (performance.now() > deadline) throw new Error(`no rest within ${timeout_ms} ms; last: ${before}`);
    await sleep(1_000);
    let now: string;
    try {
      now = (await isDrained(demo))
        ? (await Promise.all(SITES.map((site) => glance(join(demo, site))))).join('\n')
        : '';
    } catch {
      now = '';
    }
    still = now !== '' && now === before ? still + 1 : 0;
    before = now;
  }
}
