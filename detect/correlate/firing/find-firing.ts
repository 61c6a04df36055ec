// Decides which signals of one key fire, after SEMANTICS, Correlation: over W(e), over standing windows, or by what followed.

import { rulesOutsideNot } from '../compile-correlations.ts';
import { type Correlation, DAY_MS } from '../correlation.ts';
import { openFigure } from './figures.ts';
import { findChains } from './find-chains.ts';
import type { SignalRow } from './signal-row.ts';

/** How far signals at other times reach into whether one fires, ms: those from t − back to t + ahead are looked at. */
export interface Reach {
  readonly back: number;
  readonly ahead: number;
}

/** Times of one `beacon` day above this many are left out, the latest first. */
export const MAX_BEACON_TIMES = 10_000;

export function reachOf(correlation: Correlation): Reach {
  const { type, timespan_ms, windowed, alwaysFires } = correlation;
  if (alwaysFires || windowed || type === 'beacon') return { back: 0, ahead: 0 };
  if (type === 'absence') return { back: 0, ahead: timespan_ms };
  return { back: timespan_ms, ahead: 0 };
}

/** The times (inclusive) whose firing a signal at t can change. */
export function touchedBy(
  correlation: Correlation,
  { t, rule }: { readonly t: number; readonly rule: string },
): { low: number; high: number } {
  const { type, timespan_ms, windowed, alwaysFires, rules } = correlation;
  if (alwaysFires) return { low: t, high: t };
  if (windowed || type === 'beacon') {
    const low = Math.floor(t / timespan_ms) * timespan_ms;
    return { low, high: low + timespan_ms - 1 };
  }
  if (type === 'absence') return { low: rule === rules[1] ? t - timespan_ms : t, high: t };
  return { low: t, high: t + timespan_ms };
}

/**
 * When firing at t is decided: as_of must have reached it (ms since the epoch); undefined where nothing waits.
 * A window [kT, (k+1)T) is over once as_of passes its end; an absence once as_of ≥ t(a) + T.
 */
export function decidedAt(
  correlation: Correlation,
  { t, rule }: { readonly t: number; readonly rule: string },
): number | undefined {
  const { type, timespan_ms, windowed, rules } = correlation;
  if (windowed || type === 'beacon') return (Math.floor(t / timespan_ms) + 1) * timespan_ms;
  if (type === 'absence') return rule === rules[0] ? t + timespan_ms : undefined;
  return undefined;
}

/**
 * For each row with low ≤ t ≤ high, whether it fires (false for the others, which only fill windows). `rows`
 * are sorted by (t, event, rule, source) and hold everything of the key within reach of low and high.
 * `asOf` is the event time up to which a site's signals are taken as told.
 */
export function findFiring(options: {
  correlation: Correlation;
  rows: readonly SignalRow[];
  low: number;
  high: number;
  asOf: (site: string) => number;
}): boolean[] {
  const { correlation, rows, low, high } = options;
  if (correlation.alwaysFires) return rows.map(({ t }) => t >= low && t <= high);
  if (correlation.windowed) return judgeWindows(options);
  switch (correlation.type) {
    case 'temporal_ordered':
      return findChains(correlation, rows, low).map(
        (fires, at) => fires && (rows[at] as SignalRow).t <= high,
      );
    case 'first_seen':
      return findFirst(options);
    case 'absence':
      return findUnanswered(options);
    case 'beacon':
      return judgeDays(options);
    default:
      return slide(options);
  }
}

type Asked = Parameters<typeof findFiring>[0];

/** Slides W(e) over the rows; rows with one time have one window, ties included. */
function slide({ correlation, rows, low, high }: Asked): boolean[] {
  const fires = Array.from<boolean>({ length: rows.length }).fill(false);
  const figure = openFigure(correlation);
  const firing = correlation.condition && rulesOutsideNot(correlation.condition);
  let start = 0;
  for (let at = 0; at < rows.length; ) {
    const { t } = rows[at] as SignalRow;
    let end = at;
    while (rows[end]?.t === t) figure.add(rows[end++] as SignalRow);
    while ((rows[start] as SignalRow).t < t - correlation.timespan_ms)
      figure.remove(rows[start++] as SignalRow);
    if (t >= low && t <= high && figure.holds())
      for (let place = at; place < end; place++)
        fires[place] = firing?.has((rows[place] as SignalRow).rule) ?? true;
    at = end;
  }
  return fires;
}

/** Groups of rows that stand in one stretch [k × length, (k+1) × length). */
function* stretches(
  rows: readonly SignalRow[],
  length: number,
): Generator<{ from: number; to: number; end: number }> {
  for (let from = 0; from < rows.length; ) {
    const stretch = Math.floor((rows[from] as SignalRow).t / length);
    let to = from;
    while (to < rows.length && Math.floor((rows[to] as SignalRow).t / length) === stretch) to++;
    yield { from, to, end: (stretch + 1) * length };
    from = to;
  }
}

/** A window that holds and is over fires at its least signal. */
function judgeWindows({ correlation, rows, asOf }: Asked): boolean[] {
  const fires = Array.from<boolean>({ length: rows.length }).fill(false);
  for (const { from, to, end } of stretches(rows, correlation.timespan_ms)) {
    if (asOf(siteOf(correlation, rows[from] as SignalRow)) < end) continue;
    const figure = openFigure(correlation);
    for (let at = from; at < to; at++) figure.add(rows[at] as SignalRow);
    fires[from] = figure.holds();
  }
  return fires;
}

/** Whose as_of a row of a key waits for: its site's, or ('') the furthest of all for a key over many sites. */
export function siteOf(correlation: Correlation, row: { readonly site: string }): string {
  return correlation.rule.scope === 'fleet' && correlation.type !== 'absence' ? '' : row.site;
}

/** first_seen: no row of the same value within N before, the least event on ties, and not while it still learned. */
function findFirst({ correlation, rows, low, high }: Asked): boolean[] {
  const latest = new Map<string, number>();
  return rows.map(({ t, source }) => {
    const before = latest.get(source);
    latest.set(source, t);
    if (t < low || t > high || t < correlation.learn_until) return false;
    return before === undefined || before < t - correlation.timespan_ms;
  });
}

/** absence: an A with no B in [t(a), t(a) + T], once its site has told that much. */
function findUnanswered({ correlation, rows, low, high, asOf }: Asked): boolean[] {
  const { rules, timespan_ms } = correlation;
  const answers = rows.filter(({ rule }) => rule === rules[1]).map(({ t }) => t);
  let next = 0;
  return rows.map(({ t, rule, site }) => {
    while (next < answers.length && (answers[next] as number) < t) next++;
    if (rule !== rules[0] || t < low || t > high || asOf(site) < t + timespan_ms) return false;
    const answer = answers[next];
    return answer === undefined || answer > t + timespan_ms;
  });
}

/** beacon: a day whose distinct times are regular fires at its least signal. */
function judgeDays({ correlation, rows, asOf }: Asked): boolean[] {
  const fires = Array.from<boolean>({ length: rows.length }).fill(false);
  const bounds = correlation.beacon;
  for (const { from, to, end } of stretches(rows, DAY_MS)) {
    if (!bounds || asOf(siteOf(correlation, rows[from] as SignalRow)) < end) continue;
    const times = [...new Set(rows.slice(from, to).map(({ t }) => t))].slice(0, MAX_BEACON_TIMES);
    fires[from] = times.length >= bounds.least && regularityOf(times) >= bounds.score;
  }
  return fires;
}

/**
 * 1 − MAD(Δ) / median(Δ) of the gaps between sorted distinct times: 1 for a clock, 0 and below for noise (the
 * median absolute deviation as RITA's beacon score uses it: robust against the odd missed or extra call).
 */
export function regularityOf(times: readonly number[]): number {
  const gaps = times.slice(1).map((t, at) => t - (times[at] as number));
  if (gaps.length === 0) return Number.NEGATIVE_INFINITY;
  const middle = medianOf(gaps);
  return 1 - medianOf(gaps.map((gap) => Math.abs(gap - middle))) / middle;
}

/** The middle number, or the mean of the two middle ones. */
function medianOf(numbers: readonly number[]): number {
  const sorted = Float64Array.from(numbers).sort();
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}
