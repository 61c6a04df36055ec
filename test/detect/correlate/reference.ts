// The slow, obvious correlator: reads the whole set of signals at once and follows SEMANTICS word by word.
import type { Bound, Correlation, RuleCondition } from '../../../detect/correlate/correlation.ts';
import { alertId } from '../../../detect/correlate/episodes.ts';
import { keyText, makeOuterSignals, type Signal } from '../../../detect/correlate/signal.ts';

export interface ReferenceAlert {
  id: string;
  rule: string;
  key: Readonly<Record<string, string>>;
  first: number;
  last: number;
  count: number;
  events: { t: number; event: string }[];
}

const DAY_MS = 86_400_000;

interface Asked {
  /** Site → event time told; '' is the furthest of all. */
  readonly as_of: ReadonlyMap<string, number>;
  readonly correlation: Correlation;
}

/** Current alerts of a set of signals, by id. `correlations` are those in force, inner ones first. */
export function correlateAtOnce(
  signals: readonly Signal[],
  options: { as_of?: Readonly<Record<string, number>>; correlations?: readonly Correlation[] } = {},
): ReferenceAlert[] {
  const told = Object.entries(options.as_of ?? {});
  const as_of = new Map([...told, ['', Math.max(Number.NEGATIVE_INFINITY, ...told.map(([, t]) => t))]]);
  const inForce = options.correlations ?? [];
  const direct = [...new Set(signals.map(({ correlation }) => correlation))];
  const order = [...direct.filter((one) => !inForce.includes(one)), ...inForce];
  const alerts: ReferenceAlert[] = [];
  const all = [...signals];
  for (const correlation of order) {
    const keys = new Map<string, Map<string, Signal>>();
    for (const signal of all.filter((one) => one.correlation === correlation)) {
      const group = keys.get(keyText(signal)) ?? new Map<string, Signal>();
      group.set(JSON.stringify([signal.rule, signal.event, signal.source]), signal);
      keys.set(keyText(signal), group);
    }
    for (const group of keys.values()) {
      const own = [...group.values()].sort(bySignal);
      const { tenant, key } = own[0] as Signal;
      const points = firingOf(own, { as_of, correlation });
      if (!correlation.silent) alerts.push(...alertsOf(own, points, correlation));
      if (correlation.rule.kind === 'plain') continue;
      for (const outer of inForce.filter(({ rules }) => rules.includes(correlation.rule.id))) {
        for (const point of points) {
          all.push(
            ...makeOuterSignals({
              outer,
              inner: correlation,
              key,
              tenant,
              point,
              evidence: undefined,
              withdrawn: false,
              count: () => undefined,
            }),
          );
        }
      }
    }
  }
  return alerts.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function bySignal(a: Signal, b: Signal): number {
  const less = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);
  return a.t - b.t || less(a.event, b.event) || less(a.rule, b.rule) || less(a.source, b.source);
}

function windowOf(all: readonly Signal[], e: Signal, T: number): Signal[] {
  return all.filter((s) => e.t - T <= s.t && s.t <= e.t);
}

/** The firing signals, one a point. */
function firingOf(all: readonly Signal[], asked: Asked): Signal[] {
  const firing = all.filter((e) => fires(e, all, asked));
  return firing.filter((e, at) => firing[at - 1]?.event !== e.event || firing[at - 1]?.t !== e.t);
}

function fires(e: Signal, all: readonly Signal[], { as_of, correlation }: Asked): boolean {
  const T = correlation.timespan_ms;
  const toldOf = (site: string): number => as_of.get(site) ?? Number.NEGATIVE_INFINITY;
  const keySite = correlation.rule.scope === 'site' ? e.site : '';
  if (correlation.windowed || correlation.type === 'beacon') {
    const k = Math.floor(e.t / T);
    const window = all.filter((s) => Math.floor(s.t / T) === k);
    if (window[0] !== e || toldOf(keySite) < (k + 1) * T) return false;
    return correlation.type === 'beacon' ? isRegular(window, correlation) : holds(window, correlation);
  }
  switch (correlation.type) {
    case 'temporal_ordered':
      return (
        e.rule === correlation.rules.at(-1) &&
        endsChain(correlation.rules.slice(0, -1), e, windowOf(all, e, T), [])
      );
    case 'first_seen':
      return (
        e.t >= correlation.learn_until &&
        !all.some(
          (s) =>
            s.source === e.source && ((e.t - T <= s.t && s.t < e.t) || (s.t === e.t && s.event < e.event)),
        )
      );
    case 'absence':
      return (
        e.rule === correlation.rules[0] &&
        toldOf(e.site) >= e.t + T &&
        !all.some((s) => s.rule === correlation.rules[1] && e.t <= s.t && s.t <= e.t + T)
      );
    case 'temporal':
      return (
        (correlation.condition === undefined || positives(correlation.condition, true).includes(e.rule)) &&
        holds(windowOf(all, e, T), correlation)
      );
    default:
      return holds(windowOf(all, e, T), correlation);
  }
}

function positives(condition: RuleCondition, positive: boolean): string[] {
  if (condition.op === 'rule') return positive ? [condition.rule] : [];
  if (condition.op === 'not') return positives(condition.of, !positive);
  return condition.of.flatMap((part) => positives(part, positive));
}

function holds(window: readonly Signal[], correlation: Correlation): boolean {
  const { type, bounds } = correlation;
  const numbers = window.flatMap((s) => s.numbers);
  switch (type) {
    case 'event_count':
      return bounds.every((bound) => compare(window.length - bound.value, bound));
    case 'value_count': {
      const { size } = new Set(window.flatMap((s) => s.values));
      return bounds.every((bound) => compare(size - bound.value, bound));
    }
    case 'temporal': {
      const { condition } = correlation;
      const present = new Set(window.map((s) => s.rule));
      return condition ? truth(condition, present) : correlation.rules.every((rule) => present.has(rule));
    }
    case 'value_sum':
    case 'value_avg': {
      if (numbers.length === 0) return false;
      const sum = numbers.map(toFraction).reduce((a, b) => a + b, 0n);
      const factor = type === 'value_avg' ? BigInt(numbers.length) : 1n;
      return bounds.every((bound) => {
        const difference = sum - toFraction(bound.value) * factor;
        return compare(difference > 0n ? 1 : difference < 0n ? -1 : 0, bound);
      });
    }
    default: {
      if (numbers.length === 0) return false;
      const sorted = [...numbers].sort((a, b) => a - b);
      const rank = Math.max(1, Math.ceil(((correlation.percentile ?? 50) / 100) * sorted.length));
      return bounds.every((bound) => compare((sorted[rank - 1] as number) - bound.value, bound));
    }
  }
}

/** In units of 2^-200, enough for the numbers that tests make. */
function toFraction(value: number): bigint {
  let [number, bits] = [value, 200n];
  for (; !Number.isInteger(number); bits--) number *= 2;
  return BigInt(number) << bits;
}

function compare(difference: number, bound: Bound): boolean {
  const outcomes: Record<Bound['with'], boolean> = {
    gt: difference > 0,
    gte: difference >= 0,
    lt: difference < 0,
    lte: difference <= 0,
    eq: difference === 0,
    neq: difference !== 0,
  };
  return outcomes[bound.with];
}

function truth(condition: RuleCondition, present: ReadonlySet<string>): boolean {
  if (condition.op === 'rule') return present.has(condition.rule);
  if (condition.op === 'not') return !truth(condition.of, present);
  const parts = condition.of.map((part) => truth(part, present));
  return condition.op === 'and' ? !parts.includes(false) : parts.includes(true);
}

function isRegular(day: readonly Signal[], { beacon }: Correlation): boolean {
  const times = [...new Set(day.map((s) => s.t))];
  if (!beacon || times.length < beacon.least) return false;
  const gaps = times.slice(1).map((t, at) => t - (times[at] as number));
  const median = (list: number[]): number => {
    const sorted = [...list].sort((a, b) => a - b);
    const { length } = sorted;
    return (
      ((sorted[Math.floor((length - 1) / 2)] as number) + (sorted[Math.ceil((length - 1) / 2)] as number)) / 2
    );
  };
  const middle = median(gaps);
  return 1 - median(gaps.map((gap) => Math.abs(gap - middle))) / middle >= beacon.score;
}

/** Tries every choice of distinct events, from the last step backwards. */
function endsChain(steps: readonly string[], next: Signal, window: Signal[], used: string[]): boolean {
  const step = steps.at(-1);
  if (step === undefined) return true;
  return window.some(
    (s) =>
      s.rule === step &&
      s.t <= next.t &&
      s.event !== next.event &&
      !used.includes(s.event) &&
      endsChain(steps.slice(0, -1), s, window, [...used, next.event]),
  );
}

function alertsOf(
  all: readonly Signal[],
  points: readonly Signal[],
  correlation: Correlation,
): ReferenceAlert[] {
  const { rule, type, timespan_ms: T, join_ms, windowed } = correlation;
  const runs: Signal[][] = [];
  for (const point of points) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    const cut = Math.max(DAY_MS, join_ms);
    const near = before && point.t - before.t <= join_ms;
    if (run && near && Math.floor(point.t / cut) === Math.floor(before.t / cut)) run.push(point);
    else runs.push([point]);
  }
  return runs.map((run) => {
    const anchor = run[0] as Signal;
    const { tenant, key } = anchor;
    const whole = windowed || type === 'beacon';
    const alone = correlation.alwaysFires || type === 'first_seen' || type === 'absence';
    const members = alone
      ? run
      : all.filter((s) =>
          run.some((e) =>
            whole ? Math.floor(s.t / T) === Math.floor(e.t / T) : e.t - T <= s.t && s.t <= e.t,
          ),
        );
    const distinct = members.filter(
      (s, at) => members[at - 1]?.event !== s.event || members[at - 1]?.t !== s.t,
    );
    const events = distinct.map(({ t, event }) => ({ t, event }));
    return {
      id: alertId({ rule: rule.id, scope: rule.scope, tenant, key, anchor }),
      rule: rule.id,
      key,
      first: (events[0] as { t: number }).t,
      last: (events.at(-1) as { t: number }).t,
      count: events.length,
      events: events.length <= 200 ? events : [...events.slice(0, 100), ...events.slice(-100)],
    };
  });
}
