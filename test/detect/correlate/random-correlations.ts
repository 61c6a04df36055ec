// Random correlations of every type and random events for them, over small domains so that ties and edges are common.
import * as fc from 'fast-check';
import { compileCorrelations } from '../../../detect/correlate/compile-correlations.ts';
import {
  type Correlation,
  type CorrelationDefinition,
  correlatePlainRule,
  type RuleCondition,
} from '../../../detect/correlate/correlation.ts';
import { makeSignals, type Signal } from '../../../detect/correlate/signal.ts';
import type { RuleInfo } from '../../../detect/match.ts';

export const HOUR = 3_600_000;
export const MIDNIGHT = Date.UTC(2026, 10, 23);
const STEP = 600_000;

export function ruleInfo(id: string, more: Partial<RuleInfo> = {}): RuleInfo {
  return {
    id,
    name: id,
    level: 'medium',
    kind: 'correlation',
    version: '1',
    pack: 'test',
    tags: [],
    scope: 'site',
    ...more,
  };
}

export interface Sample {
  rules: string[];
  event: string;
  t: number;
  user: string | string[];
  value: string | number;
  site: string;
}

/** Compiles definitions over the plain rules a, b and c. @throws the first refusal */
export function compileAll(
  definitions: readonly (Partial<CorrelationDefinition> & { type: string })[],
): Correlation[] {
  const { correlations, refused } = compileCorrelations({
    definitions: definitions.map((definition) => ({
      rule: ruleInfo(`c-${definition.type}`),
      rules: ['a', 'b', 'c'],
      group_by: ['user'],
      timespan_ms: HOUR,
      generate: false,
      ...definition,
    })),
    plain: new Set(['a', 'b', 'c']),
    retention_ms: 30 * 24 * HOUR,
  });
  if (refused[0]) throw refused[0].error;
  return correlations;
}

/** The signals of samples for the correlations whose rules they match. */
export function signalsOf(correlations: readonly Correlation[], samples: readonly Sample[]): Signal[] {
  return samples.flatMap((sample) =>
    correlations.flatMap((correlation) =>
      sample.rules
        .filter((rule) => correlation.rules.includes(rule))
        .flatMap((rule) =>
          makeSignals({
            correlation,
            rule,
            document: { user: sample.user, value: sample.value },
            event: sample.event,
            t: sample.t,
            tenant: 'acme',
            site: sample.site,
            describe: () => ({ event: sample.event }),
            count: () => undefined,
          }),
        ),
    ),
  );
}

/** Times in steps of ten minutes around a midnight: exact distances of T, ties and cuts come often. */
export const sampleSet = fc
  .uniqueArray(
    fc.record({
      event: fc.integer({ min: 0, max: 60 }),
      step: fc.integer({ min: -24, max: 24 }),
      rules: fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
      user: fc.constantFrom<string | string[]>('x', 'x', 'y', ['x', 'y']),
      value: fc.constantFrom<string | number>('1', 2, 'A', 'a', 0.1, -3, 1e15),
      site: fc.constantFrom('lyon', 'lyon', 'kyoto'),
    }),
    { selector: (sample) => sample.event, maxLength: 26 },
  )
  .map((samples): Sample[] =>
    samples.map(({ event, step, ...rest }) => ({
      ...rest,
      event: `e${String(event).padStart(2, '0')}`,
      t: MIDNIGHT + step * STEP,
    })),
  );

/** What sites tell in between: some of it long before the end, some never. */
export const toldSet = fc.array(
  fc
    .record({ site: fc.constantFrom('lyon', 'kyoto'), step: fc.integer({ min: -30, max: 400 }) })
    .map(({ site, step }) => ({ site, t: MIDNIGHT + step * STEP })),
  { maxLength: 6 },
);

const rule = (name: string): RuleCondition => ({ op: 'rule', rule: name });

const conditions: readonly RuleCondition[] = [
  { op: 'and', of: [rule('a'), rule('b'), { op: 'not', of: rule('c') }] },
  { op: 'or', of: [{ op: 'and', of: [rule('a'), rule('b')] }, rule('c')] },
  { op: 'and', of: [rule('a'), { op: 'not', of: { op: 'or', of: [rule('b'), rule('c')] } }] },
];

/** One correlation of every type, of both scopes, and some that are fed by others. */
export const correlationSet = fc
  .record({
    bound: fc.integer({ min: 0, max: 4 }),
    operator: fc.constantFrom('gt', 'gte', 'lt', 'lte', 'eq', 'neq'),
    hours: fc.constantFrom(0.5, 1, 30),
    scope: fc.constantFrom('site', 'fleet'),
    condition: fc.constantFrom(...conditions),
    generate: fc.boolean(),
    learn: fc.integer({ min: -30, max: 10 }),
  })
  .map(({ bound, operator, hours, scope, condition, generate, learn }) => {
    const timespan_ms = hours * HOUR;
    const info = (id: string): RuleInfo => ruleInfo(id, { scope });
    const bounds = [{ with: operator, value: bound }] as const;
    const base = { timespan_ms, bounds };
    const values = { ...base, fields: ['value'] };
    return [
      correlatePlainRule(ruleInfo('a', { kind: 'plain', scope }), ['user']),
      ...compileAll([
        { ...base, type: 'event_count', rule: info('count') },
        { ...values, type: 'value_count', rule: info('values') },
        { ...values, type: 'value_sum', rule: info('sum') },
        { ...values, type: 'value_avg', rule: info('mean') },
        { ...values, type: 'value_median', rule: info('median') },
        { ...values, type: 'value_percentile', percentile: 90, rule: info('percentile') },
        { type: 'temporal', timespan_ms, rule: info('together') },
        { type: 'temporal', timespan_ms, condition, rule: info('extended') },
        { type: 'temporal_ordered', timespan_ms, rule: info('ordered'), generate },
        {
          type: 'first_seen',
          timespan_ms,
          fields: ['value'],
          learn_until: MIDNIGHT + learn * STEP,
          rule: info('new'),
        },
        { type: 'absence', timespan_ms, rules: ['a', 'b'], rule: info('unanswered') },
        { type: 'beacon', beacon: { least: 3, score: 0.5 }, rule: info('regular') },
        {
          type: 'event_count',
          timespan_ms: 2 * timespan_ms,
          rules: ['unanswered', 'extended', 'c'],
          bounds: [{ with: 'gte', value: 2 }],
          rule: info('outer'),
        },
        {
          type: 'temporal',
          timespan_ms,
          group_by: [],
          rules: ['ordered', 'count'],
          generate,
          rule: info('wider'),
        },
        {
          type: 'event_count',
          timespan_ms: HOUR,
          rules: ['wider', 'outer'],
          group_by: [],
          bounds: [{ with: 'gte', value: 1 }],
          rule: info('outermost'),
        },
      ]),
    ];
  });
