// The site's side of a posture: takes the signed document, checks each change, applies, reports, and ends leases by itself.
import type { Bus } from '../../platform/bus/bus.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';
import type { EntryState, Posture, PostureEntry, PostureReport } from '../../platform/core/posture.ts';
import { SCHEMA_VERSION } from '../../platform/core/schema-version.ts';
import { type SiteEvents, silentSiteEvents } from '../../platform/core/site-events.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { type RecordStore, upsertRecord } from '../../platform/records/record-store.ts';
import type { ActionAdapter, SiteGuard } from '../actions/action.ts';
import type { FirewallExecutor, NftCheck } from './executor.ts';
import { type FirewallState, findDrift, readFirewall } from './find-drift.ts';
import { type DeniedAddress, renderNftables } from './render-nftables.ts';

/** What a site keeps of its posture (collection `postures`, id = `held`), so that it goes on after a restart with its parent away. */
export interface HeldPosture {
  posture: Posture;
  report: PostureReport;
}

export interface Reconciler {
  /** Takes a posture that the link has verified (signature, site, version, expiry); a refused entry does not stop the others. */
  take(posture: Posture): Promise<PostureReport>;
  /** Tells the parent of a document that the link did not take. */
  tellRefused(refused: { code: string; reason: string }): Promise<void>;
  /** The version held; 0 for none. */
  version(): number;
  report(): PostureReport | undefined;
  stop(): Promise<void>;
}

const HELD_ID = 'held';
/** Timers are cut at this, since setTimeout overflows at 2^31 ms; also how often reality is read back. */
const LONGEST_WAIT_MS = 60_000;

type EntryReport = PostureReport['entries'][number];

/** Reads what is held, puts it in force again and keeps ending leases until stopped. */
export async function startReconciler(options: {
  tenant: string;
  site: string;
  records: RecordStore;
  bus: Bus;
  executor: FirewallExecutor;
  check: NftCheck;
  actions: readonly ActionAdapter[];
  guard: SiteGuard;
  clock: Clock;
  logger: Logger;
  siteEvents?: SiteEvents;
}): Promise<Reconciler> {
  const { tenant, site, records, bus, executor, check, actions, guard, clock, logger } = options;
  const { siteEvents = silentSiteEvents } = options;
  let held = (await records.get<HeldPosture>('postures', HELD_ID))?.value;
  let working: Promise<unknown> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  /** What was read back after the last change, to see whether somebody else changed it. */
  let inForce: { state: FirewallState; applied: readonly DeniedAddress[] } | undefined;

  const iso = (): string => new Date(clock.now()).toISOString();

  /** One thing at a time: a lease that ends while a document arrives must not interleave with it. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = working.then(work);
    working = result.catch(() => undefined);
    return result;
  };

  async function reconcile(posture: Posture, before: readonly EntryReport[]): Promise<PostureReport> {
    const now = clock.now();
    await tellDrift(posture, now);
    const judged = posture.entries.map((entry) => judge(entry, now));
    const active = judged.filter(({ report }) => report.state === 'applied');
    let applied = active.flatMap(({ denied }) => denied);
    let script = renderNftables({ denied: applied, now, version: posture.version });
    const checked = await check(script);
    if (checked.error !== undefined) {
      for (const { report } of active)
        Object.assign(report, { state: 'refused', code: 'NFT_REFUSED', reason: checked.error });
      applied = [];
      script = renderNftables({ denied: [], now, version: posture.version });
    }
    try {
      await executor.apply(script);
      const state = readFirewall(await executor.read());
      inForce = state && { state, applied };
    } catch (error) {
      for (const { report } of active) {
        Object.assign(report, { state: 'failed', code: errorCode(error), reason: describeError(error) });
      }
    }
    // An entry that the new document no longer holds, or whose lease is over, is told once as ended.
    const named = new Set(posture.entries.map(({ id }) => id));
    const gone = before
      .filter(({ id, state }) => !named.has(id) && (state === 'applied' || state === 'pending'))
      .map((entry): EntryReport => ({ id: entry.id, state: 'ended', at: iso(), reason: 'lifted' }));
    const kept = before.filter(({ id, state }) => !named.has(id) && state === 'ended').slice(-100);
    const same = (entry: EntryReport): EntryReport => {
      const earlier = before.find(({ id }) => id === entry.id);
      return earlier?.state === entry.state ? earlier : entry;
    };
    return {
      schema: SCHEMA_VERSION,
      tenant,
      site,
      version: posture.version,
      at: iso(),
      entries: [...kept, ...gone, ...judged.map(({ report }) => same(report))],
    };
  }

  function judge(entry: PostureEntry, now: number): { report: EntryReport; denied: DeniedAddress[] } {
    const until = Date.parse(entry.lease_end);
    const say = (state: EntryState, detail: { code?: string; reason?: string } = {}): EntryReport => ({
      id: entry.id,
      state,
      at: iso(),
      ...detail,
    });
    if (until <= now) return { report: say('ended', { reason: 'lease ended' }), denied: [] };
    if (Date.parse(entry.not_before) > now) return { report: say('pending'), denied: [] };
    const action = actions.find(({ id }) => id === entry.action);
    if (!action)
      return {
        report: say('refused', { code: 'ACTION_UNKNOWN', reason: `this site has no action ${entry.action}` }),
        denied: [],
      };
    const parameters = action.parameters.safeParse(entry.parameters);
    if (!parameters.success) {
      const reason = parameters.error.issues
        .map(({ path, message }) => `${path.join('.')}: ${message}`)
        .join('; ');
      return { report: say('refused', { code: 'ACTION_PARAMETERS', reason }), denied: [] };
    }
    if (until - Date.parse(entry.not_before) > action.longest_lease_ms) {
      return {
        report: say('refused', {
          code: 'LEASE_TOO_LONG',
          reason: `longer than ${action.longest_lease_ms} ms`,
        }),
        denied: [],
      };
    }
    const refusal = action.refuse(parameters.data, guard);
    if (refusal !== undefined)
      return { report: say('refused', { code: 'SITE_POLICY', reason: refusal }), denied: [] };
    const denied = action
      .toFirewall(parameters.data)
      .denyAddresses.map((address) => ({ address, until, comment: entry.id }));
    return { report: say('applied'), denied };
  }

  /** Before anything is put in force again: what is there now, against what was there after the last time. */
  async function tellDrift(posture: Posture, now: number): Promise<void> {
    if (!inForce) return;
    const { state, applied } = inForce;
    const after = readFirewall(await executor.read());
    for (const { what, code } of findDrift({ before: state, after, applied, now })) {
      logger.error({ code, what }, 'the firewall is not what was put in force');
      siteEvents.tell({
        action: 'posture-drifted',
        subject: what,
        code,
        message: `the firewall is not what posture ${posture.version} put in force: ${what}`,
        fields: { site_event: { posture_version: posture.version, drift: what } },
      });
    }
  }

  /** Tells of entries that ended, and of those that this site did not put in force. */
  function tellEntries(entries: readonly EntryReport[], before: readonly EntryReport[]): void {
    for (const entry of entries) {
      const { id, state, code, reason } = entry;
      if (before.find((earlier) => earlier.id === id)?.state === state) continue;
      if (state !== 'ended' && state !== 'refused' && state !== 'failed') continue;
      siteEvents.tell({
        action: state === 'ended' ? 'lease-ended' : 'posture-entry-refused',
        subject: id,
        code: code ?? (reason === 'lifted' ? 'LIFTED' : 'LEASE_ENDED'),
        message: `change ${id}: ${state}${reason === undefined ? '' : `, ${reason}`}`,
        fields: { site_event: { entry: id } },
      });
    }
  }

  async function settle(posture: Posture): Promise<PostureReport> {
    try {
      const before = held?.report.entries ?? [];
      // Kept before it takes effect: a kill in between applies it again at the next start.
      await keep({ posture, report: held?.report ?? emptyReport() });
      const report = await reconcile(posture, before);
      const changed =
        JSON.stringify(report.entries) !== JSON.stringify(before) || report.version !== held?.report.version;
      // Told before it is kept as told: a kill in between tells it twice, never not at all.
      if (changed) await tell(report);
      tellEntries(report.entries, before);
      await keep({ posture, report });
      return report;
    } finally {
      // Also when a store was full: leases must end whatever else fails.
      schedule();
    }
  }

  function emptyReport(): PostureReport {
    return { schema: SCHEMA_VERSION, tenant, site, version: 0, at: iso(), entries: [] };
  }

  async function keep(value: HeldPosture): Promise<void> {
    await upsertRecord<HeldPosture>({
      store: records,
      collection: 'postures',
      id: HELD_ID,
      change: () => value,
    });
    held = value;
  }

  async function tell(report: PostureReport): Promise<void> {
    const value = new TextEncoder().encode(JSON.stringify(report));
    await bus.produce(TOPICS.postureReports, [{ key: site, value, headers: { tenant, site } }]);
  }

  function schedule(): void {
    clearTimeout(timer);
    if (stopped || !held) return;
    const now = clock.now();
    const moments = held.posture.entries.flatMap(({ lease_end, not_before }) => [
      Date.parse(lease_end),
      Date.parse(not_before),
    ]);
    const next = Math.min(...moments.filter((moment) => moment > now), now + LONGEST_WAIT_MS);
    timer = setTimeout(
      () => {
        if (!held) return;
        inTurn(() => settle((held as HeldPosture).posture)).catch((error: unknown) =>
          logger.error({ err: error }, 'posture not reconciled'),
        );
      },
      Math.max(next - now, 0) + 5,
    );
    timer.unref();
  }

  if (held) {
    await inTurn(() => settle((held as HeldPosture).posture)).catch((error: unknown) =>
      logger.error({ err: error }, 'posture not reconciled at the start; it is tried again'),
    );
  }

  return {
    take: (posture) => inTurn(() => settle(posture)),
    tellRefused: ({ code, reason }) =>
      inTurn(() => tell({ ...(held?.report ?? emptyReport()), at: iso(), refused: { code, reason } })),
    version: () => held?.posture.version ?? 0,
    report: () => held?.report,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}
