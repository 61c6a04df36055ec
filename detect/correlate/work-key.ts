// Works new signals of one key into episodes: in order of time by what is remembered, else by what is stored around them.
import type { Correlation } from './correlation.ts';
import { siteOf } from './firing/find-firing.ts';
import { compareRows, type SignalRow } from './firing/signal-row.ts';
import { extend, movesAnchor } from './keep-episodes.ts';
import { addFresh, type KeyChange, type KeyWork, onlyGrows } from './key-change.ts';
import type { KeyState } from './store/key-table.ts';
import { workLate } from './work-late.ts';

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

/** Types whose firing is judged by what comes after or once as_of has passed: nothing to do when a signal comes in order. */
function waits({ type, windowed }: Correlation): boolean {
  return windowed || type === 'absence' || type === 'beacon';
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
