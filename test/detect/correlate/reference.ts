// The slow, obvious correlator: reads the whole set of signals at once and follows SEMANTICS word by word.
import type { Correlation } from '../../../detect/correlate/correlation.ts';
import { alertId } from '../../../detect/correlate/episodes.ts';
import { keyText, type Signal } from '../../../detect/correlate/signal.ts';

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

/** Current alerts of a set of signals, by id. */
export function correlateAtOnce(signals: readonly Signal[]): ReferenceAlert[] {
  const groups = new Map<string, Map<string, Signal>>();
  for (const signal of signals) {
    const group = `${signal.correlation.identity} ${keyText(signal)}`;
    const set = groups.get(group) ?? new Map<string, Signal>();
    set.set(`${signal.rule} ${signal.event}`, signal);
    groups.set(group, set);
  }
  return [...groups.values()]
    .flatMap((set) => correlateKey([...set.values()]))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function correlateKey(signals: Signal[]): ReferenceAlert[] {
  signals.sort((a, b) => a.t - b.t || (a.event < b.event ? -1 : a.event > b.event ? 1 : 0));
  const { correlation, tenant, key } = signals[0] as Signal;
  const T = correlation.timespan_ms;
  const windowOf = (e: Signal): Signal[] => signals.filter((s) => e.t - T <= s.t && s.t <= e.t);
  const firing = signals.filter((e) => fires(correlation, e, windowOf(e)));
  const runs: Signal[][] = [];
  for (const point of firing) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    const cut = Math.max(DAY_MS, T);
    if (run && before && point.t - before.t <= T && Math.floor(point.t / cut) === Math.floor(before.t / cut))
      run.push(point);
    else runs.push([point]);
  }
  return runs.map((run) => {
    const anchor = run[0] as Signal;
    const members = correlation.alwaysFires
      ? run
      : signals.filter((s) => run.some((e) => windowOf(e).includes(s)));
    const distinct = members.filter(
      (s, at) => members[at - 1]?.event !== s.event || members[at - 1]?.t !== s.t,
    );
    const points = distinct.map(({ t, event }) => ({ t, event }));
    return {
      id: alertId({ rule: correlation.rule.id, scope: correlation.rule.scope, tenant, key, anchor }),
      rule: correlation.rule.id,
      key,
      first: (points[0] as { t: number }).t,
      last: (points.at(-1) as { t: number }).t,
      count: points.length,
      events: points.length <= 200 ? points : [...points.slice(0, 100), ...points.slice(-100)],
    };
  });
}

function fires(correlation: Correlation, e: Signal, window: Signal[]): boolean {
  switch (correlation.type) {
    case 'event_count':
      return window.length >= correlation.least;
    case 'value_count':
      return new Set(window.flatMap((s) => s.values)).size >= correlation.least;
    case 'temporal':
      return correlation.rules.every((rule) => window.some((s) => s.rule === rule));
    case 'temporal_ordered':
      return e.rule === correlation.rules.at(-1) && endsChain(correlation.rules.slice(0, -1), e, window, []);
  }
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
      endsChain(steps.slice(0, -1), s, window, [...used, next.event, s.event]),
  );
}
