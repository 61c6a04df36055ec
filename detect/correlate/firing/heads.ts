// Judges signals that come in order of time, one group of ties after another, with no look at what was stored before.
import { holdsFor, rulesOutsideNot } from '../compile-correlations.ts';
import { type Correlation, compareTo, meetsBounds } from '../correlation.ts';
import { ExactSum } from './exact-sum.ts';
import { ChainState } from './find-chains.ts';
import { percentileOf } from './quantile.ts';
import type { SignalRow } from './signal-row.ts';

/**
 * What W(e) needs of everything before the newest time of a key. `judge` says which rows of the group of all ties
 * at the newest time fire; `absorb` takes that group in once time moves on.
 */
export interface Head {
  judge(group: readonly SignalRow[], t: number): readonly boolean[];
  absorb(group: readonly SignalRow[], t: number): void;
}

/** How many of the newest rows a head must be fed; undefined for those of the whole timespan. */
export function rowsNeeded(correlation: Correlation): number | undefined {
  return correlation.type === 'event_count' ? leastCount(correlation) : undefined;
}

/** The head of a correlation that is judged over W(e) or as `first_seen`; fed nothing yet. */
export function openHead(correlation: Correlation): Head {
  switch (correlation.type) {
    case 'event_count':
      return countHead(correlation);
    case 'value_count':
      return textHead(
        correlation,
        (row) => row.values,
        (texts) => meetsBounds(texts.size, correlation.bounds),
      );
    case 'temporal': {
      const { condition } = correlation;
      const wanted = new Set(correlation.rules).size;
      return textHead(
        correlation,
        (row) => [row.rule],
        (texts) => (condition ? holdsFor(condition, texts) : texts.size === wanted),
      );
    }
    case 'temporal_ordered':
      return new ChainState(correlation);
    case 'first_seen':
      return firstHead(correlation);
    default:
      return numberHead(correlation);
  }
}

function all(group: readonly SignalRow[], fires: boolean): readonly boolean[] {
  return group.map(() => fires);
}

/** The least count that meets bounds of gt and gte. */
function leastCount({ bounds }: Correlation): number {
  return Math.max(
    1,
    ...bounds.map((bound) => (bound.with === 'gt' ? Math.floor(bound.value) + 1 : Math.ceil(bound.value))),
  );
}

/** event_count: only the times of the newest `least` rows can decide. */
function countHead(correlation: Correlation): Head {
  const { timespan_ms } = correlation;
  const least = leastCount(correlation);
  let times: number[] = [];
  return {
    judge(group, t) {
      const missing = least - group.length;
      if (missing <= 0) return all(group, true);
      const at = times[times.length - missing];
      return all(group, at !== undefined && at >= t - timespan_ms);
    },
    absorb(group, t) {
      for (let count = 0; count < group.length; count++) times.push(t);
      if (times.length > 2 * least + 16) times = times.slice(-least);
    },
  };
}

/** Texts (values, rules) by when each was last seen, the longest ago first. */
function textHead(
  correlation: Correlation,
  textsOf: (row: SignalRow) => readonly string[],
  holds: (texts: ReadonlyMap<string, number>) => boolean,
): Head {
  const { timespan_ms, condition } = correlation;
  const firing = condition && rulesOutsideNot(condition);
  const seen = new Map<string, number>();
  const take = (group: readonly SignalRow[], t: number): void => {
    for (const row of group) {
      for (const text of textsOf(row)) {
        seen.delete(text);
        seen.set(text, t);
      }
    }
  };
  const expire = (t: number): void => {
    for (const [text, last] of seen) {
      if (last >= t - timespan_ms) break;
      seen.delete(text);
    }
  };
  let judged: readonly SignalRow[] | undefined;
  return {
    judge(group, t) {
      expire(t);
      // Taken in for the question; a tie only adds.
      take(group, t);
      judged = group;
      const held = holds(seen);
      return firing ? group.map((row) => held && firing.has(row.rule)) : all(group, held);
    },
    absorb(group, t) {
      if (group.length !== judged?.length || group[0] !== judged[0]) take(group, t);
      judged = undefined;
    },
  };
}

/** first_seen: keys are divided by value, so that only the time before matters. */
function firstHead({ timespan_ms, learn_until }: Correlation): Head {
  let before = Number.NEGATIVE_INFINITY;
  return {
    judge: (group, t) =>
      group.map((row) => row.event === group[0]?.event && t >= learn_until && before < t - timespan_ms),
    absorb: (_, t) => {
      before = t;
    },
  };
}

/** Numbers of the timespan: a sum is kept up, a percentile taken when asked. */
function numberHead(correlation: Correlation): Head {
  const { type, timespan_ms, bounds, percentile } = correlation;
  const summing = type === 'value_sum' || type === 'value_avg';
  const sum = new ExactSum();
  let held: { t: number; numbers: readonly number[] }[] = [];
  let gone = 0;
  let numbers = 0;
  const expire = (t: number): void => {
    for (; gone < held.length && (held[gone] as { t: number }).t < t - timespan_ms; gone++) {
      for (const number of held[gone]?.numbers ?? []) sum.remove(number);
      numbers -= held[gone]?.numbers.length ?? 0;
    }
    if (gone > 64 && gone * 2 > held.length) [held, gone] = [held.slice(gone), 0];
  };
  const holds = (more: readonly number[]): boolean => {
    const count = numbers + more.length;
    if (count === 0) return false;
    if (!summing) {
      const figure = percentileOf(
        [...held.slice(gone).flatMap((one) => one.numbers), ...more],
        percentile ?? 50,
      );
      return figure !== undefined && meetsBounds(figure, bounds);
    }
    for (const number of more) sum.add(number);
    const met = bounds.every((bound) =>
      compareTo(sum.compare(bound.value, type === 'value_avg' ? count : 1), bound.with),
    );
    for (const number of more) sum.remove(number);
    return met;
  };
  return {
    judge(group, t) {
      expire(t);
      return all(group, holds(group.flatMap((row) => row.numbers)));
    },
    absorb(group, t) {
      for (const row of group) {
        if (row.numbers.length === 0) continue;
        held.push({ t, numbers: row.numbers });
        for (const number of row.numbers) sum.add(number);
        numbers += row.numbers.length;
      }
    },
  };
}
