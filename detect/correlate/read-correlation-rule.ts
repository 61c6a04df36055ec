// Turns a parsed Sigma correlation rule into a definition to compile: names become ids, bounds one record.
import { PicketError } from '../../platform/core/errors.ts';
import type { RuleInfo } from '../match.ts';
import type { CorrelationRule } from '../sigma/rule.ts';
import type { CorrelationDefinition } from './correlation.ts';

/**
 * `info` is the rule as alerts carry it; `idOf` gives the id of a loaded rule by its id or name.
 * @throws PicketError CORRELATION_UNSUPPORTED for an extended condition or two bounds of one operator
 */
export function readCorrelationRule(options: {
  rule: CorrelationRule;
  info: RuleInfo;
  idOf: (reference: string) => string | undefined;
}): CorrelationDefinition {
  const { rule, info, idOf } = options;
  const resolve = (reference: string): string => idOf(reference) ?? reference;
  const refuse = (message: string): PicketError =>
    new PicketError({ code: 'CORRELATION_UNSUPPORTED', message, place: rule.place });
  if (rule.extended) throw refuse('an extended condition is not worked');
  const condition: Record<string, number> = {};
  for (const bound of rule.condition) {
    if (bound.with in condition) throw refuse(`two bounds ${bound.with}`);
    condition[bound.with] = bound.value;
  }
  return {
    rule: info,
    type: rule.type,
    rules: rule.rules.map(resolve),
    group_by: rule.groupBy,
    aliases: Object.fromEntries(
      Object.entries(rule.aliases).map(([alias, fields]) => [
        alias,
        Object.fromEntries(Object.entries(fields).map(([reference, field]) => [resolve(reference), field])),
      ]),
    ),
    timespan_ms: rule.timespan_ms,
    condition,
    fields: rule.field,
    generate: rule.generate,
  };
}
