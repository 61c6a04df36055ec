// Turns the address's time into a closed scope, and a scope into a histogram interval.
import type { SearchScope } from '../../api/search-queries.ts';
import type { SearchView } from '../../app/view-state.ts';

export const QUICK_RANGES = ['15m', '1h', '6h', '24h', '7d', '30d'] as const;
export const DEFAULT_RANGE = '24h';

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const BARS = 72;
const STEPS_MS = [
  1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_200_000, 3_600_000, 10_800_000, 21_600_000,
  43_200_000, 86_400_000,
];

/** Milliseconds of `15m`, `24h`, `7d`; undefined for anything else. */
export function spanOf(range: string): number | undefined {
  const match = /^(\d{1,4})([mhd])$/.exec(range);
  return match ? Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0) : undefined;
}

/** A range such as `24h` ends at `now`, so that a question asked twice means the same until it is asked anew. */
export function scopeOf(view: SearchView, now: number): SearchScope {
  const query = view.q ?? '';
  const from = Date.parse(view.from ?? '');
  const to = Date.parse(view.to ?? '');
  if (!Number.isNaN(from) && !Number.isNaN(to) && from < to)
    return { query, from: new Date(from).toISOString(), to: new Date(to).toISOString() };
  const span = spanOf(view.last ?? DEFAULT_RANGE) ?? UNIT_MS['d'] ?? 86_400_000;
  // A second more: `to` is exclusive, and what came just now should be there.
  return { query, from: new Date(now - span).toISOString(), to: new Date(now + 1_000).toISOString() };
}

/** The step that gives about 70 bars. */
export function intervalOf({ from, to }: SearchScope): number {
  const span = Date.parse(to) - Date.parse(from);
  return STEPS_MS.find((step) => span / step <= BARS) ?? 7 * 86_400_000;
}
