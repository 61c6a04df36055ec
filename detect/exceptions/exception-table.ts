// Which exception hides a match: each exception's filter, mapped by the pipelines as the rule itself is, asked of matches only.
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Predicate } from '../../platform/core/expression/compile.ts';
import type { Match } from '../match.ts';
import { covers } from '../sigma/apply-filters.ts';
import { mapRule } from '../sigma/map-rule.ts';
import type { Pipeline } from '../sigma/pipelines/pipeline.ts';
import { type Problem, sigmaError, toProblem } from '../sigma/problem.ts';
import type { CorrelationRule, SigmaFilter, SigmaRule } from '../sigma/rule.ts';
import { compileSafely } from './compile-safely.ts';
import type { Exception } from './exception.ts';

export interface ExceptionTable {
  /** The first exception in force at `now` that hides the match; undefined when none does. Never throws. */
  suppressedBy(match: Match, now: number): Exception | undefined;
  /** Exceptions that are for a rule, whether in force or not. */
  exceptionsOf(rule: string): readonly Exception[];
  /** Ids of the rules that an exception is for. */
  rulesOf(exception: string): readonly string[];
  /** Exceptions that cannot work, as a whole or for one rule, and why. */
  readonly problems: readonly Problem[];
}

interface Bound {
  readonly exception: Exception;
  /** ms since the epoch; Infinity for one without an end. */
  readonly expires: number;
  /** Undefined for a filter that cannot be worked for this rule. */
  readonly keeps: Predicate | undefined;
}

/**
 * Sigma joins a filter's condition to the rule's by AND: what fails it is hidden. Asked after the match instead of
 * inside the rule, it can be counted, told apart and ended by the clock, and no rule is compiled again.
 */
export function buildExceptionTable(options: {
  exceptions: readonly Exception[];
  rules: readonly SigmaRule[];
  correlations: readonly CorrelationRule[];
  pipelines: readonly Pipeline[];
}): ExceptionTable {
  const { exceptions, rules, correlations, pipelines } = options;
  const problems: Problem[] = [];
  const byRule = new Map<string, Bound[]>();
  const byException = new Map<string, string[]>();
  for (const exception of exceptions) {
    const { filter } = exception;
    const about = { id: filter.id, title: filter.title };
    const expires = filter.expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(filter.expires);
    const chosen = chooseRules({ filter, rules, correlations, problems });
    byException.set(
      filter.id,
      chosen.map(({ id }) => id),
    );
    const keepsByShape = new Map<string, Predicate>();
    for (const rule of chosen) {
      let keeps: Predicate | undefined;
      try {
        keeps = compileFilter({ filter, rule, pipelines, known: keepsByShape });
      } catch (error) {
        problems.push(
          toProblem(
            sigmaError(errorCode(error), `for ${rule.title}: ${describeError(error)}`),
            filter.place,
            about,
          ),
        );
      }
      byRule.set(rule.id, [...(byRule.get(rule.id) ?? []), { exception, expires, keeps }]);
    }
  }
  return {
    suppressedBy({ rule, event }, now) {
      const bound = byRule.get(rule.id);
      if (!bound) return undefined;
      return bound.find(({ expires, keeps }) => now < expires && keeps !== undefined && !keeps(event))
        ?.exception;
    },
    exceptionsOf: (rule) => (byRule.get(rule) ?? []).map(({ exception }) => exception),
    rulesOf: (exception) => byException.get(exception) ?? [],
    problems,
  };
}

function chooseRules(options: {
  filter: SigmaFilter;
  rules: readonly SigmaRule[];
  correlations: readonly CorrelationRule[];
  problems: Problem[];
}): SigmaRule[] {
  const { filter, rules, correlations, problems } = options;
  const say = (code: string, message: string, place = filter.place): void => {
    problems.push(toProblem(sigmaError(code, message, place), place, { id: filter.id, title: filter.title }));
  };
  if (filter.rules === 'any') {
    const covered = rules.filter((rule) => covers(filter.logsource, rule.logsource));
    if (covered.length === 0) say('SIGMA_FILTER_NO_RULE', 'no rule has the logsource of the exception');
    return covered;
  }
  const chosen = new Map<string, SigmaRule>();
  for (const { reference, place } of filter.rules) {
    const wanted = reference.toLowerCase();
    const isNamed = ({ id, name }: { id: string; name?: string }): boolean =>
      id.toLowerCase() === wanted || name?.toLowerCase() === wanted;
    const named = rules.filter(isNamed);
    if (named.length === 0) {
      const correlation = correlations.find(isNamed);
      if (correlation)
        say(
          'EXCEPTION_CORRELATION',
          `\`${reference}\` joins other rules: name those of them that the exception is for (${correlation.rules.join(', ')})`,
          place,
        );
      else say('SIGMA_FILTER_UNKNOWN_RULE', `no rule in force has the id or name \`${reference}\``, place);
    }
    for (const rule of named) {
      if (covers(filter.logsource, rule.logsource)) chosen.set(rule.id, rule);
      else
        say(
          'SIGMA_FILTER_LOGSOURCE',
          `the exception's logsource does not cover that of \`${reference}\``,
          place,
        );
    }
  }
  return [...chosen.values()];
}

/** Rules whose pipelines make the same of a filter share one predicate. @throws PicketError SIGMA_PLACEHOLDER, SIGMA_PIPELINE */
function compileFilter(options: {
  filter: SigmaFilter;
  rule: SigmaRule;
  pipelines: readonly Pipeline[];
  known: Map<string, Predicate>;
}): Predicate {
  const { filter, rule, pipelines, known } = options;
  const stand: SigmaRule = { ...rule, selections: filter.selections, conditions: [filter.condition] };
  const { expression } = mapRule(stand, pipelines);
  const shape = JSON.stringify(expression);
  let keeps = known.get(shape);
  if (!keeps) {
    keeps = compileSafely(expression);
    known.set(shape, keeps);
  }
  return keeps;
}
