// The rarity table: how widely each entity was seen among alerts, published under a version and kept as a record.
import { z } from 'zod';
import type { Alert } from '../../platform/core/alert.ts';
import { contentHash } from '../../platform/core/canonical-json.ts';
import { entityKey } from '../../platform/core/entity.ts';
import { SCHEMA_VERSION, SchemaVersion } from '../../platform/core/schema-version.ts';
import { type RecordStore, upsertRecord } from '../../platform/records/record-store.ts';

/** Record `settings/rarity-table`. */
export const RarityTable = z.object({
  schema: SchemaVersion,
  /** Hash of what it holds; `empty` before the first. */
  version: z.string(),
  published: z.iso.datetime(),
  /** Entity key → spread: distinct (UTC day, host or site) pairs among the alerts that name it. Absent means 0. */
  spread: z.record(z.string(), z.number()),
});
export type RarityTable = z.infer<typeof RarityTable>;

export const RARITY_RECORD = 'rarity-table';

/** Only spreads from here on are kept: what is rarer weighs nearly the same, and the table stays small. */
const LEAST_KEPT = 3;

/** The table before anything was counted: every entity is rare. */
export function emptyRarity(): RarityTable {
  return { schema: SCHEMA_VERSION, version: 'empty', published: new Date(0).toISOString(), spread: {} };
}

/**
 * Counts current alerts. The pair is (day, host), so that one busy incident on one host stays rare, while a
 * domain controller, a proxy or a shared account, seen from many hosts and on many days, does not.
 */
export function countRarity(
  alerts: Iterable<Pick<Alert, 'first' | 'entities' | 'site'>>,
  now: number,
): RarityTable {
  const seen = new Map<string, Set<string>>();
  for (const alert of alerts) {
    const day = alert.first.slice(0, 10);
    const hosts = alert.entities.filter(({ type }) => type === 'host').map(entityKey);
    for (const entity of alert.entities) {
      const key = entityKey(entity);
      const places = seen.get(key) ?? new Set<string>();
      // A host is counted by days alone: it always stands beside itself.
      const others = entity.type === 'host' ? [] : hosts;
      for (const place of others.length > 0 ? others : [`site:${alert.site.id}`])
        places.add(`${day} ${place}`);
      seen.set(key, places);
    }
  }
  const spread = Object.fromEntries(
    [...seen]
      .filter(([, places]) => places.size >= LEAST_KEPT)
      .map(([key, places]): [string, number] => [key, places.size])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return {
    schema: SCHEMA_VERSION,
    version: contentHash(spread).slice(0, 16),
    published: new Date(now).toISOString(),
    spread,
  };
}

/** The published table, or the empty one. */
export async function readRarity(records: RecordStore): Promise<RarityTable> {
  const stored = await records.get<RarityTable>('settings', RARITY_RECORD);
  const parsed = RarityTable.safeParse(stored?.value);
  return parsed.success ? parsed.data : emptyRarity();
}

/** Stores a table as the one in force. */
export async function publishRarity(records: RecordStore, table: RarityTable): Promise<void> {
  await upsertRecord<RarityTable>({
    store: records,
    collection: 'settings',
    id: RARITY_RECORD,
    change: () => table,
  });
}
