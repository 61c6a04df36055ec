// Turns a parsed Sigma correlation rule into a definition to compile: names become ids.
import type { RuleInfo } from '../match.ts';
import type { Condition, CorrelationRule } from '../sigma/rule.ts';
import type { CorrelationDefinition, RuleCondition } from './correlation.ts';

/** `info` is the rule as alerts carry it; `idOf` gives the id of a loaded rule by its id or name. */
export function readCorrelationRule(options: {
  rule: CorrelationRule;
  info: RuleInfo;
  idOf: (reference: string) => string | undefined;
}): CorrelationDefinition {
  const { rule, info, idOf } = options;
  const resolve = (reference: string): string => idOf(reference) ?? reference;
  const condition = rule.extended && resolveNames(rule.extended, resolve);
  // The specification lets an extended condition stand without `rules`: then its names are the rules.
  const rules = rule.rules.length > 0 || !condition ? rule.rules.map(resolve) : [...namesOf(condition)];
  return {
    rule: info,
    type: rule.type,
    rules,
    group_by: rule.groupBy,
    aliases: Object.fromEntries(
      Object.entries(rule.aliases).map(([alias, fields]) => [
        alias,
        Object.fromEntries(Object.entries(fields).map(([reference, field]) => [resolve(reference), field])),
      ]),
    ),
    timespan_ms: rule.timespan_ms,
    bounds: rule.condition,
    ...(condition ? { condition } : {}),
    fields: rule.field,
    ...(rule.percentile === undefined ? {} : { percentile: rule.percentile }),
    ...(rule.learn_until === undefined ? {} : { learn_until: rule.learn_until }),
    ...(rule.beacon === undefined ? {} : { beacon: rule.beacon }),
    generate: rule.generate,
  };
}

function resolveNames(condition: Condition, resolve: (reference: string) => string): RuleCondition {
  switch (condition.op) {
    case 'selection':
      return { op: 'rule', rule: resolve(condition.name) };
    case 'not':
      return { op: 'not', of: resolveNames(condition.of, resolve) };
    default:
      return { op: condition.op, of: condition.of.map((part) => resolveNames(part, resolve)) };
  }
}

function namesOf(condition: RuleCondition): Set<string> {
  if (condition.op === 'rule') return new Set([condition.rule]);
  if (condition.op === 'not') return namesOf(condition.of);
  return new Set(condition.of.flatMap((part) => [...namesOf(part)]));
}
