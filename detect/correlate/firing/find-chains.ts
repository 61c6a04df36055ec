// temporal_ordered: which signals end a chain of distinct events, one a rule, in the rules' order, within T.
import type { Correlation } from '../correlation.ts';
import type { SignalRow } from './signal-row.ts';

/**
 * temporal_ordered: e is of the last rule and ends a chain of distinct events, one a rule in the rules' order, with
 * non-decreasing times, all within W(e). `latest[p]` is the latest time at which a chain over the first p rules can
 * have begun: the later, the more windows it lies in. Distinctness only binds events of one time, so each group of
 * ties is a small assignment of steps to events. Groups come in order of time.
 */
export class ChainState {
  readonly #steps: readonly string[];
  readonly #timespan_ms: number;
  #latest: number[];

  constructor({ rules, timespan_ms }: Pick<Correlation, 'rules' | 'timespan_ms'>) {
    this.#steps = rules;
    this.#timespan_ms = timespan_ms;
    this.#latest = Array.from<number>({ length: rules.length }).fill(Number.NEGATIVE_INFINITY);
  }

  /** Which rows of a group of ties at t end a chain; the group is not taken in. */
  judge(group: readonly SignalRow[], t: number): boolean[] {
    const steps = this.#steps;
    const last = steps.length - 1;
    return group.map((row) => {
      if (row.rule !== steps[last]) return false;
      for (let begin = 0; begin <= last; begin++) {
        if (this.#before(begin, t) < t - this.#timespan_ms) continue;
        if (canAssign(steps.slice(begin, last), group, row.event)) return true;
      }
      return false;
    });
  }

  /** Takes a group of ties in: later groups may go on from it. */
  absorb(group: readonly SignalRow[], t: number): void {
    const steps = this.#steps;
    const last = steps.length - 1;
    const begins = this.#latest.slice();
    for (let begin = 0; begin < last; begin++) {
      const before = this.#before(begin, t);
      if (before === Number.NEGATIVE_INFINITY) continue;
      for (let reach = begin + 1; reach <= last; reach++) {
        if (!canAssign(steps.slice(begin, reach), group, undefined)) break;
        begins[reach] = Math.max(begins[reach] as number, before);
      }
    }
    this.#latest = begins;
  }

  #before(step: number, t: number): number {
    return step === 0 ? t : (this.#latest[step] as number);
  }
}

/** For each row (sorted) with t ≥ `from`, whether it ends a chain. */
export function findChains(
  correlation: Pick<Correlation, 'rules' | 'timespan_ms'>,
  rows: readonly SignalRow[],
  from: number,
): boolean[] {
  const state = new ChainState(correlation);
  const fires: boolean[] = [];
  for (let at = 0; at < rows.length; ) {
    const { t } = rows[at] as SignalRow;
    let end = at;
    while (rows[end]?.t === t) end++;
    const group = rows.slice(at, end);
    fires.push(...(t >= from ? state.judge(group, t) : group.map(() => false)));
    state.absorb(group, t);
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
