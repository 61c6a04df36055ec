// Runs a rule through pipelines: each item whose conditions hold changes the rule's detections, logsource or state.

import { sigmaError } from '../problem.ts';
import type { Condition, DetectionItem, DetectionNode, Logsource, SigmaRule } from '../rule.ts';
import { addCondition } from './add-condition.ts';
import { holds } from './condition-tree.ts';
import { mapField, mapFieldList } from './map-field.ts';
import { type Pipeline, type PipelineItem, sortPipelines } from './pipeline.ts';
import { markApplied } from './replace-item.ts';
import { extractFields, splitHashes } from './split-item.ts';
import { transformValues } from './transform-values.ts';
import type { Transformation } from './transformations.ts';
import {
  fieldConditionHolds,
  itemConditionHolds,
  ruleConditionHolds,
  type WorkItem,
  type WorkRule,
} from './work-rule.ts';

/** The rule's parts after all pipelines, in order of priority. @throws PicketError SIGMA_PIPELINE with the rule's place */
export function applyPipelines(rule: SigmaRule, pipelines: readonly Pipeline[]): WorkRule {
  const work: WorkRule = {
    rule,
    logsource: rule.logsource,
    selections: new Map(rule.selections),
    conditions: rule.conditions,
    fields: rule.fields,
    state: new Map(),
    attributes: new Map(),
    applied: new Set(),
    fieldApplied: new Map(),
    mapped: new Set(),
  };
  const sorted = sortPipelines(pipelines);
  const vars = Object.assign({}, ...sorted.map((pipeline) => pipeline.vars)) as Pipeline['vars'];
  for (const pipeline of sorted) {
    for (const item of pipeline.items) applyItem({ item, work, vars, pipeline: pipeline.name });
  }
  return work;
}

interface Step {
  readonly item: PipelineItem;
  readonly work: WorkRule;
  readonly vars: Pipeline['vars'];
  readonly pipeline: string;
}

function applyItem(step: Step): void {
  const { item, work } = step;
  if (!holds(item.rule, (condition) => ruleConditionHolds(condition, work))) return;
  if (item.id !== undefined) work.applied.add(item.id);
  const { transformation } = item;
  if (transformation.type === 'nest') {
    for (const nested of transformation.items) applyItem({ ...step, item: nested });
    return;
  }
  if (changeRule(transformation, step)) return;
  if (transformation.type.startsWith('field_name_')) {
    mapFieldList({
      transformation,
      fieldHolds: (field) => holds(item.fieldName, (one) => fieldConditionHolds(one, field, { work })),
      work,
      id: item.id,
    });
  }
  for (const [name, node] of work.selections) {
    const changed = changeNode(node, (detection) => changeItem({ detection, transformation, step }));
    if (changed) work.selections.set(name, changed);
    else dropSelection(work, name);
  }
}

/** Transformations of the rule as a whole; false when it is one of detection items. */
function changeRule(transformation: Transformation, { item, work, pipeline }: Step): boolean {
  switch (transformation.type) {
    case 'add_condition':
      addCondition({ work, transformation, id: item.id, place: item.place });
      return true;
    case 'change_logsource': {
      const { type: _, ...parts } = transformation;
      work.logsource = Object.fromEntries(
        Object.entries(parts).flatMap(([key, value]) => (value ? [[key, value.toLowerCase()]] : [])),
      ) as Logsource;
      return true;
    }
    case 'add_field':
      work.fields = [...work.fields, ...transformation.field];
      return true;
    case 'remove_field':
      work.fields = work.fields.filter((field) => !transformation.field.includes(field));
      return true;
    case 'set_field':
      work.fields = transformation.fields;
      return true;
    case 'set_state':
      work.state.set(transformation.key, transformation.val);
      return true;
    case 'set_custom_attribute':
      work.attributes.set(transformation.attribute, transformation.value);
      return true;
    case 'rule_failure':
      throw sigmaError('SIGMA_PIPELINE', `${transformation.message} (pipeline ${pipeline})`, work.rule.place);
    case 'strict_field_mapping_failure':
      refuseUnmapped(work, pipeline);
      return true;
    default:
      return false;
  }
}

function changeItem(options: {
  detection: WorkItem;
  transformation: Transformation;
  step: Step;
}): DetectionNode | undefined {
  const { detection, transformation } = options;
  const { item, work, vars } = options.step;
  const { id } = item;
  if (!holds(item.detectionItem, (condition) => itemConditionHolds(condition, detection, work)))
    return detection;
  const fieldHolds = (field: string | undefined): boolean =>
    holds(item.fieldName, (condition) => fieldConditionHolds(condition, field, { work, item: detection }));
  if (transformation.type.startsWith('field_name_'))
    return mapField({ detection, transformation, fieldHolds, work, id });
  if (!fieldHolds(detection.field)) return detection;
  switch (transformation.type) {
    case 'drop_detection_item':
      return undefined;
    case 'detection_item_failure':
      throw sigmaError('SIGMA_PIPELINE', transformation.message, detection.place);
    case 'hashes_fields':
      return splitHashes(detection, transformation, id);
    case 'extract_fields':
      return extractFields(detection, transformation, id);
    default: {
      const values = transformValues({ detection, transformation, vars });
      return values === detection.values ? detection : markApplied({ ...detection, values }, id);
    }
  }
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

/** A selection of which nothing is left goes from the conditions too. @throws PicketError SIGMA_PIPELINE when nothing is left of the rule */
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

function refuseUnmapped(work: WorkRule, pipeline: string): void {
  const visit = (node: DetectionNode): void => {
    if (node.kind === 'group') return node.of.forEach(visit);
    if (node.field !== undefined && !work.mapped.has(node.field)) {
      throw sigmaError(
        'SIGMA_PIPELINE',
        `no mapping for field \`${node.field}\` (pipeline ${pipeline})`,
        node.place,
      );
    }
  };
  work.selections.forEach(visit);
}
