// Joins firing points into episodes: maximal runs with neighbours at most T apart, cut at UTC midnight.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../platform/core/canonical-json.ts';
import { shortId } from '../../platform/core/short-id.ts';
import type { Correlation } from './correlation.ts';

/** A point by (t, event id). */
export interface Point {
  readonly t: number;
  readonly event: string;
}

/** A run by its least and greatest firing points. */
export interface Run {
  readonly anchor: Point;
  readonly last: Point;
}

const DAY_MS = 86_400_000;

/** Which stretch between two cuts a time lies in: UTC days, or multiples of T since the epoch for T over 24 h. */
export function cutOf(t: number, timespan_ms: number): number {
  return Math.floor(t / Math.max(DAY_MS, timespan_ms));
}

/** Joins pieces (single points, or remainders of runs that stand) into maximal runs; order of input is free. */
export function joinRuns(pieces: readonly Run[], timespan_ms: number): Run[] {
  const sorted = [...pieces].sort((a, b) => comparePoints(a.anchor, b.anchor));
  const runs: Run[] = [];
  for (const piece of sorted) {
    const previous = runs.at(-1);
    if (
      previous &&
      piece.anchor.t - previous.last.t <= timespan_ms &&
      cutOf(piece.anchor.t, timespan_ms) === cutOf(previous.anchor.t, timespan_ms)
    ) {
      const last = comparePoints(piece.last, previous.last) > 0 ? piece.last : previous.last;
      runs[runs.length - 1] = { anchor: previous.anchor, last };
    } else runs.push(piece);
  }
  return runs;
}

/** By time, then by event id in code unit order. */
export function comparePoints(a: Point, b: Point): number {
  return a.t - b.t || (a.event < b.event ? -1 : a.event > b.event ? 1 : 0);
}

/** SHA-256 of rule id (not version), scope, tenant, key and anchor, as a shortId (SEMANTICS, Matches, alerts, scope). */
export function alertId(options: {
  rule: string;
  scope: 'site' | 'fleet';
  tenant: string;
  key: Readonly<Record<string, string>>;
  anchor: Point;
}): string {
  const { rule, scope, tenant, key, anchor } = options;
  return shortId(
    createHash('sha256')
      .update(canonicalJson([rule, scope, tenant, key, anchor.t, anchor.event]))
      .digest(),
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
