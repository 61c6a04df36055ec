// Works the interval that new signals of one key can change, and the runs it touches, into episodes.
import type { Correlation } from './correlation.ts';
import { alertId, comparePoints, joinRuns, type Point, type Run } from './episodes.ts';
import { findFiring, type SignalRow } from './firing.ts';
import type { EpisodeRow, SignalStore } from './signal-store.ts';

interface KeyWork {
  readonly store: SignalStore;
  readonly correlation: Correlation;
  /** Row id, tenant and fields of the key. */
  readonly key: {
    readonly id: number;
    readonly tenant: string;
    readonly fields: Readonly<Record<string, string>>;
  };
  /** ms since the epoch; becomes `created` of new episodes. */
  readonly now: number;
}

/**
 * Recomputes after signals were stored at `times`. A signal x changes firing points only within
 * [t(x), t(x) + T]; runs are pieced together from the points in that interval and from what stands outside
 * it. Returns the ids of episodes that changed, new ones before those they supersede.
 */
export function workKey(work: KeyWork, times: readonly number[]): string[] {
  const { timespan_ms, alwaysFires } = work.correlation;
  const reach = alwaysFires ? 0 : timespan_ms;
  const sorted = [...times].sort((a, b) => a - b);
  const changed: string[] = [];
  let at = 0;
  while (at < sorted.length) {
    const low = sorted[at] as number;
    let high = low;
    while (at < sorted.length && (sorted[at] as number) - high <= timespan_ms) high = sorted[at++] as number;
    changed.push(...workInterval(work, low, high + reach));
  }
  return changed;
}

function workInterval(work: KeyWork, low: number, high: number): string[] {
  const { store, correlation, key } = work;
  const { timespan_ms } = correlation;
  const pieces: Run[] = firingPoints(work, low, high).map((point) => ({ anchor: point, last: point }));
  const touched = store
    .statement(
      `SELECT * FROM episodes WHERE key = ? AND state = 'current' AND anchor_t <= ? AND last_t >= ?
       ORDER BY anchor_t, anchor_event`,
    )
    .all(key.id, high + timespan_ms, low - timespan_ms) as unknown as EpisodeRow[];
  for (const episode of touched) {
    const anchor = { t: episode.anchor_t, event: episode.anchor_event };
    const last = { t: episode.last_t, event: episode.last_event };
    if (anchor.t < low)
      pieces.push({ anchor, last: last.t < low ? last : (firingBeside(work, 'before', low) ?? anchor) });
    if (last.t > high)
      pieces.push({ anchor: anchor.t > high ? anchor : (firingBeside(work, 'after', high) ?? last), last });
  }
  return storeRuns(work, joinRuns(pieces, timespan_ms), touched);
}

/** Firing points with low ≤ t ≤ high, distinct events; brings the stored `fires` flags up to date on the way. */
function firingPoints({ store, correlation, key }: KeyWork, low: number, high: number): Point[] {
  if (correlation.alwaysFires) {
    return store
      .statement(
        'SELECT DISTINCT t, event FROM signals WHERE key = ? AND t BETWEEN ? AND ? ORDER BY t, event',
      )
      .all(key.id, low, high) as unknown as Point[];
  }
  const stored = store
    .statement(
      'SELECT t, event, rule, vals, fires FROM signals WHERE key = ? AND t BETWEEN ? AND ? ORDER BY t, event, rule',
    )
    .all(key.id, low - correlation.timespan_ms, high) as {
    t: number;
    event: string;
    rule: string;
    vals: string | null;
    fires: number;
  }[];
  const rows: SignalRow[] = stored.map(({ t, event, rule, vals }) => ({
    t,
    event,
    rule,
    values: vals === null ? [] : (JSON.parse(vals) as string[]),
  }));
  const fires = findFiring(correlation, rows, low);
  const points: Point[] = [];
  for (const [at, row] of stored.entries()) {
    if (row.t < low) continue;
    const firing = fires[at] === true;
    if (firing !== (row.fires === 1)) {
      store
        .statement('UPDATE signals SET fires = ? WHERE key = ? AND t = ? AND event = ? AND rule = ?')
        .run(firing ? 1 : 0, key.id, row.t, row.event, row.rule);
    }
    const previous = points.at(-1);
    if (firing && !(previous?.t === row.t && previous.event === row.event))
      points.push({ t: row.t, event: row.event });
  }
  return points;
}

/** The firing point next to a time, strictly before or after it. */
function firingBeside({ store, key }: KeyWork, side: 'before' | 'after', t: number): Point | undefined {
  const sql =
    side === 'before'
      ? 'SELECT t, event FROM signals WHERE key = ? AND t < ? AND fires = 1 ORDER BY t DESC, event DESC LIMIT 1'
      : 'SELECT t, event FROM signals WHERE key = ? AND t > ? AND fires = 1 ORDER BY t, event LIMIT 1';
  return store.statement(sql).get(key.id, t) as Point | undefined;
}

function storeRuns(work: KeyWork, runs: readonly Run[], touched: readonly EpisodeRow[]): string[] {
  const { correlation, key } = work;
  const changed: string[] = [];
  const ids = runs.map((run) => {
    const id = alertId({
      rule: correlation.rule.id,
      scope: correlation.rule.scope,
      tenant: key.tenant,
      key: key.fields,
      anchor: run.anchor,
    });
    if (storeRun(work, id, run)) changed.push(id);
    return id;
  });
  for (const episode of touched) {
    if (ids.includes(episode.id)) continue;
    const heir = findHeir(runs, episode);
    work.store
      .statement('UPDATE episodes SET state = ?, superseded_by = ? WHERE id = ?')
      .run(heir < 0 ? 'withdrawn' : 'superseded', heir < 0 ? null : (ids[heir] as string), episode.id);
    changed.push(episode.id);
  }
  return changed;
}

/** Writes one run as a current episode; true when that changed what is stored. */
function storeRun({ store, correlation, key, now }: KeyWork, id: string, run: Run): boolean {
  // Where one signal fires alone, nothing before the anchor was needed; else its window belongs to the episode.
  const from = run.anchor.t - (correlation.alwaysFires ? 0 : correlation.timespan_ms);
  const { first, count, signals } = store
    .statement(
      `SELECT MIN(t) AS first, COUNT(DISTINCT event) AS count, COUNT(*) AS signals
       FROM signals WHERE key = ? AND t BETWEEN ? AND ?`,
    )
    .get(key.id, from, run.last.t) as { first: number; count: number; signals: number };
  const known = store.statement('SELECT * FROM episodes WHERE id = ?').get(id) as unknown as
    | EpisodeRow
    | undefined;
  if (
    known?.state === 'current' &&
    known.last_t === run.last.t &&
    known.last_event === run.last.event &&
    known.first_t === first &&
    known.count === count &&
    known.signals === signals
  )
    return false;
  store
    .statement(
      `INSERT INTO episodes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'current', NULL, 0, ?)
       ON CONFLICT (id) DO UPDATE SET key = excluded.key, correlation = excluded.correlation,
         last_t = excluded.last_t, last_event = excluded.last_event, from_t = excluded.from_t,
         first_t = excluded.first_t, count = excluded.count, signals = excluded.signals,
         state = 'current', superseded_by = NULL`,
    )
    .run(
      id,
      key.id,
      correlation.identity,
      correlation.rule.id,
      run.anchor.t,
      run.anchor.event,
      run.last.t,
      run.last.event,
      from,
      first,
      count,
      signals,
      now,
    );
  return true;
}

/** The run that took an episode's points over: the one with its anchor, else the first that overlaps it; -1 for none. */
function findHeir(runs: readonly Run[], episode: EpisodeRow): number {
  const anchor = { t: episode.anchor_t, event: episode.anchor_event };
  const last = { t: episode.last_t, event: episode.last_event };
  const holding = runs.findIndex(
    (run) => comparePoints(run.anchor, anchor) <= 0 && comparePoints(anchor, run.last) <= 0,
  );
  if (holding >= 0) return holding;
  return runs.findIndex(
    (run) => comparePoints(run.anchor, last) <= 0 && comparePoints(anchor, run.last) <= 0,
  );
}
