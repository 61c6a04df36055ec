// Compiles correlation rules, inner ones before those they feed, and refuses what cannot be worked with a code and place.
import { PicketError } from '../../platform/core/errors.ts';
import {
  type Bound,
  CORRELATION_TYPES,
  type Correlation,
  type CorrelationDefinition,
  type CorrelationType,
  DAY_MS,
  identify,
  isNumeric,
  meetsBounds,
  PLAIN_TIMESPAN_MS,
  type RuleCondition,
} from './correlation.ts';

/** One definition that was not taken. */
export interface RefusedDefinition {
  readonly definition: CorrelationDefinition;
  readonly error: unknown;
}

interface Known {
  /** Ids of loaded plain rules. */
  readonly plain: ReadonlySet<string>;
  /** Compiled correlations by rule id. */
  readonly inner: ReadonlyMap<string, Correlation>;
  readonly retention_ms: number;
}

/**
 * Compiles all definitions that can be. A correlation may refer to others (Sigma Correlation Rules, rules);
 * one that refers to itself, over however many others, is refused, and so is what refers to a refused one.
 */
export function compileCorrelations(options: {
  definitions: readonly CorrelationDefinition[];
  /** Ids of loaded plain rules. */
  plain: ReadonlySet<string>;
  /** How long signals are kept; no timespan may be longer. */
  retention_ms: number;
}): { correlations: Correlation[]; refused: RefusedDefinition[] } {
  const { definitions, plain, retention_ms } = options;
  const waiting = new Map(definitions.map((definition) => [definition.rule.id, definition]));
  const inner = new Map<string, Correlation>();
  const refused: RefusedDefinition[] = [];
  const visit = (definition: CorrelationDefinition, path: readonly string[]): void => {
    const { id } = definition.rule;
    if (!waiting.has(id)) return;
    const below = [...path, id];
    for (const name of definition.rules) {
      if (below.includes(name)) {
        waiting.delete(id);
        const error = refuse(
          definition,
          'CORRELATION_CYCLE',
          name === id ? 'it refers to itself' : `it refers to itself over ${name}`,
        );
        refused.push({ definition, error });
        return;
      }
      const next = waiting.get(name);
      if (next) visit(next, below);
    }
    // A deeper visit may have refused it already.
    if (!waiting.delete(id)) return;
    try {
      inner.set(id, compileCorrelation({ definition, known: { plain, inner, retention_ms } }));
    } catch (error) {
      refused.push({ definition, error });
    }
  };
  for (const definition of definitions) visit(definition, []);
  const taken = definitions.filter(({ rule }) => inner.has(rule.id));
  const silent = ({ rule }: Correlation): boolean => {
    const outer = taken.filter(({ rules }) => rules.includes(rule.id));
    return outer.length > 0 && !outer.some(({ generate }) => generate);
  };
  return { correlations: [...inner.values()].map((one) => ({ ...one, silent: silent(one) })), refused };
}

/**
 * Checks and compiles one correlation rule.
 * @throws PicketError CORRELATION_UNSUPPORTED (a type that is not worked), CORRELATION_TIMESPAN (zero, negative
 * or above the retention), CORRELATION_INVALID (nothing to correlate, a missing field or bound, a condition that
 * nothing makes true), CORRELATION_RULE_MISSING (a rule that is not loaded)
 */
export function compileCorrelation(options: {
  definition: CorrelationDefinition;
  known: Known;
}): Correlation {
  const { definition, known } = options;
  const { rule, timespan_ms } = definition;
  const type = checkType(definition);
  checkRules(definition, known);
  if (!Number.isFinite(timespan_ms) || timespan_ms <= 0)
    throw refuse(definition, 'CORRELATION_TIMESPAN', 'its timespan is not above zero');
  if (timespan_ms > known.retention_ms)
    throw refuse(
      definition,
      'CORRELATION_TIMESPAN',
      `its timespan (${timespan_ms} ms) is above the retention of signals (${known.retention_ms} ms)`,
    );
  const bounds = readBounds(definition, type);
  const fields = readFields(definition, type);
  const condition = type === 'temporal' ? readCondition(definition) : undefined;
  const percentile = type === 'value_median' ? 50 : definition.percentile;
  if (type === 'value_percentile' && !(percentile !== undefined && percentile >= 0 && percentile <= 100))
    throw refuse(definition, 'CORRELATION_INVALID', 'its percentile is not from 0 to 100');
  const { beacon } = definition;
  if (type === 'beacon' && !(beacon && beacon.least >= 3 && beacon.score > 0 && beacon.score <= 1))
    throw refuse(
      definition,
      'CORRELATION_INVALID',
      'beacon needs at least three times and a regularity above 0, up to 1',
    );
  const learn_until = definition.learn_until ?? 0;
  if (type === 'first_seen' && !Number.isFinite(learn_until))
    throw refuse(definition, 'CORRELATION_INVALID', 'first_seen needs the time until which it learns');
  const windowed = bounds.some(({ with: operator }) => operator !== 'gt' && operator !== 'gte');
  const aliases = definition.aliases ?? {};
  const inner = definition.rules.flatMap((id) => known.inner.get(id) ?? []);
  const alwaysFires =
    !windowed &&
    ((type === 'event_count' && meetsBounds(1, bounds)) ||
      (type === 'temporal' && condition === undefined && new Set(definition.rules).size === 1) ||
      (type === 'temporal_ordered' && definition.rules.length === 1));
  return {
    rule,
    type,
    rules: definition.rules,
    inputs: [
      ...new Set([
        ...definition.rules.filter((id) => !known.inner.has(id)),
        ...inner.flatMap(({ inputs }) => inputs),
      ]),
    ],
    group_by: definition.group_by,
    aliases,
    timespan_ms: type === 'beacon' ? DAY_MS : timespan_ms,
    join_ms: type === 'first_seen' ? PLAIN_TIMESPAN_MS : type === 'beacon' ? DAY_MS : timespan_ms,
    bounds,
    windowed,
    condition,
    fields,
    percentile,
    learn_until,
    beacon: type === 'beacon' ? beacon : undefined,
    alwaysFires,
    optionalKey: false,
    silent: false,
    identity: identify(rule, {
      type,
      rules: definition.rules,
      inner: inner.map(({ identity }) => identity),
      group_by: definition.group_by,
      aliases,
      timespan_ms,
      bounds,
      condition,
      fields,
      percentile,
      learn_until,
      beacon,
    }),
  };
}

function refuse({ rule }: CorrelationDefinition, code: string, message: string): PicketError {
  return new PicketError({
    code,
    message: `correlation ${rule.id}: ${message}`,
    place: { at: `rule ${rule.id}` },
  });
}

function checkType(definition: CorrelationDefinition): CorrelationType {
  const type = CORRELATION_TYPES.find((known) => known === definition.type);
  if (!type) throw refuse(definition, 'CORRELATION_UNSUPPORTED', `type ${definition.type} is not worked`);
  return type;
}

function checkRules(definition: CorrelationDefinition, { plain, inner }: Known): void {
  if (definition.rules.length === 0) throw refuse(definition, 'CORRELATION_INVALID', 'it names no rules');
  for (const id of definition.rules) {
    const found = inner.get(id);
    if (!found && !plain.has(id))
      throw refuse(definition, 'CORRELATION_RULE_MISSING', `rule ${id} is not loaded`);
    if (!found) continue;
    if (found.rule.scope === 'fleet' && definition.rule.scope === 'site')
      throw refuse(
        definition,
        'CORRELATION_INVALID',
        `correlation ${id} is of scope fleet, this one of site`,
      );
    // Its firing points carry the inner key and nothing else of an event.
    for (const name of [...definition.group_by, ...(definition.fields ?? [])]) {
      const field = definition.aliases?.[name]?.[id] ?? name;
      if (!found.group_by.includes(field) && field !== 'picket.site.id')
        throw refuse(
          definition,
          'CORRELATION_INVALID',
          `${field} is not in the group-by of correlation ${id}, so its firing points do not have it`,
        );
    }
  }
  if (definition.type === 'absence' && new Set(definition.rules).size !== 2)
    throw refuse(
      definition,
      'CORRELATION_INVALID',
      'absence takes two rules: what happened, what did not follow',
    );
}

function readBounds(definition: CorrelationDefinition, type: CorrelationType): readonly Bound[] {
  const bounds = definition.bounds ?? [];
  const counts = type === 'event_count' || type.startsWith('value_');
  if (!counts && bounds.length > 0)
    throw refuse(definition, 'CORRELATION_INVALID', `${type} takes no bound such as ${bounds[0]?.with}`);
  if (counts && bounds.length === 0) throw refuse(definition, 'CORRELATION_INVALID', 'it has no condition');
  if (bounds.some(({ value }) => !Number.isFinite(value)))
    throw refuse(definition, 'CORRELATION_INVALID', 'its bound is not a number');
  return bounds;
}

function readFields(definition: CorrelationDefinition, type: CorrelationType): readonly string[] {
  const fields = definition.fields ?? [];
  if ((type.startsWith('value_') || type === 'first_seen') && fields.length === 0)
    throw refuse(definition, 'CORRELATION_INVALID', `${type} needs a field`);
  if (isNumeric(type) && fields.length > 1)
    throw refuse(definition, 'CORRELATION_INVALID', `${type} takes exactly one field`);
  return fields;
}

/** More rules in one extended condition than this are refused: whether anything makes it true is found by trying. */
const MAX_CONDITION_RULES = 16;

function readCondition(definition: CorrelationDefinition): RuleCondition | undefined {
  const { condition } = definition;
  if (!condition) return undefined;
  const positive = [...rulesOutsideNot(condition)];
  const named = [...new Set(definition.rules)];
  const strangers = namesIn(condition).filter((name) => !named.includes(name));
  if (strangers.length > 0)
    throw refuse(
      definition,
      'CORRELATION_INVALID',
      `its condition names ${strangers[0]}, which is none of its rules`,
    );
  if (named.length > MAX_CONDITION_RULES)
    throw refuse(
      definition,
      'CORRELATION_INVALID',
      `an extended condition takes at most ${MAX_CONDITION_RULES} rules`,
    );
  for (let bits = 1; bits < 2 ** named.length; bits++) {
    const present = new Set(named.filter((_, at) => (bits >> at) % 2 === 1));
    if (positive.some((name) => present.has(name)) && holdsFor(condition, present)) return condition;
  }
  throw refuse(definition, 'CORRELATION_INVALID', 'nothing makes its condition true');
}

function namesIn(condition: RuleCondition): string[] {
  if (condition.op === 'rule') return [condition.rule];
  return condition.op === 'not' ? namesIn(condition.of) : condition.of.flatMap(namesIn);
}

/** The rules whose signals can fire: those that stand somewhere not under `not`. */
export function rulesOutsideNot(condition: RuleCondition, negated = false): Set<string> {
  if (condition.op === 'rule') return new Set(negated ? [] : [condition.rule]);
  if (condition.op === 'not') return rulesOutsideNot(condition.of, !negated);
  return new Set(condition.of.flatMap((part) => [...rulesOutsideNot(part, negated)]));
}

/** Whether the condition holds when exactly these rules are present. */
export function holdsFor(condition: RuleCondition, present: { has(rule: string): boolean }): boolean {
  switch (condition.op) {
    case 'rule':
      return present.has(condition.rule);
    case 'not':
      return !holdsFor(condition.of, present);
    case 'and':
      return condition.of.every((part) => holdsFor(part, present));
    case 'or':
      return condition.of.some((part) => holdsFor(part, present));
  }
}
