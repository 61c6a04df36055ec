// Runs a rule through pipelines: each item whose conditions hold changes the rule's detections, logsource or state.

import { sigmaError } from '../problem.ts';
import type { Condition, DetectionItem, DetectionNode, Logsource, SigmaRule, SigmaValue } from '../rule.ts';
import { parseSigmaText } from '../sigma-text.ts';
import {
  conditionsHold,
  fieldConditionHolds,
  itemConditionHolds,
  ruleConditionHolds,
  type WorkItem,
  type WorkRule,
} from './conditions.ts';
import { mapField } from './map-field.ts';
import { type Pipeline, type PipelineItem, sortPipelines } from './pipeline.ts';
import { transformValues } from './transform-values.ts';

/** The rule's parts after all pipelines, in order of priority. @throws PicketError SIGMA_PIPELINE with the rule's place */
export function applyPipelines(rule: SigmaRule, pipelines: readonly Pipeline[]): WorkRule {
  const work: WorkRule = {
    rule,
    logsource: rule.logsource,
    selections: new Map(rule.selections),
    conditions: rule.conditions,
    state: new Map(),
    applied: new Set(),
    fieldApplied: new Map(),
  };
  const sorted = sortPipelines(pipelines);
  const vars = Object.assign({}, ...sorted.map((pipeline) => pipeline.vars)) as Pipeline['vars'];
  for (const pipeline of sorted) {
    for (const item of pipeline.items) applyItem({ item, work, vars, pipeline });
  }
  return work;
}

function applyItem(options: {
  item: PipelineItem;
  work: WorkRule;
  vars: Pipeline['vars'];
  pipeline: Pipeline;
}): void {
  const { item, work, vars, pipeline } = options;
  if (!conditionsHold(item.rule, (condition) => ruleConditionHolds(condition, work))) return;
  if (item.id !== undefined) work.applied.add(item.id);
  const { transformation } = item;
  switch (transformation.type) {
    case 'add_condition':
      addCondition(work, transformation, item);
      return;
    case 'change_logsource': {
      const { type: _, ...parts } = transformation;
      work.logsource = Object.fromEntries(
        Object.entries(parts).flatMap(([key, value]) => (value ? [[key, value.toLowerCase()]] : [])),
      ) as Logsource;
      return;
    }
    case 'set_state':
      work.state.set(transformation.key, transformation.val);
      return;
    case 'rule_failure':
      throw sigmaError(
        'SIGMA_PIPELINE',
        `${transformation.message} (pipeline ${pipeline.name})`,
        work.rule.place,
      );
    case 'strict_field_mapping_failure':
      throwUnmapped(work, pipeline);
      return;
    default:
      break;
  }
  for (const [name, node] of work.selections) {
    const changed = changeNode(node, (detection) => changeItem({ detection, item, work, vars }));
    if (changed) work.selections.set(name, changed);
    else dropSelection(work, name);
  }
}

function changeItem(options: {
  detection: WorkItem;
  item: PipelineItem;
  work: WorkRule;
  vars: Pipeline['vars'];
}): DetectionNode | undefined {
  const { detection, item, work, vars } = options;
  const { transformation } = item;
  if (!conditionsHold(item.detectionItem, (condition) => itemConditionHolds(condition, detection, work))) {
    return detection;
  }
  const fieldHolds = (field: string | undefined): boolean =>
    conditionsHold(item.fieldName, (condition) => fieldConditionHolds(condition, field, work));
  const renames = transformation.type.startsWith('field_name_');
  if (renames) return mapField({ detection, transformation, fieldHolds, work, id: item.id });
  if (!fieldHolds(detection.field)) return detection;
  if (transformation.type === 'drop_detection_item') return undefined;
  if (transformation.type === 'detection_item_failure') {
    throw sigmaError('SIGMA_PIPELINE', transformation.message, detection.place);
  }
  const values = transformValues({ detection, transformation, vars });
  if (values === detection.values) return detection;
  return {
    ...detection,
    values,
    ...(item.id === undefined ? {} : { applied: [...(detection.applied ?? []), item.id] }),
  } as DetectionItem;
}

/** Undefined when nothing is left of the node. */
function changeNode(
  node: DetectionNode,
  change: (item: DetectionItem) => DetectionNode | undefined,
): DetectionNode | undefined {
  if (node.kind === 'item') return change(node);
  const of = node.of.flatMap((part) => changeNode(part, change) ?? []);
  return of.length === 0 ? undefined : { ...node, of };
}

/** A selection of which nothing is left goes from the conditions too; a condition of nothing holds always, as in pySigma. */
function dropSelection(work: WorkRule, name: string): void {
  work.selections.delete(name);
  const prune = (condition: Condition): Condition | undefined => {
    if (condition.op === 'selection') return condition.name === name ? undefined : condition;
    if (condition.op === 'not') {
      const inner = prune(condition.of);
      return inner && { op: 'not', of: inner };
    }
    const of = condition.of.flatMap((part) => prune(part) ?? []);
    return of.length === 0 ? undefined : { ...condition, of };
  };
  work.conditions = work.conditions.flatMap((condition) => prune(condition) ?? []);
  if (work.conditions.length === 0) {
    throw sigmaError('SIGMA_PIPELINE', 'the pipelines left nothing of the rule', work.rule.place);
  }
}

function addCondition(
  work: WorkRule,
  transformation: Extract<PipelineItem['transformation'], { type: 'add_condition' }>,
  item: PipelineItem,
): void {
  const fill = (text: string): string =>
    transformation.template
      ? text.replaceAll(
          /\$(?:\{(category|product|service)\}|(category|product|service))/g,
          (_, a?: 'category', b?: 'category') => work.logsource[a ?? b ?? 'category'] ?? '',
        )
      : text;
  const toValue = (value: string | number | boolean | null): SigmaValue =>
    value === null
      ? { type: 'null' }
      : typeof value === 'string'
        ? { type: 'text', text: parseSigmaText(fill(value)) }
        : typeof value === 'number'
          ? { type: 'number', value }
          : { type: 'boolean', value };
  const of = Object.entries(transformation.conditions).map(
    ([field, value]): DetectionItem => ({
      kind: 'item',
      field,
      modifiers: [],
      values: (Array.isArray(value) ? value : [value]).map(toValue),
      linking: 'any',
      negated: false,
      place: item.place,
    }),
  );
  const name = transformation.name ?? `_added_${work.selections.size}`;
  work.selections.set(name, { kind: 'group', linking: 'all', of });
  const selection: Condition = { op: 'selection', name };
  const added: Condition = transformation.negated ? { op: 'not', of: selection } : selection;
  work.conditions = work.conditions.map((condition) => ({ op: 'and', of: [added, condition] }));
}

function throwUnmapped(work: WorkRule, pipeline: Pipeline): void {
  const visit = (node: DetectionNode): void => {
    if (node.kind === 'group') return node.of.forEach(visit);
    if (node.field !== undefined && !work.fieldApplied.has(node.field)) {
      throw sigmaError(
        'SIGMA_PIPELINE',
        `no mapping for field \`${node.field}\` (pipeline ${pipeline.name})`,
        node.place,
      );
    }
  };
  work.selections.forEach(visit);
}
