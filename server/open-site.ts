// Opens what every process of a site stands on, whatever its roles: its folder, bus, stores, counters and keys.
import { access, chmod, constants, mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { keepSiteEvents, type SiteEventKeeper } from '../ingest/keep-site-events.ts';
import type { SiteIdentity } from '../ingest/site-identity.ts';
import type { Bus } from '../platform/bus/bus.ts';
import { type Clock, systemClock } from '../platform/core/clock.ts';
import { Counters } from '../platform/core/counters.ts';
import { describeError, PicketError } from '../platform/core/errors.ts';
import type { Logger } from '../platform/core/log.ts';
import { TOPICS } from '../platform/core/topics.ts';
import { openLocalKeys, openSiteKeys, type SiteKeys } from '../platform/identity/site-identity.ts';
import type { EventIndex } from '../platform/index/event-index.ts';
import { holdLease, type Work } from '../platform/records/hold-lease.ts';
import type { RecordStore } from '../platform/records/record-store.ts';
import { DurableDatabase } from '../platform/sqlite/durable-database.ts';
import { resolveContent } from './content-path.ts';
import type { Endings } from './endings.ts';
import { keepCounters } from './keep-counters.ts';
import { loadResidency, type Residency } from './load-residency.ts';
import { openSiteBus } from './open-site-bus.ts';
import { openSiteIndex, openSiteRecords } from './open-site-stores.ts';
import { isWhole, type Roles } from './roles/role.ts';
import type { SiteConfig } from './site-config.ts';

/** What this process is of its site. */
export interface Membership {
  readonly roles: Roles;
  /** Its name among the processes of the site on this machine. */
  readonly instance: string;
}

export interface OpenSite {
  readonly config: SiteConfig;
  readonly configFile: string;
  readonly roles: Roles;
  /** Undefined where one process is the whole site; else its name among all of them: machine and instance. */
  readonly process: string | undefined;
  /** Folder of this process's own files. What all share (keys, packs) lies in `config.data`. */
  readonly folder: string;
  /** Absolute path of a path of the configuration. */
  readonly content: (path: string) => string;
  readonly clock: Clock;
  /** ms since the epoch. */
  readonly started: number;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly bus: Bus;
  readonly records: RecordStore;
  readonly index: EventIndex;
  /** Undefined at a site without a parent. */
  readonly siteKeys: SiteKeys | undefined;
  readonly identity: SiteIdentity;
  readonly residency: Residency;
  readonly siteEvents: SiteEventKeeper;
  /** Starts work that one process of the site may do at a time, here or elsewhere. */
  alone(name: string, start: () => Promise<Work> | Work): Promise<Work>;
}

/** The folder of the keys that all processes of a site share: `identity` and `authority` in it. */
export function keysOf(config: SiteConfig): string {
  return config.keys ?? config.data;
}

/** The folder of a process's own files. */
export function folderOf(config: SiteConfig, { roles, instance }: Membership): string {
  return isWhole(roles) ? config.data : join(config.data, 'processes', instance);
}

/**
 * Opens all of it; what is open is added to `endings` at once.
 * @throws PicketError DATA_FOLDER, DATA_LOCKED, BUS_LOCKED and what content and stores say
 */
export async function openSite(options: {
  config: SiteConfig;
  configFile: string;
  membership: Membership;
  endings: Endings;
  logger: Logger;
}): Promise<OpenSite> {
  const { config, configFile, membership, endings, logger } = options;
  const { tenant } = config;
  const { roles, instance } = membership;
  const clock = systemClock;
  const started = clock.now();
  const content = (path: string): string => resolveContent(path, configFile);
  const folder = folderOf(config, membership);
  const process = isWhole(roles) ? undefined : `${hostname()}/${instance}`;
  const counters = new Counters();

  await mkdir(config.data, { recursive: true, mode: 0o700 });
  // Kafka and Elasticsearch lock nothing here: a file that is open to one process alone stands for the folder.
  const held = new DurableDatabase({
    folder,
    file: 'instance.sqlite',
    codePrefix: 'DATA',
    schemaVersion: 1,
    schema: '',
    group_wait_ms: 0,
  });
  endings.add('folder', () => held.close());
  const bus = await openSiteBus({ config, folder, clock, counters, logger });
  endings.add('bus', () => bus.close());
  await bus.ensureTopics(Object.values(TOPICS));
  const records = await openSiteRecords({ config, clock, logger });
  endings.add('records', () => records.close());
  const index = await openSiteIndex({ config, clock, logger });
  endings.add('index', () => index.close());
  const kept = await keepCounters({ counters, records, process, logger });
  endings.add('counters', () => kept.close());

  const identityFolder = join(keysOf(config), 'identity');
  const siteKeys = config.parent ? await openSiteKeys({ folder: identityFolder }) : undefined;
  const { eventKey, residencyKey } = siteKeys ?? (await openLocalKeys({ folder: identityFolder }));
  const residency = loadResidency({
    folder: content(config.content.residency),
    jurisdiction: config.site.jurisdiction,
    hashKey: residencyKey,
  });
  const { id, tier, jurisdiction } = config.site;
  const identity = { tenant, id, tier, jurisdiction, eventKey };
  const siteEvents = keepSiteEvents({ site: identity, bus, clock, counters, logger });
  endings.add('site events', () => siteEvents.close());
  return {
    config,
    configFile,
    roles,
    process,
    folder,
    content,
    clock,
    started,
    logger,
    counters,
    bus,
    records,
    index,
    siteKeys,
    identity,
    residency,
    siteEvents,
    alone: async (name, start) =>
      // Embedded records belong to one process: there is nobody to share with.
      config.records.engine === 'embedded'
        ? start()
        : holdLease({ records, name, holder: process ?? `${hostname()}/all`, clock, logger, start }),
  };
}

/** Makes the folder of a process, for its eyes alone. @throws PicketError DATA_FOLDER */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    // One that was there before may be open to others; what it will hold is not for them. A mounted volume may not be
    // ours to close.
    await chmod(folder, 0o700).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPERM') throw error;
    });
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new PicketError({
      code: 'DATA_FOLDER',
      message: `the data folder ${folder} cannot be written: ${describeError(cause)}`,
      cause,
    });
  }
}
