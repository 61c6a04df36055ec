// Names the segment that an event belongs to: a pure function of the stored event and its dataset's period.

import { PicketError } from '../core/errors.ts';
import type { TimeJudgement } from '../core/event.ts';
import { DatasetName, Jurisdiction, Slug } from '../core/names.ts';

/** How long one segment lasts; fixed per dataset when it is first written. */
export const PERIODS = ['day', 'week', 'month'] as const;
export type Period = (typeof PERIODS)[number];

/** What decides an event's segment. */
export interface SegmentRoute {
  readonly tenant: string;
  readonly dataset: string;
  readonly jurisdiction: string;
  /** ms since the epoch. */
  readonly time: number;
  readonly judgement: TimeJudgement;
}

const DAY_MS = 86_400_000;

/**
 * The period text of a time: `2026-11-23`, `2026-w48` (ISO 8601 week and its year) or `2026-11`;
 * `undated` for an event whose time was not judged `ok`.
 */
export function periodOf(period: Period, time: number, judgement: TimeJudgement): string {
  if (judgement !== 'ok') return 'undated';
  const date = new Date(time);
  const text = date.toISOString();
  if (period === 'day') return text.slice(0, 10);
  if (period === 'month') return text.slice(0, 7);
  const thursday = new Date(time + (4 - (date.getUTCDay() || 7)) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS)) + 1;
  return `${String(year).padStart(4, '0')}-w${String(week).padStart(2, '0')}`;
}

/** The times that a period text covers, ms since the epoch, `to` exclusive; everything for `undated`. Undefined for what is no period. */
export function periodBounds(period: string): { from: number; to: number } | undefined {
  if (period === 'undated') return { from: -Infinity, to: Infinity };
  const week = /^(\d{4})-w(\d{2})$/.exec(period);
  if (week) {
    const january4 = Date.UTC(Number(week[1]), 0, 4);
    const monday = january4 - ((new Date(january4).getUTCDay() || 7) - 1) * DAY_MS;
    const from = monday + (Number(week[2]) - 1) * 7 * DAY_MS;
    return { from, to: from + 7 * DAY_MS };
  }
  if (/^\d{4}-\d{2}-\d{2}$/.test(period)) {
    const from = Date.parse(`${period}T00:00:00Z`);
    return Number.isNaN(from) ? undefined : { from, to: from + DAY_MS };
  }
  const month = /^(\d{4})-(\d{2})$/.exec(period);
  if (!month) return undefined;
  const [year, at] = [Number(month[1]), Number(month[2])];
  return { from: Date.UTC(year, at - 1, 1), to: Date.UTC(year, at, 1) };
}

/**
 * `picket-<tenant>-<dataset>-<jurisdiction>-<period>`.
 * @throws PicketError INDEX_ROUTE_INVALID when a part is not what its name pattern allows. A dataset of just
 * two letters is refused too: it would read as a jurisdiction, and two tenants could share one name.
 */
export function segmentName(route: SegmentRoute, period: Period): string {
  const fault = !Slug.safeParse(route.tenant).success
    ? `tenant ${route.tenant}`
    : !DatasetName.safeParse(route.dataset).success || /^[a-z]{2}$/.test(route.dataset)
      ? `dataset ${route.dataset}`
      : !Jurisdiction.safeParse(route.jurisdiction).success
        ? `jurisdiction ${route.jurisdiction}`
        : !Number.isFinite(route.time) || Math.abs(route.time) > 8.64e15
          ? 'timestamp'
          : undefined;
  if (fault !== undefined) {
    throw new PicketError({
      code: 'INDEX_ROUTE_INVALID',
      message: `not usable in an index name: ${fault.slice(0, 100)}`,
    });
  }
  const { tenant, dataset, jurisdiction, time, judgement } = route;
  return `picket-${tenant}-${dataset}-${jurisdiction}-${periodOf(period, time, judgement)}`;
}
