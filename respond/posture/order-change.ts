// Orders and lifts leased changes at a site, each as a new signed version of its posture.
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { Posture, PostureEntry } from '../../platform/core/posture.ts';
import { SCHEMA_VERSION } from '../../platform/core/schema-version.ts';
import type { Authority } from '../../platform/identity/authority.ts';
import { publishPosture, readPublishedPosture } from '../../platform/link/publish-posture.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';

/** A signed document is refused after this: a frozen old one cannot be played for ever. Renewed with each version. */
const POSTURE_LIFE_MS = 30 * 86_400_000;

/** How often a version is made anew because another came between. */
const ATTEMPTS = 50;

export interface PostureDesk {
  readonly records: RecordStore;
  readonly clock: Clock;
  readonly tenant: string;
  readonly authority: Pick<Authority, 'sign'>;
}

/**
 * Adds an entry to a site's posture, or leaves it as it is when an entry with that id is there (a step
 * that is worked twice orders once). Returns the posture in force.
 */
export function orderChange(desk: PostureDesk, site: string, entry: PostureEntry): Promise<Posture> {
  return rewrite(desk, site, (entries) =>
    entries.some(({ id }) => id === entry.id) ? undefined : [...entries, entry],
  );
}

/** Takes an entry out before its lease ends. @throws PicketError CHANGE_NOT_FOUND */
export function liftChange(desk: PostureDesk, site: string, entryId: string): Promise<Posture> {
  return rewrite(desk, site, (entries) => {
    const left = entries.filter(({ id }) => id !== entryId);
    if (left.length === entries.length) {
      throw new PicketError({ code: 'CHANGE_NOT_FOUND', message: `site ${site} holds no change ${entryId}` });
    }
    return left;
  });
}

async function rewrite(
  desk: PostureDesk,
  site: string,
  change: (entries: readonly PostureEntry[]) => readonly PostureEntry[] | undefined,
): Promise<Posture> {
  const { records, clock, tenant, authority } = desk;
  for (let attempt = 1; ; attempt++) {
    const current = (await readPublishedPosture({ records, site }))?.posture;
    const entries = change(current?.entries ?? []);
    if (entries === undefined && current) return current;
    const now = clock.now();
    const posture: Posture = {
      schema: SCHEMA_VERSION,
      tenant,
      site,
      version: (current?.version ?? 0) + 1,
      issued: new Date(now).toISOString(),
      expires: new Date(now + POSTURE_LIFE_MS).toISOString(),
      entries: (entries ?? []).filter(({ lease_end }) => Date.parse(lease_end) > now),
    };
    try {
      await publishPosture({ records, authority, posture });
      return posture;
    } catch (error) {
      if (attempt >= ATTEMPTS || !(error instanceof PicketError) || error.code !== 'POSTURE_VERSION_STALE')
        throw error;
    }
  }
}
