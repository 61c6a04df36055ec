// The schemas of pySigma's transformations that this engine knows.
import { z } from 'zod';

const Scalar = z.union([z.string(), z.number(), z.boolean()]);
const Strings = z.union([z.string().transform((value) => [value]), z.array(z.string())]);
const Placeholders = { include: z.array(z.string()).nullish(), exclude: z.array(z.string()).nullish() };

export const Transformation = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('field_name_mapping'), mapping: z.record(z.string(), Strings) }),
  z.strictObject({ type: z.literal('field_name_prefix_mapping'), mapping: z.record(z.string(), Strings) }),
  z.strictObject({ type: z.literal('field_name_prefix'), prefix: z.string() }),
  z.strictObject({ type: z.literal('field_name_suffix'), suffix: z.string() }),
  z.strictObject({ type: z.literal('drop_detection_item') }),
  z.strictObject({
    type: z.literal('add_condition'),
    conditions: z.record(z.string(), z.union([Scalar.nullable(), z.array(Scalar)])),
    name: z.string().nullish(),
    template: z.boolean().default(false),
    negated: z.boolean().default(false),
  }),
  z.strictObject({
    type: z.literal('change_logsource'),
    category: z.string().nullish(),
    product: z.string().nullish(),
    service: z.string().nullish(),
  }),
  z.strictObject({
    type: z.literal('replace_string'),
    regex: z.string(),
    replacement: z.string(),
    skip_special: z.boolean().default(true),
    interpret_special: z.boolean().default(false),
  }),
  z.strictObject({ type: z.literal('map_string'), mapping: z.record(z.string(), Strings) }),
  z.strictObject({
    type: z.literal('set_value'),
    value: Scalar.nullable(),
    force_type: z.enum(['str', 'num']).nullish(),
  }),
  z.strictObject({ type: z.literal('convert_type'), target_type: z.enum(['str', 'num']) }),
  z.strictObject({ type: z.literal('case'), method: z.enum(['lower', 'upper']).default('lower') }),
  z.strictObject({ type: z.literal('set_state'), key: z.string(), val: Scalar }),
  z.strictObject({ type: z.literal('rule_failure'), message: z.string() }),
  z.strictObject({ type: z.literal('detection_item_failure'), message: z.string() }),
  z.strictObject({ type: z.literal('strict_field_mapping_failure') }),
  z.strictObject({ type: z.literal('value_placeholders'), ...Placeholders }),
  z.strictObject({ type: z.literal('wildcard_placeholders'), ...Placeholders }),
]);
export type Transformation = z.infer<typeof Transformation>;
