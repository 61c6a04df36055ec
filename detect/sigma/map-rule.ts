// A rule through its pipelines to expressions over the target's fields.
import { anyOf } from '../../platform/core/expression/expression.ts';
import { buildCondition, buildDetection } from './build-expression.ts';
import { applyPipelines } from './pipelines/apply-pipelines.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import type { Condition, MappedRule, SigmaRule } from './rule.ts';

/** @throws PicketError SIGMA_PIPELINE (a rule failure or an error of a transformation), SIGMA_PLACEHOLDER */
export function mapRule(rule: SigmaRule, pipelines: readonly Pipeline[]): MappedRule {
  const work = applyPipelines(rule, pipelines);
  const selections = new Map(
    [...work.selections].map(([name, node]) => [name, buildDetection(node)] as const),
  );
  const conditions = work.conditions.map((condition) => buildCondition(condition, selections));
  const condition: Condition =
    work.conditions.length === 1 ? (work.conditions[0] as Condition) : { op: 'or', of: work.conditions };
  return {
    rule,
    logsource: work.logsource,
    selections,
    condition,
    expression: anyOf(conditions),
    fields: work.fields,
  };
}
