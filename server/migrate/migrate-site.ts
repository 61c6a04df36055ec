// Moves a stopped site from its embedded stores to those that its new configuration names, and goes on where an earlier run ended.
import { INCIDENT_GROUP } from '../../detect/incidents/start-incident-builder.ts';
import { DETECT_GROUP } from '../../detect/worker/start-detector.ts';
import type { KafkaBusConfig } from '../../platform/bus/bus-config.ts';
import { openBus } from '../../platform/bus/open-bus.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { INDEX_GROUP } from '../../platform/index/write-events.ts';
import { UPLINK_TOPICS } from '../../platform/link/prepare-records.ts';
import { UPLINK_GROUP } from '../../platform/link/uplink.ts';
import {
  loadUplinkState,
  startOnNewBus,
  UplinkState,
  uplinkPosition,
} from '../../platform/link/uplink-state.ts';
import { LEDGER_GROUP } from '../../platform/residency/ledger-keeper.ts';
import { PLAYBOOK_GROUP } from '../../respond/playbooks/run-playbooks.ts';
import { kafkaSettings } from '../open-site-bus.ts';
import { openSiteIndex, openSiteRecords } from '../open-site-stores.ts';
import type { SiteConfig } from '../site-config.ts';
import { listFilesLeft } from './list-files-left.ts';
import { moveDeadLetters } from './move-dead-letters.ts';
import { eventsLeft, type MovedEvents, moveEvents } from './move-events.ts';
import { findRemainders, moveMessages, type Readers } from './move-messages.ts';
import { type Convert, type MovedRecords, moveRecords } from './move-records.ts';
import { moveSignals } from './move-signals.ts';
import { type OldStores, openOldStores } from './open-old-stores.ts';
import { type Fault, openProgress, type Progress } from './open-progress.ts';
import type { Persistence } from './persist.ts';
import type { Stretch } from './read-pages.ts';
import { holdToTarget } from './read-target.ts';
import type { Teller } from './tell-progress.ts';
import { type VerifiedCollection, type VerifiedEvents, verifyEvents, verifyRecords } from './verify.ts';

export interface MigrationOptions {
  /** The new configuration. */
  readonly config: SiteConfig;
  /** Data folder of the old site. */
  readonly from: string;
  /** Overwrite records of the target that differ. */
  readonly replace: boolean;
  /** Forget what earlier runs have moved. */
  readonly restart: boolean;
  /** Events of each segment whose content is compared in the end. */
  readonly sample: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly teller: Teller;
  readonly signal: AbortSignal;
}

export const PARTS = ['bus', 'records', 'events'] as const;
export type Part = (typeof PARTS)[number];

export interface MigrationReport {
  readonly from: string;
  /** What an earlier run moved and verified whole: it was left alone. */
  readonly finished_before: readonly Part[];
  /** What this run did; absent for what stays where it is and for what was finished before. */
  readonly records?: MovedRecords & { readonly verified: readonly VerifiedCollection[] };
  readonly events?: MovedEvents & { readonly verified: readonly VerifiedEvents[] };
  readonly bus?: { readonly waiting: number; readonly dead_letters: number; readonly signals: number };
  /** Records and events of this and earlier runs that did not arrive as they were. */
  readonly faults: number;
  /** The first of them. */
  readonly first_faults: readonly Fault[];
  /** Files that the new data folder still lacks. */
  readonly files_left: readonly { readonly from: string; readonly to: string }[];
}

/** Faults named in a report; all of them are in the progress file. */
const FIRST_FAULTS = 50;

/**
 * @throws PicketError of openOldStores, of the target when it refuses, MIGRATE_TARGET, MIGRATE_TENANT, MIGRATE_LOCKED;
 * the signal's reason when it is aborted: what was moved until then is noted
 */
export async function migrateSite(options: MigrationOptions): Promise<MigrationReport> {
  const { config, from, clock, logger, teller, signal } = options;
  const old = await openOldStores({ data: from, config, clock });
  try {
    refuseForeign(old, config.tenant);
    const progress = openProgress(from);
    try {
      if (options.restart) await progress.clear();
      await holdToTarget({ config, old, progress, logger });
      if (progress.get('began') === undefined) await progress.set('began', clock.now());
      // What was compared before is compared anew.
      await progress.removeFaults({ kind: 'missing' });
      await progress.removeFaults({ kind: 'differs' });
      const run: Run = {
        ...options,
        old,
        progress,
        convert: convertFor(old, (progress.get('began') as number | undefined) ?? 0),
        persistence: { clock, signal, onWait: (reason, wait_ms) => teller.wait(reason, wait_ms) },
      };
      const before = PARTS.filter((part) => old[part] && progress.get(`finished/${part}`) !== undefined);
      const finish = async (part: Part): Promise<void> => {
        if (progress.countFaults({ part }) === 0)
          await progress.set(`finished/${part}`, new Date(clock.now()).toISOString());
      };
      const left = (part: Part): boolean => !before.includes(part);
      const bus = old.bus && left('bus') ? await moveBus(run, old.bus) : undefined;
      if (bus) await finish('bus');
      const records = old.records && left('records') ? await moveAllRecords(run, old.records) : undefined;
      if (records) await finish('records');
      const events = old.events && left('events') ? await moveAllEvents(run, old.events) : undefined;
      if (events) await finish('events');
      return {
        from,
        finished_before: before,
        ...(records ? { records } : {}),
        ...(events ? { events } : {}),
        ...(bus ? { bus } : {}),
        faults: progress.countFaults(),
        first_faults: progress.faults({}, FIRST_FAULTS),
        files_left: listFilesLeft(from, config.data),
      };
    } finally {
      await progress.close();
    }
  } finally {
    await old.close();
  }
}

interface Run extends MigrationOptions {
  readonly old: OldStores;
  readonly progress: Progress;
  readonly convert: Convert;
  readonly persistence: Persistence;
}

/** Events of another tenant would be moved and never be found. */
export function refuseForeign({ events }: Pick<OldStores, 'events'>, tenant: string): void {
  const foreign = events?.segments().find((segment) => segment.tenant !== tenant);
  if (foreign)
    throw new PicketError({
      code: 'MIGRATE_TENANT',
      message: `the old index holds events of tenant ${foreign.tenant}, the new configuration is of tenant ${tenant}`,
    });
}

/** Places in the old bus mean nothing in the new one; everything else stays as it is. */
function convertFor(old: OldStores, moved: number): Convert {
  return (collection, id, value) =>
    old.bus && collection === 'settings' && id === 'uplink'
      ? startOnNewBus(UplinkState.parse(value), moved)
      : value;
}

/** What stages of the old site had not worked yet. */
export async function findWaiting(old: OldStores, config: SiteConfig): Promise<Stretch[]> {
  if (!old.bus) return [];
  const uplink = config.parent && old.records ? await loadUplinkState(old.records) : undefined;
  const readers: readonly Readers[] = [
    { topic: TOPICS.events, groups: [INDEX_GROUP, DETECT_GROUP] },
    { topic: TOPICS.alerts, groups: [INCIDENT_GROUP] },
    { topic: TOPICS.residency, groups: [LEDGER_GROUP] },
    ...(config.link ? [{ topic: TOPICS.incidents, groups: [PLAYBOOK_GROUP] }] : []),
    ...(uplink ? UPLINK_TOPICS.map(({ topic }) => ({ topic, groups: [UPLINK_GROUP] })) : []),
  ];
  const topics = new Map<string, Readers>();
  for (const { topic, groups } of readers)
    topics.set(topic.name, { topic, groups: [...(topics.get(topic.name)?.groups ?? []), ...groups] });
  return findRemainders({
    bus: old.bus,
    committed: old.committed,
    readers: [...topics.values()],
    position: (group, topic, partition) => {
      if (group === DETECT_GROUP) return old.detection?.position(topic, partition);
      return group === UPLINK_GROUP && uplink ? uplinkPosition(uplink, topic, partition) : undefined;
    },
  });
}

async function moveBus(
  { config, clock, logger, teller, old, progress, persistence }: Run,
  from: NonNullable<OldStores['bus']>,
): Promise<NonNullable<MigrationReport['bus']>> {
  const to = await openBus({ ...kafkaSettings(config.bus as KafkaBusConfig, config.site.id), clock, logger });
  try {
    await to.ensureTopics(Object.values(TOPICS));
    teller.begin('signals', undefined);
    const { detection } = old;
    const common = { to, progress, persistence, onMoved: (count: number) => teller.add(count) };
    const signals = detection ? await moveSignals({ ...common, detection }) : 0;
    teller.end();
    const remainders = await findWaiting(old, config);
    const waiting = remainders.reduce((sum, one) => sum + one.next - one.from, 0);
    teller.begin('messages that waited', waiting);
    await moveMessages({ ...common, from, remainders });
    teller.end();
    teller.begin('dead letters', undefined);
    const letters = await moveDeadLetters({ ...common, from });
    teller.end();
    return { waiting, dead_letters: letters, signals };
  } finally {
    await to.close();
  }
}

async function moveAllRecords(
  { config, clock, logger, teller, progress, persistence, convert, replace }: Run,
  from: NonNullable<OldStores['records']>,
): Promise<NonNullable<MigrationReport['records']>> {
  const to = await openSiteRecords({ config, clock, logger });
  try {
    teller.begin('records', undefined);
    const onMoved = (count: number): void => teller.add(count);
    const moved = await moveRecords({ from, to, convert, replace, progress, persistence, onMoved });
    teller.end();
    const verified = await verifyRecords({ from, to, convert, progress, persistence });
    return { ...moved, verified };
  } finally {
    await to.close();
  }
}

async function moveAllEvents(
  { config, clock, logger, teller, progress, persistence, sample }: Run,
  walk: NonNullable<OldStores['events']>,
): Promise<NonNullable<MigrationReport['events']>> {
  const index = await openSiteIndex({ config, clock, logger });
  try {
    teller.begin('events', eventsLeft(walk.segments(), progress));
    const moved = await moveEvents({
      walk,
      index,
      progress,
      persistence,
      onMoved: (events) => teller.add(events),
    });
    teller.end();
    const verified = await verifyEvents({ walk, index, progress, persistence, sample });
    return { ...moved, verified };
  } finally {
    await index.close();
  }
}
