// Tells every leased change: as ordered in runs and postures, and as its site last reported it.

import { equals } from '../../platform/core/expression/expression.ts';
import type { PlaybookRun } from '../../platform/core/playbook-run.ts';
import type { Posture, PostureEntry } from '../../platform/core/posture.ts';
import type { SiteRecord } from '../../platform/core/site.ts';
import type { PublishedPosture } from '../../platform/link/publish-posture.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import type { OrderedChange } from '../../respond/playbooks/run-step.ts';
import type { Act, ChangeView } from './contract.ts';

/** Changes that runs ordered, oldest first. */
export function changesOfRuns(runs: readonly PlaybookRun[]): OrderedChange[] {
  return runs.flatMap(({ steps }) =>
    steps.flatMap(({ output }) => (output?.['changes'] as OrderedChange[] | undefined) ?? []),
  );
}

/** All changes of all sites (or of the given runs alone), the latest lease end first. */
export async function listChanges(options: {
  records: RecordStore;
  now: number;
  runs: readonly PlaybookRun[];
  /** Also what stands in postures without a run. */
  everything: boolean;
}): Promise<ChangeView[]> {
  const { records, now, runs, everything } = options;
  const ordered = new Map<string, OrderedChange>(
    changesOfRuns(runs).map((change) => [`${change.site} ${change.id}`, change]),
  );
  const held = new Set<string>();
  const { records: postures } = await records.query<PublishedPosture>('postures', { limit: 10_000 });
  for (const { value } of postures) {
    // A site's own held posture stands in the same collection without a signed payload.
    if (typeof value.payload !== 'string') continue;
    const posture = JSON.parse(value.payload) as Posture;
    for (const entry of posture.entries) {
      const key = `${posture.site} ${entry.id}`;
      held.add(key);
      if (everything && !ordered.has(key)) ordered.set(key, { ...entry, site: posture.site });
    }
  }
  const reports = new Map<string, SiteRecord['posture']>();
  for (const site of new Set([...ordered.values()].map(({ site }) => site))) {
    reports.set(site, (await records.get<SiteRecord>('sites', site))?.value.posture);
  }
  const lifts = await readLifts(records);
  return [...ordered.values()]
    .map((change) =>
      viewOf({
        change,
        lift: lifts.get(`${change.site} ${change.id}`),
        report: reports.get(change.site),
        held: held.has(`${change.site} ${change.id}`),
        now,
      }),
    )
    .sort((a, b) => (a.lease_end < b.lease_end ? 1 : a.lease_end > b.lease_end ? -1 : a.id < b.id ? -1 : 1));
}

/** Who lifted which change of which site; of several the first that was noted. */
async function readLifts(records: RecordStore): Promise<ReadonlyMap<string, Act>> {
  const { records: acts } = await records.query<Act>('audit', {
    where: equals('kind', 'change-lifted'),
    sort: { field: 'at', direction: 'desc' },
    limit: 10_000,
  });
  return new Map(acts.map(({ value }) => [`${value.about['site']} ${value.about['change']}`, value]));
}

function viewOf(options: {
  change: PostureEntry & { site: string };
  lift: Act | undefined;
  report: SiteRecord['posture'];
  held: boolean;
  now: number;
}): ChangeView {
  const { change, lift, report, held, now } = options;
  const told = report?.entries.find(({ id }) => id === change.id);
  const over = Date.parse(change.lease_end) <= now;
  const detail = told?.reason ?? (held || over || told ? undefined : 'lifted');
  return {
    site: change.site,
    id: change.id,
    action: change.action,
    parameters: change.parameters,
    reason: change.reason,
    lease_end: change.lease_end,
    ...(change.owner.incident === undefined ? {} : { incident: change.owner.incident }),
    ...(change.owner.run === undefined ? {} : { run: change.owner.run }),
    state: told?.state ?? 'ordered',
    ...(told ? { at: told.at } : {}),
    ...(detail === undefined ? {} : { detail }),
    ...(lift && !held ? { lifted: { actor: lift.actor, at: lift.at, reason: lift.reason ?? '' } } : {}),
  };
}
