// Reads a processing pipeline in pySigma's YAML format; what it does not know is a clear fault, never ignored.
import { z } from 'zod';
import { describeIssue } from '../../../platform/core/config.ts';
import { PicketError, type Place } from '../../../platform/core/errors.ts';
import { parseYaml, type YamlDocument } from '../../../platform/core/yaml.ts';
import {
  DetectionItemCondition,
  FieldNameCondition,
  type PipelineConditions,
  RuleCondition,
} from './conditions.ts';
import { Transformation } from './transformations.ts';

/** One entry of `transformations`. */
export interface PipelineItem {
  readonly id: string | undefined;
  readonly transformation: Transformation;
  readonly rule: PipelineConditions<RuleCondition>;
  readonly detectionItem: PipelineConditions<DetectionItemCondition>;
  readonly fieldName: PipelineConditions<FieldNameCondition>;
  readonly place: Place;
}

export interface Pipeline {
  readonly name: string;
  /** Lower first. */
  readonly priority: number;
  readonly vars: Readonly<Record<string, readonly (string | number)[]>>;
  readonly items: readonly PipelineItem[];
}

const Scalar = z.union([z.string(), z.number()]);

const Head = z.looseObject({
  name: z.string().optional(),
  priority: z.number().default(0),
  allowed_backends: z.array(z.string()).optional(),
  vars: z
    .record(z.string(), z.union([Scalar.transform((value) => [value]), z.array(Scalar)]))
    .nullish()
    .transform((vars) => vars ?? {}),
  transformations: z
    .array(z.record(z.string(), z.unknown()))
    .nullish()
    .transform((transformations) => transformations ?? []),
});

const HEAD_KEYS = new Set([
  'name',
  'priority',
  'allowed_backends',
  'vars',
  'transformations',
  'postprocessing',
  'finalizers',
]);
const SHARED_KEYS = ['id', 'type'];
const STAGES = ['rule', 'detection_item', 'field_name'] as const;

/**
 * @throws PicketError YAML_INVALID, PIPELINE_INVALID, PIPELINE_TRANSFORMATION_UNKNOWN,
 * PIPELINE_CONDITION_UNKNOWN, PIPELINE_UNSUPPORTED, each with file, line and column
 */
export function parsePipeline(options: { text: string; file: string }): Pipeline {
  const document = parseYaml(options);
  const head = check({
    schema: Head,
    value: document.value ?? {},
    path: [],
    document,
    code: 'PIPELINE_INVALID',
  });
  for (const key of Object.keys(head)) {
    if (!HEAD_KEYS.has(key)) fail('PIPELINE_INVALID', `unknown key \`${key}\``, document.placeOf([key]));
  }
  // They shape the query text of a backend; this engine has none, and ignoring them could change what matches.
  for (const key of ['postprocessing', 'finalizers'] as const) {
    const value = head[key];
    if (Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null) {
      fail(
        'PIPELINE_UNSUPPORTED',
        `\`${key}\` works on query texts, which this engine has none of`,
        document.placeOf([key]),
      );
    }
  }
  return {
    name: head.name ?? options.file,
    priority: head.priority,
    vars: head.vars,
    items: head.transformations.map((item, at) => parseItem(item, ['transformations', String(at)], document)),
  };
}

/** Pipelines in the order they apply: by priority, then as given. */
export function sortPipelines(pipelines: readonly Pipeline[]): Pipeline[] {
  return [...pipelines].sort((a, b) => a.priority - b.priority);
}

function parseItem(
  item: Record<string, unknown>,
  path: readonly string[],
  document: YamlDocument,
): PipelineItem {
  const own: Record<string, unknown> = {};
  const shared: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(item)) {
    const isShared = SHARED_KEYS.includes(key) || STAGES.some((stage) => key.startsWith(`${stage}_cond`));
    if (key === 'id' || (isShared && key !== 'type')) shared[key] = value;
    else own[key] = value;
  }
  if (!Transformation.options.some((option) => option.shape.type.value === own['type'])) {
    fail(
      'PIPELINE_TRANSFORMATION_UNKNOWN',
      `unknown or unsupported transformation \`${String(own['type'])}\``,
      document.placeOf([...path, 'type']),
    );
  }
  const transformation = check({
    schema: Transformation,
    value: own,
    path,
    document,
    code: 'PIPELINE_INVALID',
  });
  return {
    id: typeof shared['id'] === 'string' ? shared['id'] : undefined,
    transformation,
    rule: parseConditions({ schema: RuleCondition, stage: 'rule', shared, path, document }),
    detectionItem: parseConditions({
      schema: DetectionItemCondition,
      stage: 'detection_item',
      shared,
      path,
      document,
    }),
    fieldName: parseConditions({ schema: FieldNameCondition, stage: 'field_name', shared, path, document }),
    place: document.placeOf(path),
  };
}

function parseConditions<T extends { type: string }>(options: {
  schema: z.ZodType<T>;
  stage: (typeof STAGES)[number];
  shared: Record<string, unknown>;
  path: readonly string[];
  document: YamlDocument;
}): PipelineConditions<T> {
  const { schema, stage, shared, path, document } = options;
  const key = `${stage}_conditions`;
  const written = shared[key] ?? [];
  if (shared[`${stage}_cond_expression`] !== undefined || shared[`${stage}_cond_expr`] !== undefined) {
    fail(
      'PIPELINE_UNSUPPORTED',
      `\`${stage}_cond_expression\` is not supported`,
      document.placeOf([...path, `${stage}_cond_expression`]),
    );
  }
  if (!Array.isArray(written))
    return fail('PIPELINE_INVALID', `\`${key}\` must be a list`, document.placeOf([...path, key]));
  const operator = shared[`${stage}_cond_op`] ?? 'and';
  if (operator !== 'and' && operator !== 'or') {
    fail(
      'PIPELINE_INVALID',
      `\`${stage}_cond_op\` is \`and\` or \`or\``,
      document.placeOf([...path, `${stage}_cond_op`]),
    );
  }
  return {
    of: (written as unknown[]).map((condition, at) =>
      check({
        schema,
        value: condition,
        path: [...path, key, String(at)],
        document,
        code: 'PIPELINE_CONDITION_UNKNOWN',
      }),
    ),
    operator: operator === 'or' ? 'or' : 'and',
    negated: shared[`${stage}_cond_not`] === true,
  };
}

function check<T>(options: {
  schema: z.ZodType<T>;
  value: unknown;
  path: readonly string[];
  document: YamlDocument;
  code: string;
}): T {
  const { schema, value, path, document, code } = options;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const [problem] = issue ? describeIssue(issue, document) : [];
  const place = document.placeOf([
    ...path,
    ...(issue?.path ?? []).map(String),
    ...(issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []),
  ]);
  return fail(code, problem?.message ?? 'not valid', place);
}

function fail(code: string, message: string, place: Place): never {
  throw new PicketError({ code, message, place });
}
