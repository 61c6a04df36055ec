// The schemas of pySigma's pipeline conditions: on the rule, on a detection item, on a field name.
import { z } from 'zod';
import { LEVELS } from '../../../platform/core/names.ts';
import { Pattern } from './pattern.ts';

const Scalar = z.union([z.string(), z.number(), z.boolean()]);
const Quantifier = { cond: z.enum(['any', 'all']) };
const STATE_OPERATORS = ['eq', 'ne', 'gte', 'gt', 'lte', 'lt'] as const;

/** Statuses in pySigma's order, for `rule_attribute`. */
export const STATUS_ORDER = ['unsupported', 'deprecated', 'experimental', 'test', 'stable'] as const;
export const LEVEL_ORDER = LEVELS;

const ProcessingItemApplied = z.strictObject({
  type: z.literal('processing_item_applied'),
  processing_item_id: z.string(),
});
const ProcessingState = z.strictObject({
  type: z.literal('processing_state'),
  key: z.string(),
  val: Scalar,
  op: z.enum(STATE_OPERATORS).default('eq'),
});

export const RuleCondition = z.discriminatedUnion('type', [
  z
    .strictObject({
      type: z.literal('logsource'),
      category: z.string().toLowerCase().nullish(),
      product: z.string().toLowerCase().nullish(),
      service: z.string().toLowerCase().nullish(),
    })
    .refine(
      ({ category, product, service }) => category || product || service,
      'needs a category, product or service',
    ),
  z.strictObject({ type: z.literal('contains_field'), field: z.string().nullable() }),
  z.strictObject({
    type: z.literal('contains_detection_item'),
    field: z.string().nullable(),
    value: Scalar,
  }),
  ProcessingItemApplied,
  ProcessingState,
  z.strictObject({ type: z.literal('is_sigma_rule') }),
  z.strictObject({ type: z.literal('is_sigma_correlation_rule') }),
  z.strictObject({
    type: z.literal('rule_attribute'),
    attribute: z.string(),
    value: z.union([Scalar, z.array(Scalar)]),
    op: z.enum([...STATE_OPERATORS, 'in', 'not_in']).default('eq'),
  }),
  z.strictObject({ type: z.literal('tag'), tag: z.string().toLowerCase() }),
]);
export type RuleCondition = z.infer<typeof RuleCondition>;

export const DetectionItemCondition = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('match_string'),
    ...Quantifier,
    pattern: Pattern,
    negate: z.boolean().default(false),
  }),
  z.strictObject({ type: z.literal('match_value'), ...Quantifier, value: Scalar }),
  z.strictObject({ type: z.literal('is_null'), ...Quantifier }),
  z.strictObject({ type: z.literal('contains_wildcard'), ...Quantifier }),
  ProcessingItemApplied,
  ProcessingState,
]);
export type DetectionItemCondition = z.infer<typeof DetectionItemCondition>;

/** With `mode: re` each field is a pattern, to match from the beginning of the name. */
const FieldList = z.union([
  z.strictObject({
    type: z.enum(['include_fields', 'exclude_fields']),
    fields: z.union([z.string().transform((field) => [field]), z.array(z.string())]),
    mode: z.literal('plain').default('plain'),
  }),
  z.strictObject({
    type: z.enum(['include_fields', 'exclude_fields']),
    fields: z.array(Pattern),
    mode: z.literal('re'),
  }),
]);
export const FieldNameCondition = z.union([FieldList, ProcessingItemApplied, ProcessingState]);
export type FieldNameCondition = z.infer<typeof FieldNameCondition>;

/** The names of all conditions a stage may have. */
export const CONDITION_NAMES = {
  rule: RuleCondition.options.map((option) => option.shape.type.value) as string[],
  detection_item: DetectionItemCondition.options.map((option) => option.shape.type.value) as string[],
  field_name: ['include_fields', 'exclude_fields', 'processing_item_applied', 'processing_state'],
} as const;
