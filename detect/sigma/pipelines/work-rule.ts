// A rule on its way through pipelines, and what their conditions say of it.
import { sigmaError } from '../problem.ts';
import type { DetectionItem, DetectionNode, Logsource, SigmaRule, SigmaValue } from '../rule.ts';
import { parseSigmaText, textsEqual, toPlain } from '../sigma-text.ts';
import {
  type DetectionItemCondition,
  type FieldNameCondition,
  LEVEL_ORDER,
  type RuleCondition,
  STATUS_ORDER,
} from './conditions.ts';
import { matchStart } from './pattern.ts';

/** A detection item on its way, with the ids of the pipeline items that touched it. */
export interface WorkItem extends DetectionItem {
  readonly applied?: readonly string[];
}

export interface WorkRule {
  readonly rule: SigmaRule;
  logsource: Logsource;
  selections: Map<string, DetectionNode>;
  conditions: SigmaRule['conditions'];
  /** The rule's `fields` list. */
  fields: readonly string[];
  readonly state: Map<string, string | number | boolean>;
  readonly attributes: Map<string, unknown>;
  /** Ids of the pipeline items that were applied to the rule. */
  readonly applied: Set<string>;
  /** Field name → ids of the pipeline items that made it. */
  readonly fieldApplied: Map<string, Set<string>>;
  /** Names that a mapping gave, or was given. */
  readonly mapped: Set<string>;
}

/** @throws PicketError SIGMA_PIPELINE for a relation that an attribute's kind does not have */
export function ruleConditionHolds(condition: RuleCondition, work: WorkRule): boolean {
  switch (condition.type) {
    case 'logsource':
      return (['category', 'product', 'service'] as const).every(
        (key) => condition[key] == null || condition[key] === work.logsource[key],
      );
    case 'contains_field':
      return someItem(work, (item) => item.field !== undefined && item.field === condition.field);
    case 'contains_detection_item':
      return someItem(
        work,
        (item) =>
          item.field !== undefined &&
          item.field === condition.field &&
          item.values.some((value) => valueEquals(value, condition.value)),
      );
    case 'processing_item_applied':
      return work.applied.has(condition.processing_item_id);
    case 'processing_state':
      return compareState(condition, work);
    case 'is_sigma_rule':
      return true;
    case 'is_sigma_correlation_rule':
      return false;
    case 'rule_attribute':
      return attributeHolds(condition, work);
    case 'tag':
      return work.rule.tags.some((tag) => tag.toLowerCase() === condition.tag);
  }
}

export function itemConditionHolds(
  condition: DetectionItemCondition,
  item: WorkItem,
  work: WorkRule,
): boolean {
  const quantify = (cond: 'any' | 'all', test: (value: SigmaValue) => boolean): boolean => {
    const values = item.values.flatMap(alternatives);
    return cond === 'any' ? values.some(test) : values.every(test);
  };
  switch (condition.type) {
    case 'match_string':
      return quantify(
        condition.cond,
        (value) =>
          (value.type === 'text' && matchStart(condition.pattern, toPlain(value.text)) !== undefined) !==
          condition.negate,
      );
    case 'match_value':
      return quantify(condition.cond, (value) => valueEquals(value, condition.value));
    case 'is_null':
      return quantify(condition.cond, ({ type }) => type === 'null');
    case 'contains_wildcard':
      return quantify(
        condition.cond,
        (value) =>
          value.type === 'text' && value.text.some((part) => typeof part === 'object' && 'wild' in part),
      );
    case 'processing_item_applied':
      return item.applied?.includes(condition.processing_item_id) === true;
    case 'processing_state':
      return compareState(condition, work);
  }
}

/** Of a field's name; with `item`, of the item that asks it (or that refers to it in a value). */
export function fieldConditionHolds(
  condition: FieldNameCondition,
  field: string | undefined,
  options: { work: WorkRule; item?: WorkItem },
): boolean {
  switch (condition.type) {
    case 'include_fields':
      return field !== undefined && inList(condition, field);
    case 'exclude_fields':
      return field === undefined || !inList(condition, field);
    case 'processing_item_applied':
      return options.item
        ? options.item.applied?.includes(condition.processing_item_id) === true
        : field !== undefined &&
            options.work.fieldApplied.get(field)?.has(condition.processing_item_id) === true;
    case 'processing_state':
      return compareState(condition, options.work);
  }
}

function inList(
  condition: Extract<FieldNameCondition, { type: 'include_fields' | 'exclude_fields' }>,
  field: string,
): boolean {
  return condition.mode === 'plain'
    ? condition.fields.includes(field)
    : condition.fields.some((pattern) => matchStart(pattern, field) !== undefined);
}

function someItem(work: WorkRule, test: (item: DetectionItem) => boolean): boolean {
  const visit = (node: DetectionNode): boolean => (node.kind === 'item' ? test(node) : node.of.some(visit));
  return [...work.selections.values()].some(visit);
}

function alternatives(value: SigmaValue): readonly SigmaValue[] {
  return value.type === 'any' ? value.of.flatMap(alternatives) : [value];
}

function valueEquals(value: SigmaValue, wanted: string | number | boolean): boolean {
  if (value.type === 'any') return value.of.some((one) => valueEquals(one, wanted));
  if (value.type === 'text')
    return typeof wanted === 'string' && textsEqual(value.text, parseSigmaText(wanted));
  return (value.type === 'number' || value.type === 'boolean') && value.value === wanted;
}

function compareState(
  { key, op, val }: { key: string; op: keyof typeof RELATIONS; val: string | number | boolean },
  work: WorkRule,
): boolean {
  const state = work.state.get(key);
  return state !== undefined && RELATIONS[op](state, val);
}

type Comparable = string | number | boolean;
const RELATIONS = {
  eq: (a: Comparable, b: Comparable): boolean => a === b,
  ne: (a: Comparable, b: Comparable): boolean => a !== b,
  gte: (a: Comparable, b: Comparable): boolean => a >= b,
  gt: (a: Comparable, b: Comparable): boolean => a > b,
  lte: (a: Comparable, b: Comparable): boolean => a <= b,
  lt: (a: Comparable, b: Comparable): boolean => a < b,
} as const;

/** Lists know `in` and `not_in`; levels, statuses, dates and numbers an order; texts equality. */
function attributeHolds(
  { attribute, op, value }: Extract<RuleCondition, { type: 'rule_attribute' }>,
  work: WorkRule,
): boolean {
  const fail = (message: string): never => {
    throw sigmaError('SIGMA_PIPELINE', `rule attribute \`${attribute}\`: ${message}`, work.rule.place);
  };
  const own = work.attributes.has(attribute)
    ? work.attributes.get(attribute)
    : readAttribute(work.rule, attribute);
  if (own === undefined || own === null) return false;
  const wanted = Array.isArray(value) ? value : [value];
  if (Array.isArray(own)) {
    if (op === 'in') return wanted.some((one) => own.includes(one));
    if (op === 'not_in') return !wanted.some((one) => own.includes(one));
    return op === 'ne';
  }
  if (typeof own !== 'string' && typeof own !== 'number' && typeof own !== 'boolean')
    return fail('it is neither a list nor a single value');
  if (op === 'in') return wanted.some((one) => String(one) === String(own));
  if (op === 'not_in') return !wanted.some((one) => String(one) === String(own));
  const [one = ''] = wanted;
  const order: readonly string[] | undefined =
    attribute === 'level' ? LEVEL_ORDER : attribute === 'status' ? STATUS_ORDER : undefined;
  if (order) {
    const rank = order.indexOf(String(one).toLowerCase());
    if (rank < 0) return fail(`\`${String(one)}\` is none of ${order.join(', ')}`);
    return RELATIONS[op](order.indexOf(String(own)), rank);
  }
  if (typeof own === 'number') {
    if (!Number.isFinite(Number(one))) return fail(`\`${String(one)}\` is no number`);
    return RELATIONS[op](own, Number(one));
  }
  const dated = attribute === 'date' || attribute === 'modified';
  if (!dated && op !== 'eq' && op !== 'ne') return fail(`a text has no relation \`${op}\``);
  return RELATIONS[op](String(own), String(one));
}

/** The rule's own members, else a key of its file that the specification does not know. */
function readAttribute(rule: SigmaRule, attribute: string): unknown {
  if (Object.hasOwn(rule, attribute)) return (rule as unknown as Record<string, unknown>)[attribute];
  return rule.custom && Object.hasOwn(rule.custom, attribute) ? rule.custom[attribute] : undefined;
}
