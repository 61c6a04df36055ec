// A correlation compiled for work: which rules feed it, how signals are keyed, and when a signal fires.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../platform/core/canonical-json.ts';
import type { RuleInfo } from '../match.ts';

/** The types of Sigma 2.1 and, from `first_seen` on, ours (docs/correlation.md). */
export const CORRELATION_TYPES = [
  'event_count',
  'value_count',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
  'temporal',
  'temporal_ordered',
  'first_seen',
  'absence',
  'beacon',
] as const;
export type CorrelationType = (typeof CORRELATION_TYPES)[number];

/** Sigma's comparison operators of a correlation's condition. */
export const BOUND_OPERATORS = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'] as const;
export type BoundOperator = (typeof BOUND_OPERATORS)[number];

export interface Bound {
  readonly with: BoundOperator;
  readonly value: number;
}

/** An extended condition: which of the rules stand in W(e). */
export type RuleCondition =
  | { readonly op: 'rule'; readonly rule: string }
  | { readonly op: 'and' | 'or'; readonly of: readonly RuleCondition[] }
  | { readonly op: 'not'; readonly of: RuleCondition };

/** `beacon`: at least so many distinct times a day, and a regularity from 0 to 1. */
export interface BeaconBounds {
  readonly least: number;
  readonly score: number;
}

/** What a parsed correlation rule must say; names follow Sigma's specification, 2.1, Correlation Rules. */
export interface CorrelationDefinition {
  readonly rule: RuleInfo;
  readonly type: string;
  /**
   * Ids of the rules whose matches (or, of a correlation, whose firing points) are its signals; their order
   * matters to `temporal_ordered`; `absence` takes two: what happened, and what did not follow.
   */
  readonly rules: readonly string[];
  readonly group_by: readonly string[];
  /** Alias in group-by → rule id → field. */
  readonly aliases?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly timespan_ms: number;
  readonly bounds?: readonly Bound[];
  /** Extended condition of `temporal`, over rule ids. */
  readonly condition?: RuleCondition;
  /** The fields of the value types and of `first_seen`. */
  readonly fields?: readonly string[];
  /** `value_percentile`, 0 to 100. */
  readonly percentile?: number;
  /** `first_seen`: nothing before this time (ms since the epoch) is new. */
  readonly learn_until?: number;
  readonly beacon?: BeaconBounds;
  /** True when the rules that feed it raise their own alerts as well. */
  readonly generate: boolean;
}

export interface Correlation {
  readonly rule: RuleInfo;
  readonly type: CorrelationType;
  readonly rules: readonly string[];
  /** Ids of the plain rules behind `rules`: whose events an alert shows. */
  readonly inputs: readonly string[];
  readonly group_by: readonly string[];
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** T in milliseconds; N of `first_seen`; a day for `beacon`. */
  readonly timespan_ms: number;
  /** Firing points at most this far apart (ms) are one episode: T, or an hour for `first_seen`. */
  readonly join_ms: number;
  readonly bounds: readonly Bound[];
  /** Judged per window [kT, (k+1)T) once `as_of` passes its end: an upper bound holds only when nothing more can come. */
  readonly windowed: boolean;
  readonly condition: RuleCondition | undefined;
  readonly fields: readonly string[];
  readonly percentile: number | undefined;
  readonly learn_until: number;
  readonly beacon: BeaconBounds | undefined;
  /** Every signal fires by itself: nothing that comes later or earlier changes it. */
  readonly alwaysFires: boolean;
  /** A plain rule keeps a signal although a key field is absent; a correlation makes none (SEMANTICS, Correlation). */
  readonly optionalKey: boolean;
  /** It only feeds others that do not ask for its own alerts (Sigma Correlation Rules, generate). */
  readonly silent: boolean;
  /** Hash of what decides keys and firing: signals of another logic are never mixed with these. */
  readonly identity: string;
}

/** The timespan of a plain rule: it behaves as `event_count gte 1` over its entity fields within this. */
export const PLAIN_TIMESPAN_MS = 3_600_000;

export const DAY_MS = 86_400_000;

/** A list in a group-by field makes one key an element, at most this many. */
export const MAX_KEYS = 64;

/** Types that take numbers from their fields. */
export function isNumeric(type: CorrelationType): boolean {
  return (
    type === 'value_sum' || type === 'value_avg' || type === 'value_percentile' || type === 'value_median'
  );
}

/** Whether a figure meets all bounds. */
export function meetsBounds(figure: number, bounds: readonly Bound[]): boolean {
  return bounds.every((bound) => compareTo(figure - bound.value, bound.with));
}

/** Whether a difference (figure minus bound, only its sign counts) satisfies an operator. */
export function compareTo(difference: number, operator: BoundOperator): boolean {
  switch (operator) {
    case 'gt':
      return difference > 0;
    case 'gte':
      return difference >= 0;
    case 'lt':
      return difference < 0;
    case 'lte':
      return difference <= 0;
    case 'eq':
      return difference === 0;
    case 'neq':
      return difference !== 0;
  }
}

/** A plain rule as the correlation that its alerts are: `event_count gte 1` over the given entity fields in one hour. */
export function correlatePlainRule(rule: RuleInfo, entityFields: readonly string[]): Correlation {
  return {
    rule,
    type: 'event_count',
    rules: [rule.id],
    inputs: [rule.id],
    group_by: entityFields,
    aliases: {},
    timespan_ms: PLAIN_TIMESPAN_MS,
    join_ms: PLAIN_TIMESPAN_MS,
    bounds: [{ with: 'gte', value: 1 }],
    windowed: false,
    condition: undefined,
    fields: [],
    percentile: undefined,
    learn_until: 0,
    beacon: undefined,
    alwaysFires: true,
    optionalKey: true,
    silent: false,
    identity: identify(rule, { plain: entityFields }),
  };
}

/** 128 bits of SHA-256 over what decides keys and firing, base64url. */
export function identify(rule: RuleInfo, logic: object): string {
  return createHash('sha256')
    .update(canonicalJson({ id: rule.id, scope: rule.scope, logic }))
    .digest('base64url')
    .slice(0, 22);
}
