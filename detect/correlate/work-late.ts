// Works signals of one key that come out of order, are taken back or are decided now, by what is stored around them.
import type { Correlation } from './correlation.ts';
import { findFiring, reachOf, touchedBy } from './firing/find-firing.ts';
import { compareRows, nameOf, type SignalRow } from './firing/signal-row.ts';
import { episodesNear, saveRun, storeRuns } from './keep-episodes.ts';
import { addFresh, type KeyChange, type KeyWork, onlyGrows } from './key-change.ts';
import { removeRow } from './store/chunks.ts';
import type { KeyState } from './store/key-table.ts';

/** Signals before the newest, taken back, or decided now: what they can change is read and judged again. */
export function workLate(work: KeyWork, key: KeyState, change: KeyChange): void {
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

/** The signals that a firing point at t may be one of: its window's, where one point stands for a window. */
function pointSpan(correlation: Correlation, t: number): { low: number; high: number } {
  const { windowed, type, rules } = correlation;
  return windowed || type === 'beacon'
    ? touchedBy(correlation, { t, rule: rules[0] as string })
    : { low: t, high: t };
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
