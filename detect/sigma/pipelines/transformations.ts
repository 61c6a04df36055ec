// The schemas of pySigma's transformations, and what those that only concern query texts or outside lists do here.
import { z } from 'zod';
import { Pattern } from './pattern.ts';

const Scalar = z.union([z.string(), z.number(), z.boolean()]);
const Strings = z.union([z.string().transform((value) => [value]), z.array(z.string())]);
const Mapping = z.record(z.string(), Strings);
const Placeholders = { include: z.array(z.string()).nullish(), exclude: z.array(z.string()).nullish() };

/** Transformations that change nothing here, by name, each with what is said when a pipeline has one. */
export const WITHOUT_EFFECT: Readonly<Record<string, string>> = {
  query_expression_placeholders:
    'makes a query text, which this engine has none of: rules that keep such a placeholder are refused',
  file_placeholders:
    'reads values from outside, which is not done: rules that keep such a placeholder are refused; give the values as `vars`',
  http_placeholders:
    'reads values from outside, which is not done: rules that keep such a placeholder are refused; give the values as `vars`',
  command_placeholders:
    'reads values from outside, which is not done: rules that keep such a placeholder are refused; give the values as `vars`',
};

/** Every transformation that works here, `nest` left out, which holds others. */
export const Transformation = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('field_name_mapping'), mapping: Mapping }),
  z.strictObject({ type: z.literal('field_name_prefix_mapping'), mapping: Mapping }),
  z.strictObject({ type: z.literal('field_name_prefix'), prefix: z.string() }),
  z.strictObject({ type: z.literal('field_name_suffix'), suffix: z.string() }),
  z.strictObject({ type: z.literal('drop_detection_item') }),
  z.strictObject({
    type: z.literal('hashes_fields'),
    valid_hash_algos: z.array(z.string().toUpperCase()),
    field_prefix: z.string().default(''),
    drop_algo_prefix: z.boolean().default(false),
    field_to_parse: Strings.default(['Hashes', 'Hash']),
  }),
  z.strictObject({
    type: z.literal('extract_fields'),
    regex: Pattern.refine(({ source }) => /\(\?<[a-z_]/i.test(source), 'needs a named group'),
    field_prefix: z.string().nullish(),
    preserve_unmatched: z.boolean().default(false),
  }),
  z.strictObject({
    type: z.literal('add_condition'),
    conditions: z.record(z.string(), z.union([Scalar.nullable(), z.array(Scalar.nullable())])),
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
  z.strictObject({ type: z.literal('add_field'), field: Strings }),
  z.strictObject({ type: z.literal('remove_field'), field: Strings }),
  z.strictObject({ type: z.literal('set_field'), fields: z.array(z.string()) }),
  z.strictObject({
    type: z.literal('replace_string'),
    regex: Pattern,
    replacement: z.string(),
    skip_special: z.boolean().default(false),
    interpret_special: z.boolean().default(false),
  }),
  z.strictObject({ type: z.literal('map_string'), mapping: Mapping }),
  z.strictObject({
    type: z.literal('regex'),
    method: z.enum(['plain', 'ignore_case_flag', 'ignore_case_brackets']).default('ignore_case_brackets'),
  }),
  z
    .strictObject({
      type: z.literal('set_value'),
      value: Scalar.nullable(),
      force_type: z.enum(['str', 'num']).nullish(),
    })
    .refine(
      ({ value, force_type }) => force_type == null || (value !== null && typeof value !== 'boolean'),
      '`force_type` takes a text or a number',
    )
    .refine(
      ({ value, force_type }) => force_type !== 'num' || (value !== '' && Number.isFinite(Number(value))),
      'the value is no number',
    ),
  z.strictObject({ type: z.literal('convert_type'), target_type: z.enum(['str', 'num']) }),
  z.strictObject({
    type: z.literal('case'),
    method: z.enum(['lower', 'upper', 'snake_case']).default('lower'),
  }),
  z.strictObject({ type: z.literal('set_state'), key: z.string(), val: Scalar }),
  z.strictObject({ type: z.literal('set_custom_attribute'), attribute: z.string(), value: z.unknown() }),
  z.strictObject({ type: z.literal('rule_failure'), message: z.string() }),
  z.strictObject({ type: z.literal('detection_item_failure'), message: z.string() }),
  z.strictObject({ type: z.literal('strict_field_mapping_failure') }),
  z
    .strictObject({ type: z.literal('value_placeholders'), ...Placeholders })
    .refine(({ include, exclude }) => !(include && exclude), '`include` and `exclude` exclude each other'),
  z
    .strictObject({ type: z.literal('wildcard_placeholders'), ...Placeholders })
    .refine(({ include, exclude }) => !(include && exclude), '`include` and `exclude` exclude each other'),
]);
export type Transformation = z.infer<typeof Transformation>;

/** The names of all transformations that a pipeline may have. */
export const TRANSFORMATION_NAMES: readonly string[] = [
  ...Transformation.options.map((option) => option.shape.type.value),
  'nest',
  ...Object.keys(WITHOUT_EFFECT),
];
