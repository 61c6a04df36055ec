// Counts what a migration would move and looks at where it would go; changes nothing.
import type { Clock } from '../../platform/core/clock.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { COLLECTIONS } from '../../platform/records/record-store.ts';
import { examineGround } from '../doctor/examine-site.ts';
import type { Finding } from '../doctor/finding.ts';
import type { SiteConfig } from '../site-config.ts';
import { listFilesLeft } from './list-files-left.ts';
import { findWaiting, refuseForeign } from './migrate-site.ts';
import { openOldStores } from './open-old-stores.ts';

export interface MigrationPreview {
  readonly from: string;
  readonly records?: readonly { readonly collection: string; readonly records: number }[];
  readonly events?: readonly {
    readonly segment: string;
    readonly jurisdiction: string;
    readonly events: number;
    /** Why it cannot be read. */
    readonly error?: string;
  }[];
  readonly bus?: { readonly waiting: number; readonly dead_letters: number };
  /** As `picket doctor` finds the new configuration's servers. */
  readonly findings: readonly Finding[];
  readonly files_left: readonly { readonly from: string; readonly to: string }[];
}

/** @throws PicketError of openOldStores, MIGRATE_TENANT */
export async function previewMigration(options: {
  config: SiteConfig;
  from: string;
  clock: Clock;
}): Promise<MigrationPreview> {
  const { config, from, clock } = options;
  const old = await openOldStores({ data: from, config, clock });
  try {
    refuseForeign(old, config.tenant);
    const { records: store, events, bus } = old;
    const records =
      store &&
      (await Promise.all(
        COLLECTIONS.map(async (collection) => ({ collection, records: await store.count(collection) })),
      ));
    const waiting = (await findWaiting(old, config)).reduce((sum, one) => sum + one.next - one.from, 0);
    const letters = bus ? await bus.bounds(TOPICS.deadLetters) : [];
    return {
      from,
      ...(records ? { records } : {}),
      ...(events
        ? {
            events: events.segments().map(({ name, jurisdiction, events: count, error }) => ({
              segment: name,
              jurisdiction,
              events: count,
              ...(error === undefined ? {} : { error }),
            })),
          }
        : {}),
      ...(bus
        ? { bus: { waiting, dead_letters: letters.reduce((sum, { first, next }) => sum + next - first, 0) } }
        : {}),
      findings: await examineGround(config),
      files_left: listFilesLeft(from, config.data),
    };
  } finally {
    await old.close();
  }
}
