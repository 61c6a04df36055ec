// Decides which signals of one key fire: the condition over W(e) = the signals within T up to and with t(e).
import type { Correlation } from './correlation.ts';

/** A stored signal of one key; `rule` is the id of the rule that matched. */
export interface SignalRow {
  readonly t: number;
  readonly event: string;
  readonly rule: string;
  readonly values: readonly string[];
}

/**
 * For each row with t ≥ `from`, whether it fires (false for the rows before, which only fill windows).
 * `rows` are sorted by (t, event, rule) and hold everything of the key from `from` − T on, up to the last
 * one asked about.
 */
export function findFiring(correlation: Correlation, rows: readonly SignalRow[], from: number): boolean[] {
  switch (correlation.type) {
    case 'event_count':
      return slide(correlation, rows, from, countRows());
    case 'value_count':
      return slide(
        correlation,
        rows,
        from,
        countDistinct((row) => row.values),
      );
    case 'temporal': {
      const named = new Set(correlation.rules);
      return slide(
        { timespan_ms: correlation.timespan_ms, least: named.size },
        rows,
        from,
        countDistinct((row) => [row.rule]),
      );
    }
    case 'temporal_ordered':
      return findChains(correlation, rows, from);
  }
}

interface WindowCount {
  add(row: SignalRow): void;
  remove(row: SignalRow): void;
  size(): number;
}

function countRows(): WindowCount {
  let size = 0;
  return { add: () => void size++, remove: () => void size--, size: () => size };
}

function countDistinct(valuesOf: (row: SignalRow) => readonly string[]): WindowCount {
  const held = new Map<string, number>();
  return {
    add(row) {
      for (const value of valuesOf(row)) held.set(value, (held.get(value) ?? 0) + 1);
    },
    remove(row) {
      for (const value of valuesOf(row)) {
        const left = (held.get(value) ?? 0) - 1;
        if (left > 0) held.set(value, left);
        else held.delete(value);
      }
    },
    size: () => held.size,
  };
}

/** Slides the window over the rows; rows with one time have one window, ties included. */
function slide(
  { timespan_ms, least }: Pick<Correlation, 'timespan_ms' | 'least'>,
  rows: readonly SignalRow[],
  from: number,
  window: WindowCount,
): boolean[] {
  const fires = Array.from<boolean>({ length: rows.length }).fill(false);
  let start = 0;
  for (let at = 0; at < rows.length; ) {
    const { t } = rows[at] as SignalRow;
    let end = at;
    while (rows[end]?.t === t) window.add(rows[end++] as SignalRow);
    while ((rows[start] as SignalRow).t < t - timespan_ms) window.remove(rows[start++] as SignalRow);
    if (t >= from && window.size() >= least) fires.fill(true, at, end);
    at = end;
  }
  return fires;
}

/**
 * temporal_ordered: e is of the last rule and ends a chain of distinct events, one a rule in the rules'
 * order, with non-decreasing times, all within W(e). `latest[p]` is the latest time at which a chain over
 * the first p rules can have begun: the later, the more windows it lies in. Distinctness only binds events
 * of one time, so each group of ties is a small assignment of steps to events.
 */
function findChains(correlation: Correlation, rows: readonly SignalRow[], from: number): boolean[] {
  const steps = correlation.rules;
  const fires = Array.from<boolean>({ length: rows.length }).fill(false);
  const latest = Array.from<number>({ length: steps.length }).fill(Number.NEGATIVE_INFINITY);
  const last = steps.length - 1;
  for (let at = 0; at < rows.length; ) {
    const { t } = rows[at] as SignalRow;
    let end = at;
    while (rows[end]?.t === t) end++;
    const group = rows.slice(at, end);
    const before = (step: number): number => (step === 0 ? t : (latest[step] as number));
    const begins = latest.slice();
    for (let begin = 0; begin < last; begin++) {
      if (before(begin) === Number.NEGATIVE_INFINITY) continue;
      for (let reach = begin + 1; reach <= last; reach++) {
        if (!canAssign(steps.slice(begin, reach), group, undefined)) break;
        begins[reach] = Math.max(begins[reach] as number, before(begin));
      }
    }
    if (t >= from) {
      for (let place = at; place < end; place++) {
        const row = rows[place] as SignalRow;
        if (row.rule !== steps[last]) continue;
        for (let begin = 0; begin <= last && !fires[place]; begin++) {
          if (before(begin) < t - correlation.timespan_ms) continue;
          fires[place] = canAssign(steps.slice(begin, last), group, row.event);
        }
      }
    }
    latest.splice(0, latest.length, ...begins);
    at = end;
  }
  return fires;
}

/** True when each step can have an event of its own among the group, without `excluded` (augmenting paths). */
function canAssign(
  steps: readonly string[],
  group: readonly SignalRow[],
  excluded: string | undefined,
): boolean {
  if (steps.length === 0) return true;
  // As many candidates as there are steps are enough: at most the others' can be taken.
  const candidates = steps.map((rule) => {
    const events = new Set<string>();
    for (const row of group) {
      if (row.rule === rule && row.event !== excluded) events.add(row.event);
      if (events.size === steps.length) break;
    }
    return events;
  });
  const holder = new Map<string, number>();
  const seat = (step: number, tried: Set<string>): boolean => {
    for (const event of candidates[step] ?? []) {
      if (tried.has(event)) continue;
      tried.add(event);
      const other = holder.get(event);
      if (other === undefined || seat(other, tried)) {
        holder.set(event, step);
        return true;
      }
    }
    return false;
  };
  return steps.every((_, step) => seat(step, new Set()));
}
