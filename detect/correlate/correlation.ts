// A correlation compiled for work: which rules feed it, how signals are keyed, and when a signal fires.
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../platform/core/canonical-json.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { RuleInfo } from '../match.ts';

/** The types of Sigma 2.1 (and ours) that this engine works. */
export const CORRELATION_TYPES = ['event_count', 'value_count', 'temporal', 'temporal_ordered'] as const;
export type CorrelationType = (typeof CORRELATION_TYPES)[number];

/** What a parsed correlation rule must say; names follow Sigma's specification, 2.1, Correlation Rules. */
export interface CorrelationDefinition {
  readonly rule: RuleInfo;
  readonly type: string;
  /** Ids of the rules whose matches are its signals; their order matters to `temporal_ordered`. */
  readonly rules: readonly string[];
  readonly group_by: readonly string[];
  /** Alias in group-by → rule id → field. */
  readonly aliases?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly timespan_ms: number;
  /** Bounds by Sigma's operator names: `gt`, `gte`, `lt`, `lte`, `eq`, `neq`. */
  readonly condition?: Readonly<Record<string, number>>;
  /** The field of `value_count`. */
  readonly fields?: readonly string[];
  /** True when the rules that feed it raise their own alerts as well. */
  readonly generate: boolean;
}

export interface Correlation {
  readonly rule: RuleInfo;
  readonly type: CorrelationType;
  readonly rules: readonly string[];
  readonly group_by: readonly string[];
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** T in milliseconds. */
  readonly timespan_ms: number;
  /** The least count (of signals, or of distinct values) that fires; unused for the temporal types. */
  readonly least: number;
  readonly field: string | undefined;
  /** Every signal fires by itself: nothing that comes later or earlier changes it. */
  readonly alwaysFires: boolean;
  /** A plain rule keeps a signal although a key field is absent; a correlation makes none (SEMANTICS, Correlation). */
  readonly optionalKey: boolean;
  /** Hash of what decides keys and firing: signals of another logic are never mixed with these. */
  readonly identity: string;
}

/** The timespan of a plain rule: it behaves as `event_count gte 1` over its entity fields within this. */
export const PLAIN_TIMESPAN_MS = 3_600_000;

/** A list in a group-by field makes one key an element, at most this many. */
export const MAX_KEYS = 64;

/**
 * Checks and compiles a correlation rule.
 * @throws PicketError CORRELATION_UNSUPPORTED (a type or condition this engine does not work),
 * CORRELATION_TIMESPAN (zero, negative or above `retention_ms`), CORRELATION_INVALID (nothing to correlate,
 * a missing field or bound), CORRELATION_RULE_MISSING (a rule that is not among `known`)
 */
export function compileCorrelation(options: {
  definition: CorrelationDefinition;
  known: ReadonlySet<string>;
  retention_ms: number;
}): Correlation {
  const { definition, known, retention_ms } = options;
  const { rule, type, timespan_ms } = definition;
  const refuse = (code: string, message: string): PicketError =>
    new PicketError({
      code,
      message: `correlation ${rule.id}: ${message}`,
      place: { at: `rule ${rule.id}` },
    });
  if (!isCorrelationType(type)) throw refuse('CORRELATION_UNSUPPORTED', `type ${type} is not worked`);
  if (definition.rules.length === 0) throw refuse('CORRELATION_INVALID', 'it names no rules');
  for (const id of definition.rules) {
    if (id === rule.id) throw refuse('CORRELATION_CYCLE', 'it refers to itself');
    if (!known.has(id))
      throw refuse('CORRELATION_RULE_MISSING', `rule ${id} is not loaded or is no plain rule`);
  }
  if (!Number.isFinite(timespan_ms) || timespan_ms <= 0)
    throw refuse('CORRELATION_TIMESPAN', 'its timespan is not above zero');
  if (timespan_ms > retention_ms)
    throw refuse(
      'CORRELATION_TIMESPAN',
      `its timespan (${timespan_ms} ms) is above the retention of signals (${retention_ms} ms)`,
    );
  const counts = type === 'event_count' || type === 'value_count';
  const bounds = Object.entries(definition.condition ?? {});
  let least = 1;
  if (counts) {
    const [bound, ...more] = bounds;
    if (!bound) throw refuse('CORRELATION_INVALID', 'it has no condition');
    const [operator, number] = bound;
    if (more.length > 0 || (operator !== 'gt' && operator !== 'gte'))
      throw refuse(
        'CORRELATION_UNSUPPORTED',
        `condition ${bounds.map(([name]) => name).join(' and ')} is not worked`,
      );
    if (!Number.isFinite(number)) throw refuse('CORRELATION_INVALID', 'its bound is not a number');
    least = Math.max(1, operator === 'gt' ? Math.floor(number) + 1 : Math.ceil(number));
  } else if (bounds.length > 0)
    throw refuse('CORRELATION_UNSUPPORTED', `a condition on ${type} is not worked`);
  const fields = definition.fields ?? [];
  if (type === 'value_count' && fields.length !== 1)
    throw refuse(
      fields.length === 0 ? 'CORRELATION_INVALID' : 'CORRELATION_UNSUPPORTED',
      'value_count takes exactly one field',
    );
  const aliases = definition.aliases ?? {};
  const logic = {
    type,
    rules: definition.rules,
    group_by: definition.group_by,
    aliases,
    timespan_ms,
    least,
    fields,
  };
  return {
    rule,
    type,
    rules: definition.rules,
    group_by: definition.group_by,
    aliases,
    timespan_ms,
    least,
    field: type === 'value_count' ? fields[0] : undefined,
    alwaysFires:
      (type === 'event_count' && least === 1) ||
      (!counts && new Set(definition.rules).size === 1 && definition.rules.length === 1),
    optionalKey: false,
    identity: identify(rule, logic),
  };
}

/** A plain rule as the correlation that its alerts are: `event_count gte 1` over the given entity fields in one hour. */
export function correlatePlainRule(rule: RuleInfo, entityFields: readonly string[]): Correlation {
  return {
    rule,
    type: 'event_count',
    rules: [rule.id],
    group_by: entityFields,
    aliases: {},
    timespan_ms: PLAIN_TIMESPAN_MS,
    least: 1,
    field: undefined,
    alwaysFires: true,
    optionalKey: true,
    identity: identify(rule, { plain: entityFields }),
  };
}

function isCorrelationType(type: string): type is CorrelationType {
  return CORRELATION_TYPES.some((known) => known === type);
}

function identify(rule: RuleInfo, logic: object): string {
  return createHash('sha256')
    .update(canonicalJson({ id: rule.id, scope: rule.scope, logic }))
    .digest('base64url')
    .slice(0, 22);
}
