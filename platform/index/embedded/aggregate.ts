// Counts, histograms and top values: from columns where they decide, else from bodies up to a bound.

import { PicketError } from '../../core/errors.ts';
import { scalarText } from '../../core/expression/compile.ts';
import { readField, splitField } from '../../core/fields.ts';
import type { EventScope } from '../event-index.ts';
import type { RowSet } from './block.ts';
import type { Catalogue } from './catalogue.ts';
import { parseBody, planScan, type ScanPlan, selectRows, walk } from './scan.ts';
import type { Zone } from './segment.ts';

/** Bodies that one count may read. Beyond it the answer covers the newest events only and says `exact: false`. */
export const MAX_BODIES_READ = 500_000;

/** Distinct values that one topValues holds; beyond it new ones are left out and the answer says `exact: false`. */
export const MAX_DISTINCT_VALUES = 200_000;

export const MAX_BUCKETS = 10_000;

interface Question<T extends EventScope> {
  readonly catalogue: Catalogue;
  readonly request: T;
  readonly stopped: () => boolean;
  readonly max_bodies: number;
}

/** Calls back with each block's matching rows; false when the bound on bodies cut it short. */
async function visitMatches(
  options: Omit<Question<EventScope>, 'request'> & { plan: ScanPlan; extraBodies?: number },
  visit: (rows: RowSet, found: readonly number[]) => { parsed: number },
  /** Answers for a zone of which everything is asked without its rows, where it can. */
  wholeZone?: (zone: Zone) => boolean,
): Promise<boolean> {
  const { catalogue, plan, stopped, max_bodies } = options;
  let budget = max_bodies;
  for await (const { zone, rows: readRows } of walk({ catalogue, plan, sort: 'newest', stopped })) {
    const whole = plan.everything && zone.least >= plan.from && zone.greatest < plan.to;
    if (whole && wholeZone?.(zone) === true) continue;
    if (budget <= 0) return false;
    const rows = readRows();
    if (!rows) continue;
    const { found, parsed } = selectRows(rows, plan);
    budget -= parsed + visit(rows, found).parsed;
  }
  return true;
}

/** How many events match. */
export async function countEvents(
  question: Question<EventScope>,
): Promise<{ count: number; exact: boolean }> {
  let count = 0;
  const exact = await visitMatches(
    { ...question, plan: planScan(question.request) },
    (_rows, found) => {
      count += found.length;
      return { parsed: 0 };
    },
    (zone) => {
      count += zone.count;
      return true;
    },
  );
  return { count, exact };
}

/** Buckets by time. @throws PicketError INDEX_LIMIT for an interval below 1 ms or more than MAX_BUCKETS buckets */
export async function histogramOf(question: Question<EventScope & { interval_ms: number }>): Promise<{
  buckets: { start: number; count: number }[];
  exact: boolean;
}> {
  const { interval_ms } = question.request;
  if (!Number.isInteger(interval_ms) || interval_ms < 1) {
    throw new PicketError({ code: 'INDEX_LIMIT', message: 'interval_ms is a whole number from 1' });
  }
  const counts = new Map<number, number>();
  const startOf = (time: number): number => Math.floor(time / interval_ms) * interval_ms;
  const add = (start: number, by: number): void => {
    counts.set(start, (counts.get(start) ?? 0) + by);
    if (counts.size <= MAX_BUCKETS) return;
    throw new PicketError({
      code: 'INDEX_LIMIT',
      message: `more than ${MAX_BUCKETS} buckets: take a longer interval`,
    });
  };
  const exact = await visitMatches(
    { ...question, plan: planScan(question.request) },
    (rows, found) => {
      for (const row of found) add(startOf(rows.times[row] as number), 1);
      return { parsed: 0 };
    },
    (zone) => {
      const start = startOf(zone.least);
      const inOne = start === startOf(zone.greatest);
      if (inOne) add(start, zone.count);
      return inOne;
    },
  );
  const buckets = [...counts].map(([start, count]) => ({ start, count })).sort((a, b) => a.start - b.start);
  return { buckets, exact };
}

/** The most frequent values; an event counts once for each of its values. @throws PicketError INDEX_LIMIT */
export async function topValuesOf(
  question: Question<EventScope & { field: string; limit: number }>,
): Promise<{
  values: { value: string; count: number }[];
  exact: boolean;
}> {
  const { field, limit } = question.request;
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
    throw new PicketError({ code: 'INDEX_LIMIT', message: 'limit is 1 to 10,000' });
  }
  const path = splitField(field);
  const counts = new Map<string, number>();
  let full = false;
  const add = (values: readonly unknown[], by: number): void => {
    // Nearly every list has one value, or none: no set for those.
    const texts = values.length < 2 ? values.map(scalarText) : new Set(values.map(scalarText));
    for (const value of texts) {
      if (value === undefined) continue;
      const count = counts.get(value);
      if (count === undefined && counts.size >= MAX_DISTINCT_VALUES) full = true;
      else counts.set(value, (count ?? 0) + by);
    }
  };
  const exact = await visitMatches({ ...question, plan: planScan(question.request) }, (rows, found) => {
    const column = rows.column(field);
    if (column === undefined) return { parsed: 0 };
    if (column === 'body') {
      for (const row of found) add(readField(parseBody(rows, row), path), 1);
      return { parsed: found.length };
    }
    const tally = new Uint32Array(column.lists.length);
    for (const row of found) {
      const list = column.at?.[row] ?? 0;
      tally[list] = (tally[list] as number) + 1;
    }
    for (const [list, count] of tally.entries()) if (count > 0) add(column.lists[list] as unknown[], count);
    return { parsed: 0 };
  });
  const values = [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, limit);
  return { values, exact: exact && !full };
}
