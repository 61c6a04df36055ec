// Keeps the episodes of one key in the store: runs of firing points that begin, go on, join, part or vanish.
import { alertId, comparePoints, cutOf, joinRuns, type Point, type Run, spanOf } from './episodes.ts';
import type { SignalRow } from './firing/signal-row.ts';
import type { KeyWork } from './key-change.ts';
import type { KeyState } from './store/key-table.ts';
import type { EpisodeRow } from './store/open-store.ts';

/** A tie with a lesser event id than the anchor makes another episode of the run. */
export function movesAnchor(work: KeyWork, key: KeyState, first: SignalRow): boolean {
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
export function extend(work: KeyWork, key: KeyState, first: Point, last: Point): void {
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

export function episodesNear(
  { store }: KeyWork,
  key: KeyState,
  span: { low: number; high: number },
): EpisodeRow[] {
  const { join_ms } = key.correlation;
  return store
    .statement(
      `SELECT * FROM episodes WHERE key = ? AND state = 'current' AND anchor_t <= ? AND last_t >= ?
       ORDER BY anchor_t, anchor_event`,
    )
    .all(key.id, span.high + join_ms, span.low - join_ms) as unknown as EpisodeRow[];
}

interface Judged {
  readonly points: readonly Point[];
  readonly episodes: readonly EpisodeRow[];
  /** The episodes stand whole, whatever was judged. */
  readonly keep: boolean;
  /** Times of signals that came or went. */
  readonly times: readonly number[];
}

export function storeRuns(work: KeyWork, key: KeyState, { points, episodes, keep, times }: Judged): void {
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
