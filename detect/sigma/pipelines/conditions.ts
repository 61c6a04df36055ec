// The conditions of pySigma pipelines: on the rule, on a detection item, on a field name.
import { z } from 'zod';
import type { DetectionItem, DetectionNode, Logsource, SigmaRule, SigmaValue } from '../rule.ts';
import { toStringTest } from '../sigma-text.ts';

const Scalar = z.union([z.string(), z.number(), z.boolean()]);
const Op = z.enum(['eq', 'ne', 'gte', 'gt', 'lte', 'lt', 'in', 'not_in']).default('eq');

const ProcessingItemApplied = z.strictObject({
  type: z.literal('processing_item_applied'),
  processing_item_id: z.string(),
});
const ProcessingState = z.strictObject({
  type: z.literal('processing_state'),
  key: z.string(),
  val: Scalar,
  op: Op,
});

export const RuleCondition = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('logsource'),
    category: z.string().optional(),
    product: z.string().optional(),
    service: z.string().optional(),
  }),
  z.strictObject({ type: z.literal('contains_field'), field: z.string() }),
  z.strictObject({ type: z.literal('contains_detection_item'), field: z.string(), value: Scalar }),
  ProcessingItemApplied,
  ProcessingState,
  z.strictObject({ type: z.literal('is_sigma_rule') }),
  z.strictObject({ type: z.literal('is_sigma_correlation_rule') }),
  z.strictObject({
    type: z.literal('rule_attribute'),
    attribute: z.string(),
    value: z.union([Scalar, z.array(Scalar)]),
    op: Op,
  }),
  z.strictObject({ type: z.literal('tag'), tag: z.string() }),
]);
export type RuleCondition = z.infer<typeof RuleCondition>;

export const DetectionItemCondition = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('match_string'),
    cond: z.enum(['any', 'all']),
    pattern: z.string(),
    negate: z.boolean().default(false),
  }),
  z.strictObject({ type: z.literal('is_null'), cond: z.enum(['any', 'all']) }),
  z.strictObject({ type: z.literal('contains_wildcard'), cond: z.enum(['any', 'all']) }),
  ProcessingItemApplied,
  ProcessingState,
]);
export type DetectionItemCondition = z.infer<typeof DetectionItemCondition>;

const FieldList = { fields: z.array(z.string()), mode: z.enum(['plain', 're']).default('plain') };
export const FieldNameCondition = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('include_fields'), ...FieldList }),
  z.strictObject({ type: z.literal('exclude_fields'), ...FieldList }),
  ProcessingItemApplied,
  ProcessingState,
]);
export type FieldNameCondition = z.infer<typeof FieldNameCondition>;

export interface PipelineConditions<T> {
  readonly of: readonly T[];
  readonly operator: 'and' | 'or';
  readonly negated: boolean;
}

/** A detection item on its way, with the ids of the pipeline items that touched it. */
export interface WorkItem extends DetectionItem {
  readonly applied?: readonly string[];
}

/** A rule on its way through pipelines. */
export interface WorkRule {
  readonly rule: SigmaRule;
  logsource: Logsource;
  selections: Map<string, DetectionNode>;
  conditions: SigmaRule['conditions'];
  readonly state: Map<string, string | number | boolean>;
  readonly applied: Set<string>;
  /** Field name → ids of the pipeline items that made it. */
  readonly fieldApplied: Map<string, Set<string>>;
}

/** No conditions hold, whatever `negated` says, as in pySigma. */
export function conditionsHold<T>(
  conditions: PipelineConditions<T>,
  holds: (condition: T) => boolean,
): boolean {
  if (conditions.of.length === 0) return true;
  const result = conditions.operator === 'and' ? conditions.of.every(holds) : conditions.of.some(holds);
  return result !== conditions.negated;
}

export function ruleConditionHolds(condition: RuleCondition, work: WorkRule): boolean {
  switch (condition.type) {
    case 'logsource':
      return (['category', 'product', 'service'] as const).every(
        (key) => condition[key] === undefined || condition[key].toLowerCase() === work.logsource[key],
      );
    case 'contains_field':
      return someItem(work, (item) => item.field === condition.field);
    case 'contains_detection_item':
      return someItem(
        work,
        (item) =>
          item.field === condition.field &&
          item.values.some((value) => plainValue(value) === String(condition.value)),
      );
    case 'processing_item_applied':
      return work.applied.has(condition.processing_item_id);
    case 'processing_state':
      return compare(work.state.get(condition.key), condition.op, condition.val);
    case 'is_sigma_rule':
      return true;
    case 'is_sigma_correlation_rule':
      return false;
    case 'rule_attribute': {
      const value = (work.rule as unknown as Record<string, unknown>)[condition.attribute];
      return typeof value === 'object' ? false : compare(value, condition.op, condition.value);
    }
    case 'tag':
      return work.rule.tags.includes(condition.tag);
  }
}

export function itemConditionHolds(
  condition: DetectionItemCondition,
  item: WorkItem,
  work: WorkRule,
): boolean {
  const quantify = (cond: 'any' | 'all', test: (value: SigmaValue) => boolean): boolean =>
    cond === 'any' ? item.values.some(test) : item.values.every(test);
  switch (condition.type) {
    case 'match_string': {
      const regex = new RegExp(condition.pattern);
      return (
        quantify(condition.cond, (value) => {
          const text = plainValue(value);
          return text !== undefined && value.type === 'text' && regex.test(text);
        }) !== condition.negate
      );
    }
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
      return compare(work.state.get(condition.key), condition.op, condition.val);
  }
}

export function fieldConditionHolds(
  condition: FieldNameCondition,
  field: string | undefined,
  work: WorkRule,
): boolean {
  switch (condition.type) {
    case 'include_fields':
      return field !== undefined && inList(condition, field);
    case 'exclude_fields':
      return field === undefined || !inList(condition, field);
    case 'processing_item_applied':
      return field !== undefined && work.fieldApplied.get(field)?.has(condition.processing_item_id) === true;
    case 'processing_state':
      return compare(work.state.get(condition.key), condition.op, condition.val);
  }
}

function inList(
  { fields, mode }: { fields: readonly string[]; mode: 'plain' | 're' },
  field: string,
): boolean {
  if (mode === 'plain') return fields.includes(field);
  return fields.some((pattern) => new RegExp(`^(?:${pattern})`).test(field));
}

function someItem(work: WorkRule, test: (item: DetectionItem) => boolean): boolean {
  const visit = (node: DetectionNode): boolean => (node.kind === 'item' ? test(node) : node.of.some(visit));
  return [...work.selections.values()].some(visit);
}

function plainValue(value: SigmaValue): string | undefined {
  if (value.type === 'text') {
    const test = toStringTest(value.text);
    if (test.kind === 'everything') return '*';
    const before = test.mode === 'contains' || test.mode === 'endswith' ? '*' : '';
    const after = test.mode === 'contains' || test.mode === 'startswith' ? '*' : '';
    return `${before}${test.value}${after}`;
  }
  return 'value' in value ? String(value.value) : undefined;
}

function compare(value: unknown, op: z.infer<typeof Op>, wanted: unknown): boolean {
  const list = Array.isArray(wanted) ? (wanted as unknown[]) : [wanted];
  switch (op) {
    case 'eq':
    case 'in':
      return list.includes(value);
    case 'ne':
    case 'not_in':
      return !list.includes(value);
    case 'gte':
      return value !== undefined && (value as number) >= (wanted as number);
    case 'gt':
      return value !== undefined && (value as number) > (wanted as number);
    case 'lte':
      return value !== undefined && (value as number) <= (wanted as number);
    case 'lt':
      return value !== undefined && (value as number) < (wanted as number);
  }
}
