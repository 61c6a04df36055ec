// Works a batch of signals: divided by key, with what as_of decides and what firing points mean for outer correlations.
import { POINTS } from './carry-over.ts';
import { type Correlation, isNumeric } from './correlation.ts';
import { decidedAt, siteOf } from './firing/find-firing.ts';
import type { SignalRow } from './firing/signal-row.ts';
import type { KeyChange, KeyWork } from './key-change.ts';
import { type CountReason, keyText, makeOuterSignals, type Signal } from './signal.ts';
import type { KeyState, KeyTable } from './store/key-table.ts';
import type { SignalStore } from './store/open-store.ts';
import type { SignalLog } from './store/signal-log.ts';
import { workKey } from './work-key.ts';

export interface BatchWork {
  readonly store: SignalStore;
  readonly keys: KeyTable;
  readonly log: SignalLog;
  /** Gathers keys whose latest run is ahead of the store. */
  readonly moved: Set<KeyState>;
  readonly signals: readonly Signal[];
  readonly told: Readonly<Record<string, number>>;
  /** Raised by `told`. Site → ms since the epoch; '' is the furthest of all. */
  readonly asOf: Map<string, number>;
  readonly now: number;
  readonly count: CountReason;
  /** Takes what firing points mean for outer correlations, where they are not worked here. */
  readonly handOut?: (signal: Signal) => void;
  /** The correlations in force that one feeds. */
  readonly outersOf: (correlation: Correlation) => readonly Correlation[];
}

const NEVER = Number.NEGATIVE_INFINITY;

/** Returns the ids of episodes that are new or other than before, save for those that raise no alert. */
export function workSignals(batch: BatchWork): Set<string> {
  const { store, keys, asOf, now } = batch;
  const changed = new Set<string>();
  const before = new Map<string, number>();
  const decided = raiseAsOf(batch, before);
  const base = {
    store,
    keys,
    log: batch.log,
    now,
    asOf: (site: string) => asOf.get(site) ?? NEVER,
    asOfBefore: (site: string) => before.get(site) ?? asOf.get(site) ?? NEVER,
  };
  let changes = divide(batch, batch.signals, decided);
  // Every round feeds correlations one step further out; they form no cycle.
  while (changes.size > 0) {
    const outer: Signal[] = [];
    for (const [key, change] of changes) {
      const { correlation } = key;
      const tell = firingTeller(batch, key, outer);
      // One stretch may be judged twice: what was said last of a point holds.
      const told = new Map<string, { row: SignalRow; fires: boolean }>();
      const work: KeyWork = {
        ...base,
        onFiring: tell && ((row, fires) => void told.set(row.event, { row, fires })),
        onChange: (id) => void (correlation.silent || changed.add(id)),
      };
      workKey(work, key, change);
      for (const { row, fires } of told.values()) tell?.(row, fires);
      if (key.moved) batch.moved.add(key);
    }
    changes = divide(batch, outer, new Map());
    // What as_of decides anew was told in the first round.
    before.clear();
  }
  return changed;
}

/** What a key's firing points are told to; undefined where they feed nothing. */
function firingTeller(batch: BatchWork, key: KeyState, outer: Signal[]): KeyWork['onFiring'] {
  const { correlation } = key;
  const feeds = correlation.type === 'first_seen' ? [] : batch.outersOf(correlation);
  if (feeds.length === 0 && correlation.type !== 'first_seen') return undefined;
  const [tenant, fields] = JSON.parse(keyPart(key.text)) as [string, Record<string, string>];
  if (correlation.type === 'first_seen') {
    const points = pointsOf(correlation);
    return (row, fires) =>
      void outer.push({
        ...row,
        // One row a point, whichever of its rules is told first.
        rule: correlation.rule.id,
        correlation: points,
        key: fields,
        tenant,
        ...(fires ? {} : { withdrawn: true as const }),
        describe: () => row.evidence,
      });
  }
  return (row, fires) => {
    for (const one of feeds) {
      const signals = makeOuterSignals({
        outer: one,
        inner: correlation,
        key: fields,
        tenant,
        point: row,
        evidence: row.evidence,
        withdrawn: !fires,
        count: batch.count,
      });
      if (batch.handOut) signals.forEach(batch.handOut);
      else outer.push(...signals);
    }
  };
}

/**
 * first_seen is worked in two steps: signals are kept by key and value, so that only those of one value are looked
 * at; what is new there are signals of this correlation, by key alone, and make the episodes.
 */
function pointsOf(correlation: Correlation): Correlation {
  return {
    ...correlation,
    type: 'event_count',
    bounds: [{ with: 'gte', value: 1 }],
    timespan_ms: correlation.join_ms,
    alwaysFires: true,
    identity: `${correlation.identity}${POINTS}`,
  };
}

/** Signals by key; sorts out what as_of has still to decide. */
function divide(
  batch: BatchWork,
  signals: readonly Signal[],
  decided: Map<KeyState, KeyChange>,
): Map<KeyState, KeyChange> {
  const changes = decided;
  for (const signal of signals) {
    const { correlation } = signal;
    const text = correlation.type === 'first_seen' ? `${keyText(signal)}\n${signal.source}` : keyText(signal);
    const key = batch.keys.open(correlation, text);
    let change = changes.get(key);
    if (!change) {
      change = { rows: [], withdrawn: [], decided: [] };
      changes.set(key, change);
    }
    (signal.withdrawn ? change.withdrawn : change.rows).push(rowOf(signal));
    if (signal.withdrawn) continue;
    const due = decidedAt(correlation, signal);
    if (due !== undefined) awaitDecision(batch, key, signal, due);
  }
  return changes;
}

function rowOf(signal: Signal): SignalRow {
  const { t, event, rule, source, site, values, numbers, correlation } = signal;
  const numeric = isNumeric(correlation.type);
  return {
    t,
    event,
    rule,
    source,
    site,
    values: numeric ? [] : values,
    numbers: numeric ? numbers : [],
    evidence: signal.describe(),
  };
}

/** Notes when a signal's firing is decided, unless it is already, or the same time is noted. */
function awaitDecision({ store, keys, asOf }: BatchWork, key: KeyState, signal: Signal, due: number): void {
  const site = siteOf(signal.correlation, signal);
  if ((asOf.get(site) ?? NEVER) >= due || (due === key.due && signal.correlation.type !== 'absence')) return;
  key.due = due;
  store.begin();
  keys.save(key);
  store.statement('INSERT OR IGNORE INTO undecided VALUES (?, ?, ?, ?)').run(site, due, key.id, signal.t);
}

/** Raises as_of by maximum and takes what it decides: keys and the times whose firing is settled now. */
function raiseAsOf(
  { store, keys, told, asOf }: BatchWork,
  before: Map<string, number>,
): Map<KeyState, KeyChange> {
  const changes = new Map<KeyState, KeyChange>();
  const sites = Object.entries(told).filter(([, t]) => Number.isFinite(t));
  if (sites.length === 0) return changes;
  const furthest = Math.max(...sites.map(([, t]) => t));
  for (const [site, told_t] of [...sites, ['', furthest] as const]) {
    const t = Math.floor(told_t);
    const known = asOf.get(site) ?? NEVER;
    if (t <= known) continue;
    before.set(site, known);
    asOf.set(site, t);
    store.begin();
    store
      .statement('INSERT INTO as_of VALUES (?, ?) ON CONFLICT (site) DO UPDATE SET t = excluded.t')
      .run(site, t);
    const due = store
      .statement('SELECT key, t FROM undecided WHERE site = ? AND due <= ? ORDER BY due')
      .all(site, t) as { key: number; t: number }[];
    if (due.length === 0) continue;
    for (const one of due) {
      const key = keys.byId(one.key);
      const change = changes.get(key) ?? { rows: [], withdrawn: [], decided: [] };
      change.decided.push(one.t);
      changes.set(key, change);
    }
    store.statement('DELETE FROM undecided WHERE site = ? AND due <= ?').run(site, t);
  }
  return changes;
}

/** A key of first_seen has its value in a second line. */
function keyPart(text: string): string {
  const end = text.indexOf('\n');
  return end < 0 ? text : text.slice(0, end);
}
