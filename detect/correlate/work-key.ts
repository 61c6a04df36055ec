// Works new signals of one key into episodes: in order of time by what is remembered, else by what is stored around them.

import type { Correlation } from './correlation.ts';
import { alertId, comparePoints, cutOf, joinRuns, type Point, type Run } from './episodes.ts';
import { findFiring, reachOf, touchedBy } from './firing/find-firing.ts';
import { compareRows, insertRow, nameOf, type SignalRow } from './firing/signal-row.ts';
import { removeRow } from './store/chunks.ts';
import type { KeyState, KeyTable } from './store/key-table.ts';
import type { EpisodeRow, SignalStore } from './store/open-store.ts';
import type { SignalLog } from './store/signal-log.ts';

export interface KeyWork {
  readonly store: SignalStore;
  readonly keys: KeyTable;
  /** ms since the epoch; becomes `created` of new episodes. */
  readonly now: number;
  readonly asOf: (site: string) => number;
  /** What as_of was before this work: what it decides anew shows as points that begin to fire. */
  readonly asOfBefore: (site: string) => number;
  /** Hears of every point that fires now and did not, or the other way round; undefined where nobody asks. */
  readonly onFiring: ((row: SignalRow, fires: boolean) => void) | undefined;
  /** Hears of every episode that is new or other than before. */
  readonly onChange: (id: string) => void;
  readonly log: SignalLog;
}

/** New signals of a key: sorted rows, rows to take back, and times that as_of has decided. */
export interface KeyChange {
  readonly rows: SignalRow[];
  readonly withdrawn: SignalRow[];
  readonly decided: number[];
}

export function workKey(work: KeyWork, key: KeyState, change: KeyChange): void {
  const rows = change.rows.length > 1 ? sortDistinct(change.rows) : change.rows;
  const late: SignalRow[] = [];
  for (let at = 0; at < rows.length; ) {
    const { t } = rows[at] as SignalRow;
    let end = at + 1;
    while (end < rows.length && (rows[end] as SignalRow).t === t) end++;
    const group = at === 0 && end === rows.length ? rows : rows.slice(at, end);
    if (t < key.newest || !workInOrder(work, key, group, t)) late.push(...group);
    at = end;
  }
  if (late.length > 0 || change.withdrawn.length > 0 || change.decided.length > 0)
    workLate(work, key, { rows: late, withdrawn: change.withdrawn, decided: change.decided });
}

/** In one batch the same signal may come twice. */
function sortDistinct(rows: SignalRow[]): SignalRow[] {
  rows.sort(compareRows);
  return rows.filter((row, at) => at === 0 || compareRows(row, rows[at - 1] as SignalRow) !== 0);
}

/** Puts rows among a key's fresh ones. */
function addFresh({ log }: KeyWork, key: KeyState, rows: readonly SignalRow[]): void {
  for (const row of rows) {
    insertRow(key.fresh, row);
    log.add(key, row);
  }
}

/** Types whose firing is judged by what comes after or once as_of has passed: nothing to do when a signal comes in order. */
function waits({ type, windowed }: Correlation): boolean {
  return windowed || type === 'absence' || type === 'beacon';
}

/** Adding signals never takes a firing point back. */
function onlyGrows({ type, windowed, condition, alwaysFires }: Correlation): boolean {
  if (alwaysFires) return true;
  if (windowed) return false;
  return (
    type === 'event_count' ||
    type === 'value_count' ||
    type === 'temporal_ordered' ||
    (type === 'temporal' && condition === undefined)
  );
}

/** Rows of one time that is not before the newest. False when they must be worked as late ones. */
function workInOrder(work: KeyWork, key: KeyState, rows: readonly SignalRow[], t: number): boolean {
  const { correlation } = key;
  const tie = t === key.newest;
  if (waits(correlation)) {
    // A time that as_of has passed already is decided: its window changes now. What a B answers may be of a site
    // that is ahead of its own.
    const site = correlation.type === 'absence' ? '' : siteOf(correlation, rows[0] as SignalRow);
    if (work.asOf(site) >= t) return false;
    if (tie) return false;
    addFresh(work, key, rows);
    key.newest = t;
    key.ties = [...rows];
    return true;
  }
  let group = rows;
  let added = rows;
  if (tie) {
    if (!onlyGrows(correlation)) return false;
    const ties = work.keys.tiesOf(key);
    added = rows.filter((row) => !ties.some((one) => compareRows(one, row) === 0));
    if (added.length === 0) return true;
    group = [...ties, ...added].sort(compareRows);
  }
  const head = correlation.alwaysFires ? undefined : work.keys.headOf(key);
  if (!tie && head) {
    const ties = work.keys.tiesOf(key);
    if (ties.length > 0) head.absorb(ties, key.newest);
  }
  const fires = head?.judge(group, t);
  let first: SignalRow | undefined;
  let last: SignalRow | undefined;
  for (let at = 0; at < group.length; at++) {
    if (fires && !fires[at]) continue;
    first ??= group[at];
    last = group[at];
  }
  if (tie && first && movesAnchor(work, key, first)) return false;
  addFresh(work, key, added);
  key.newest = t;
  key.ties = [...group];
  if (work.onFiring) {
    // Of a tie what stood already is told again, which changes nothing.
    for (const [at, row] of group.entries()) if (!fires || fires[at]) work.onFiring(row, true);
  }
  if (correlation.type === 'first_seen') return true;
  if (first && last) extend(work, key, first, last);
  return true;
}

/** A tie with a lesser event id than the anchor makes another episode of the run. */
function movesAnchor(work: KeyWork, key: KeyState, first: SignalRow): boolean {
  const run = runOf(work, key);
  return run !== null && run.anchor_t === first.t && first.event < run.anchor_event;
}

/** The latest current episode of a key. */
function runOf({ store }: KeyWork, key: KeyState): EpisodeRow | null {
  key.run ??=
    (store
      .statement(
        `SELECT * FROM episodes WHERE key = ? AND state = 'current' ORDER BY anchor_t DESC, anchor_event DESC LIMIT 1`,
      )
      .get(key.id) as unknown as EpisodeRow | undefined) ?? null;
  return key.run;
}

/** Firing points at the end of a key: its latest run goes on, or one begins. */
function extend(work: KeyWork, key: KeyState, first: Point, last: Point): void {
  const { join_ms } = key.correlation;
  const run = runOf(work, key);
  if (run && last.t - run.last_t <= join_ms && cutOf(last.t, join_ms) === cutOf(run.anchor_t, join_ms)) {
    if (comparePoints(last, { t: run.last_t, event: run.last_event }) > 0) {
      run.last_t = last.t;
      run.last_event = last.event;
      key.moved = true;
    }
    work.onChange(run.id);
    return;
  }
  saveRun(work, key);
  const { id, row } = newEpisode(work, key, { anchor: first, last });
  writeEpisode(work, row);
  key.run = row;
  work.onChange(id);
}

function newEpisode({ now }: KeyWork, key: KeyState, run: Run): { id: string; row: EpisodeRow } {
  const [tenant, fields] = JSON.parse(key.text) as [string, Record<string, string>];
  const { id: rule, scope } = key.correlation.rule;
  const id = alertId({ rule, scope, tenant, key: fields, anchor: run.anchor });
  const row: EpisodeRow = {
    id,
    key: key.id,
    anchor_t: run.anchor.t,
    anchor_event: run.anchor.event,
    last_t: run.last.t,
    last_event: run.last.event,
    state: 'current',
    superseded_by: null,
    revision: 0,
    created: now,
  };
  return { id, row };
}

/** Puts an episode down; one that stood before keeps its revision and the time it was first made. */
function writeEpisode({ store, keys }: KeyWork, row: EpisodeRow): void {
  store.begin();
  keys.save(keys.byId(row.key));
  store
    .statement(
      `INSERT INTO episodes VALUES (?, ?, ?, ?, ?, ?, 'current', NULL, ?, ?)
       ON CONFLICT (id) DO UPDATE SET key = excluded.key, last_t = excluded.last_t, last_event = excluded.last_event,
         state = 'current', superseded_by = NULL`,
    )
    .run(
      row.id,
      row.key,
      row.anchor_t,
      row.anchor_event,
      row.last_t,
      row.last_event,
      row.revision,
      row.created,
    );
}

/** Puts down how far the latest run of a key has come. */
export function saveRun({ store }: Pick<KeyWork, 'store'>, key: KeyState): void {
  if (!key.moved || !key.run) return;
  key.moved = false;
  store.begin();
  store
    .statement('UPDATE episodes SET last_t = ?, last_event = ? WHERE id = ?')
    .run(key.run.last_t, key.run.last_event, key.run.id);
}

/** Signals before the newest, taken back, or decided now: what they can change is read and judged again. */
function workLate(work: KeyWork, key: KeyState, change: KeyChange): void {
  const { correlation } = key;
  const touched = [
    ...change.rows.map((row) => touchedBy(correlation, row)),
    ...change.withdrawn.map((row) => touchedBy(correlation, row)),
    ...change.decided.map((t) => touchedBy(correlation, { t, rule: correlation.rules[0] as string })),
  ];
  const { back, ahead } = reachOf(correlation);
  saveRun(work, key);
  // What the newest signal looks back on is another now; what came before that no head knows of.
  const reach = key.newest - correlation.timespan_ms;
  if (change.withdrawn.length > 0 || change.rows.some(({ t }) => t >= reach)) key.head = undefined;
  for (const span of mergeSpans(touched, correlation.join_ms)) {
    const within = ({ t }: { t: number }): boolean => t >= span.low && t <= span.high;
    const changeHere = {
      rows: change.rows.filter(within),
      withdrawn: change.withdrawn.filter(within),
    };
    const episodes = correlation.type === 'first_seen' ? [] : episodesNear(work, key, span);
    const [cover] = episodes;
    if (
      onlyGrows(correlation) &&
      !work.onFiring &&
      cover &&
      cover.anchor_t < span.low &&
      cover.last_t > span.high &&
      changeHere.withdrawn.length === 0
    ) {
      // Inside a run that goes on, more signals only add to it: what else stands there need not be read.
      const added = changeHere.rows.filter((row) => !work.keys.has(key, row));
      addFresh(work, key, added);
      if (added.length > 0) work.onChange(cover.id);
      continue;
    }
    let { low, high } = span;
    if (!onlyGrows(correlation) || changeHere.withdrawn.length > 0) {
      // The points that stand are judged again; no further, since what lies there belongs to other episodes.
      for (const { anchor_t, last_t } of episodes) {
        low = Math.min(low, pointSpan(correlation, anchor_t).low);
        high = Math.max(high, pointSpan(correlation, last_t).high);
      }
    }
    // Only what fires for others must say what it is.
    const reading = { evidence: work.onFiring !== undefined };
    const before = work.keys.read(key, low - back, high + ahead, reading);
    const changed = apply(work, key, before, changeHere);
    if (
      changed.rows.length === 0 &&
      changed.gone.length === 0 &&
      !change.decided.some((t) => t >= low && t <= high)
    )
      continue;
    const after = work.keys.read(key, low - back, high + ahead, reading);
    const judged = findFiring({ correlation, rows: after, low, high, asOf: work.asOf });
    if (work.onFiring) {
      const old = findFiring({ correlation, rows: before, low, high, asOf: work.asOfBefore });
      tellChanges(work.onFiring, { before, old, after, judged });
    }
    if (correlation.type === 'first_seen') continue;
    key.run = undefined;
    storeRuns(work, key, {
      points: after.filter((_, at) => judged[at]),
      episodes,
      keep: onlyGrows(correlation) && changeHere.withdrawn.length === 0,
      times: [...changed.rows, ...changed.gone].map(({ t }) => t),
    });
  }
}

/** The signals that a firing point at t may be one of: its window's, where one point stands for a window. */
function pointSpan(correlation: Correlation, t: number): { low: number; high: number } {
  const { windowed, type, rules } = correlation;
  return windowed || type === 'beacon'
    ? touchedBy(correlation, { t, rule: rules[0] as string })
    : { low: t, high: t };
}

/** Joins spans that overlap or could share an episode. */
function mergeSpans(
  spans: readonly { low: number; high: number }[],
  gap: number,
): { low: number; high: number }[] {
  const merged: { low: number; high: number }[] = [];
  for (const { low, high } of [...spans].sort((a, b) => a.low - b.low)) {
    const last = merged.at(-1);
    if (last && low - last.high <= gap) last.high = Math.max(last.high, high);
    else merged.push({ low, high });
  }
  return merged;
}

function episodesNear({ store }: KeyWork, key: KeyState, span: { low: number; high: number }): EpisodeRow[] {
  const { join_ms } = key.correlation;
  return store
    .statement(
      `SELECT * FROM episodes WHERE key = ? AND state = 'current' AND anchor_t <= ? AND last_t >= ?
       ORDER BY anchor_t, anchor_event`,
    )
    .all(key.id, span.high + join_ms, span.low - join_ms) as unknown as EpisodeRow[];
}

/** Puts new rows into the key and takes withdrawn ones out. Returns those that changed something. */
function apply(
  work: KeyWork,
  key: KeyState,
  before: readonly SignalRow[],
  { rows, withdrawn }: { rows: readonly SignalRow[]; withdrawn: readonly SignalRow[] },
): { rows: SignalRow[]; gone: SignalRow[] } {
  const known = new Set(before.map(nameOf));
  const added: SignalRow[] = [];
  for (const row of rows) {
    const name = nameOf(row);
    if (known.has(name)) continue;
    known.add(name);
    added.push(row);
  }
  if (added.length > 0) {
    addFresh(work, key, added);
    for (const { t } of added) {
      if (t < key.newest) continue;
      key.newest = t;
      key.ties = undefined;
    }
  }
  const gone = withdrawn.filter((row) => known.has(nameOf(row)));
  for (const row of gone) {
    const fresh = key.fresh.filter((one) => compareRows(one, row) !== 0);
    if (fresh.length < key.fresh.length) {
      key.fresh = fresh;
      work.log.remove(key, row);
    } else {
      work.store.begin();
      removeRow(work.store, key.id, row);
    }
    key.ties = undefined;
  }
  return { rows: added, gone };
}

function tellChanges(
  tell: (row: SignalRow, fires: boolean) => void,
  told: {
    before: readonly SignalRow[];
    old: readonly boolean[];
    after: readonly SignalRow[];
    judged: readonly boolean[];
  },
): void {
  const fired = firingByEvent(told.before, told.old);
  const fires = firingByEvent(told.after, told.judged);
  for (const [event, row] of fires) if (!fired.has(event)) tell(row, true);
  for (const [event, row] of fired) if (!fires.has(event)) tell(row, false);
}

function firingByEvent(rows: readonly SignalRow[], fires: readonly boolean[]): Map<string, SignalRow> {
  const found = new Map<string, SignalRow>();
  for (const [at, row] of rows.entries()) if (fires[at] && !found.has(row.event)) found.set(row.event, row);
  return found;
}

interface Judged {
  readonly points: readonly Point[];
  readonly episodes: readonly EpisodeRow[];
  /** The episodes stand whole, whatever was judged. */
  readonly keep: boolean;
  /** Times of signals that came or went. */
  readonly times: readonly number[];
}

function storeRuns(work: KeyWork, key: KeyState, { points, episodes, keep, times }: Judged): void {
  const { join_ms } = key.correlation;
  const pieces: Run[] = points.map(({ t, event }) => ({ anchor: { t, event }, last: { t, event } }));
  if (keep) pieces.push(...episodes.map(pieceOf));
  const runs = joinRuns(pieces, join_ms);
  const standing = new Map(episodes.map((episode) => [episode.id, episode]));
  const ids = runs.map((run) => {
    const { id, row } = newEpisode(work, key, run);
    const known = standing.get(id);
    standing.delete(id);
    const same = known && known.last_t === run.last.t && known.last_event === run.last.event;
    if (!same) writeEpisode(work, row);
    const { from, to } = spanOf(key.correlation, run);
    if (!same || times.some((t) => t >= from && t <= to)) work.onChange(id);
    return id;
  });
  for (const episode of standing.values()) {
    const heir = findHeir(runs, episode);
    work.store.begin();
    work.store
      .statement('UPDATE episodes SET state = ?, superseded_by = ? WHERE id = ?')
      .run(heir < 0 ? 'withdrawn' : 'superseded', heir < 0 ? null : (ids[heir] as string), episode.id);
    work.onChange(episode.id);
  }
}

function pieceOf(episode: EpisodeRow): Run {
  return {
    anchor: { t: episode.anchor_t, event: episode.anchor_event },
    last: { t: episode.last_t, event: episode.last_event },
  };
}

/** The run that took an episode's points over: the one with its anchor, else the first that overlaps it; -1 for none. */
function findHeir(runs: readonly Run[], episode: EpisodeRow): number {
  const { anchor, last } = pieceOf(episode);
  const holding = runs.findIndex(
    (run) => comparePoints(run.anchor, anchor) <= 0 && comparePoints(anchor, run.last) <= 0,
  );
  if (holding >= 0) return holding;
  return runs.findIndex(
    (run) => comparePoints(run.anchor, last) <= 0 && comparePoints(anchor, run.last) <= 0,
  );
}

/** Whether an episode's events are only its firing points: what else lies between is not what it tells of. */
export function showsFiringOnly({ type, alwaysFires }: Pick<Correlation, 'type' | 'alwaysFires'>): boolean {
  return alwaysFires || type === 'absence';
}

/** The times between which an episode's events lie: what was needed for its firing points is part of it. */
export function spanOf(correlation: Correlation, run: Run): { from: number; to: number } {
  const { windowed, type, timespan_ms } = correlation;
  if (windowed || type === 'beacon') {
    const start = (t: number): number => Math.floor(t / timespan_ms) * timespan_ms;
    return { from: start(run.anchor.t), to: start(run.last.t) + timespan_ms - 1 };
  }
  return {
    from: run.anchor.t - (showsFiringOnly(correlation) ? 0 : timespan_ms),
    to: run.last.t,
  };
}

/** Whose as_of a row of a key waits for: its site's, or ('') the furthest of all for a key over many sites. */
export function siteOf(correlation: Correlation, row: { readonly site: string }): string {
  return correlation.rule.scope === 'fleet' && correlation.type !== 'absence' ? '' : row.site;
}
