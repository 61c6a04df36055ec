// A parent and a child on loopback: real TLS, real embedded bus and records, one folder each.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bus } from '../../../platform/bus/bus.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import { type Clock, systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { EVERYTHING } from '../../../platform/core/expression/expression.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import type { Posture } from '../../../platform/core/posture.ts';
import type { SiteEvents } from '../../../platform/core/site-events.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { type Authority, createAuthority } from '../../../platform/identity/authority.ts';
import { openSiteKeys, type SiteKeys } from '../../../platform/identity/site-identity.ts';
import {
  type LinkClient,
  type LinkClientOptions,
  startLinkClient,
} from '../../../platform/link/link-client.ts';
import { type LinkServer, startLinkServer } from '../../../platform/link/link-server.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';
import {
  type CompiledResidencyPolicy,
  compileResidencyPolicy,
} from '../../../platform/residency/compile-policy.ts';
import { loadResidencyPolicy } from '../../../platform/residency/load-policies.ts';

export const TENANT = 'acme';
export const SITE = { tenant: TENANT, id: 'factory-lyon', jurisdiction: 'eu-fr' } as const;
export const CENTRE = { site: 'centre', jurisdiction: 'eu-de' } as const;
const TOPIC_LIST = Object.values(TOPICS);

export const euFr = loadResidencyPolicy('rules/residency/eu-fr.yaml');

export function compile(hashKey?: Uint8Array): CompiledResidencyPolicy {
  return compileResidencyPolicy({
    policy: euFr,
    parseQuery: () => EVERYTHING,
    ...(hashKey ? { hashKey } : {}),
  });
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'picket-link-'));
}

export interface Parent {
  readonly folder: string;
  readonly bus: Bus;
  readonly records: RecordStore;
  readonly authority: Authority;
  readonly counters: Counters;
  server: LinkServer;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function openParent(
  options: { clock?: Clock; folder?: string; siteEvents?: (bus: Bus) => SiteEvents } = {},
): Promise<Parent> {
  const clock = options.clock ?? systemClock;
  const folder = options.folder ?? makeFolder();
  const bus = await openEmbeddedBus({ folder: join(folder, 'bus'), clock: systemClock });
  await bus.ensureTopics(TOPIC_LIST);
  const records = await openEmbeddedRecords({ folder: join(folder, 'records'), clock: systemClock });
  const authority = await createAuthority({
    folder: join(folder, 'identity'),
    records,
    tenant: TENANT,
    clock,
  });
  const counters = new Counters();
  const siteEvents = options.siteEvents?.(bus);
  const start = (port: number): Promise<LinkServer> =>
    startLinkServer({
      host: '127.0.0.1',
      port,
      authority,
      bus,
      records,
      residency: { jurisdiction: CENTRE.jurisdiction, policies: new Map([['eu-fr', compile()]]) },
      clock: systemClock,
      counters,
      logger: silentLogger,
      ...(siteEvents ? { siteEvents } : {}),
    });
  const parent: Parent = {
    folder,
    bus,
    records,
    authority,
    counters,
    server: await start(0),
    restart: async () => {
      parent.server = await start(parent.server.port);
    },
    close: async () => {
      await parent.server.close();
      await bus.close();
      await records.close();
      if (!options.folder) rmSync(folder, { recursive: true, force: true });
    },
  };
  return parent;
}

export function invite(
  parent: Parent,
  site: { id: string; jurisdiction: string } = SITE,
): Promise<{ bundle: string }> {
  return parent.authority.invite({
    site: site.id,
    name: 'Lyon',
    tier: 'edge',
    jurisdiction: site.jurisdiction,
    parent: { ...CENTRE, url: parent.server.url },
  });
}

export interface Child {
  readonly folder: string;
  readonly bus: Bus;
  readonly records: RecordStore;
  readonly keys: SiteKeys;
  readonly counters: Counters;
  readonly postures: Posture[];
  readonly refused: string[];
  link: LinkClient;
  close(): Promise<void>;
}

export async function openChild(options: {
  bundle?: string;
  folder?: string;
  link?: Partial<LinkClientOptions>;
}): Promise<Child> {
  const folder = options.folder ?? makeFolder();
  const bus = await openEmbeddedBus({ folder: join(folder, 'bus'), clock: systemClock });
  await bus.ensureTopics(TOPIC_LIST);
  const records = await openEmbeddedRecords({ folder: join(folder, 'records'), clock: systemClock });
  const keys = await openSiteKeys({ folder: join(folder, 'identity') });
  const counters = new Counters();
  const postures: Posture[] = [];
  const refused: string[] = [];
  const started = new Date().toISOString();
  const link = startLinkClient({
    keys,
    ...(options.bundle === undefined ? {} : { bundle: options.bundle }),
    site: SITE,
    bus,
    records,
    policy: compile(keys.residencyKey),
    detects: true,
    onPosture: async (_, posture) => {
      postures.push(posture);
    },
    onPostureRefused: ({ code }) => refused.push(code),
    heldPostureVersion: () => postures.at(-1)?.version ?? 0,
    heartbeat: () => ({
      schema: 1,
      at: new Date().toISOString(),
      version: '0.1.0',
      started,
      counters: counters.snapshot(),
      posture_version: postures.at(-1)?.version ?? 0,
    }),
    heartbeat_ms: 200,
    ledger_ms: 100,
    clock: systemClock,
    counters,
    logger: silentLogger,
    ...options.link,
  });
  return {
    folder,
    bus,
    records,
    keys,
    counters,
    postures,
    refused,
    link,
    close: async () => {
      await link.stop();
      await bus.close();
      await records.close();
      if (!options.folder) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Every value of a topic, parsed. */
export async function readTopic(
  bus: Bus,
  topic: (typeof TOPIC_LIST)[number],
): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (const [partition, { first, next }] of (await bus.bounds(topic)).entries()) {
    for (let offset = first; offset < next; ) {
      const records = await bus.read({ topic, partition, offset, max_records: 1_000 });
      const last = records.at(-1);
      if (!last) break;
      found.push(
        ...records.map(
          (record) => JSON.parse(Buffer.from(record.value).toString('utf8')) as Record<string, unknown>,
        ),
      );
      offset = last.offset + 1;
    }
  }
  return found;
}
