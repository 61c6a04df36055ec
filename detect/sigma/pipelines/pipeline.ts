// Reads a processing pipeline in pySigma's YAML format; what it does not know is a clear fault, what has no effect here is noted.
import { z } from 'zod';
import { describeIssue } from '../../../platform/core/config.ts';
import { PicketError, type Place } from '../../../platform/core/errors.ts';
import { parseYaml, type YamlDocument } from '../../../platform/core/yaml.ts';
import type { Problem } from '../problem.ts';
import { readConditions } from './add-condition.ts';
import { type ConditionTree, readExpression } from './condition-tree.ts';
import { CONDITION_NAMES, DetectionItemCondition, FieldNameCondition, RuleCondition } from './conditions.ts';
import { TRANSFORMATION_NAMES, Transformation, WITHOUT_EFFECT } from './transformations.ts';

/** One entry of `transformations`. */
export interface PipelineItem {
  readonly id: string | undefined;
  readonly transformation: Transformation | Nest;
  readonly rule: ConditionTree<RuleCondition> | undefined;
  readonly detectionItem: ConditionTree<DetectionItemCondition> | undefined;
  readonly fieldName: ConditionTree<FieldNameCondition> | undefined;
  readonly place: Place;
}

/** A row of items under the conditions of one. */
export interface Nest {
  readonly type: 'nest';
  readonly items: readonly PipelineItem[];
}

export interface Pipeline {
  readonly name: string;
  /** Lower first. */
  readonly priority: number;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly items: readonly PipelineItem[];
  /** What the file says and this engine has no use for: PIPELINE_NO_EFFECT, PIPELINE_OTHER_BACKEND. */
  readonly notes: readonly Problem[];
}

const Head = z.looseObject({
  name: z.string().nullish(),
  priority: z.number().default(0),
  allowed_backends: z.union([z.string().transform((one) => [one]), z.array(z.string())]).nullish(),
  vars: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((vars) => vars ?? {}),
  transformations: z
    .array(z.record(z.string(), z.unknown()))
    .nullish()
    .transform((transformations) => transformations ?? []),
  postprocessing: z.array(z.looseObject({ type: z.string() })).nullish(),
  finalizers: z.array(z.looseObject({ type: z.string() })).nullish(),
});

const HEAD_KEYS = new Set(Object.keys(Head.shape));
/** Postprocessing and finalizers of pySigma, which shape query texts. */
const TEXT_SHAPERS = {
  postprocessing: ['embed', 'simple_template', 'template', 'json', 'replace', 'nest'],
  finalizers: ['concat', 'json', 'yaml', 'template', 'nested'],
} as const;
const STAGES = ['rule', 'detection_item', 'field_name'] as const;
type Stage = (typeof STAGES)[number];
/** Of pySigma, without a meaning for rules that are not sent elsewhere. */
const IGNORED_KEYS = ['allow_template_vars', 'vars_allowed_paths', 'allow_external_sources'];

/** What the reading of one file hands down. */
interface Reading {
  readonly document: YamlDocument;
  readonly notes: Problem[];
}

/**
 * @throws PicketError YAML_INVALID, PIPELINE_INVALID, PIPELINE_TRANSFORMATION_UNKNOWN,
 * PIPELINE_CONDITION_UNKNOWN, each with file, line and column
 */
export function parsePipeline(options: { text: string; file: string }): Pipeline {
  const document = parseYaml(options);
  const reading: Reading = { document, notes: [] };
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
  for (const key of ['postprocessing', 'finalizers'] as const) {
    (head[key] ?? []).forEach(({ type }, at) => {
      const place = document.placeOf([key, String(at)]);
      if (!TEXT_SHAPERS[key].some((known) => known === type))
        fail('PIPELINE_TRANSFORMATION_UNKNOWN', `unknown \`${key}\` \`${type}\``, place);
      note(reading, `\`${type}\` shapes a query text, which this engine has none of`, place);
    });
  }
  const backends = head.allowed_backends ?? [];
  if (backends.length > 0 && !backends.includes('picket')) {
    reading.notes.push({
      code: 'PIPELINE_OTHER_BACKEND',
      message: `made for ${backends.join(', ')}`,
      place: document.placeOf(['allowed_backends']),
    });
  }
  return {
    name: head.name ?? options.file,
    priority: head.priority,
    vars: head.vars,
    items: head.transformations.flatMap((item, at) =>
      parseItem(item, ['transformations', String(at)], reading),
    ),
    notes: reading.notes,
  };
}

/** Pipelines in the order they apply: by priority, then as given. */
export function sortPipelines(pipelines: readonly Pipeline[]): Pipeline[] {
  return [...pipelines].sort((a, b) => a.priority - b.priority);
}

function readId(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function note({ notes }: Reading, message: string, place: Place): void {
  notes.push({ code: 'PIPELINE_NO_EFFECT', message, place });
}

/** No item for a transformation without effect here, which is noted. */
function parseItem(item: Record<string, unknown>, path: readonly string[], reading: Reading): PipelineItem[] {
  const { document } = reading;
  const own: Record<string, unknown> = {};
  const shared: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(item)) {
    if (IGNORED_KEYS.includes(key)) continue;
    if (key === 'id' || STAGES.some((stage) => key.startsWith(`${stage}_cond`))) shared[key] = value;
    else own[key] = value;
  }
  const type = String(own['type']);
  const place = document.placeOf(path);
  if (!TRANSFORMATION_NAMES.includes(type)) {
    const message =
      type === 'field_name_transform'
        ? '`field_name_transform` needs a Python function, which YAML cannot hold'
        : `unknown transformation \`${type}\``;
    fail('PIPELINE_TRANSFORMATION_UNKNOWN', message, document.placeOf([...path, 'type']));
  }
  const base = {
    id: readId(shared['id']),
    rule: parseConditions({ schema: RuleCondition, stage: 'rule', shared, path, document }),
    detectionItem: parseConditions({
      schema: DetectionItemCondition,
      stage: 'detection_item',
      shared,
      path,
      document,
    }),
    fieldName: parseConditions({ schema: FieldNameCondition, stage: 'field_name', shared, path, document }),
    place,
  };
  if (Object.hasOwn(WITHOUT_EFFECT, type)) {
    note(reading, `\`${type}\` ${WITHOUT_EFFECT[type]}`, place);
    return [];
  }
  if (type === 'nest') return [{ ...base, transformation: parseNest(own, path, reading) }];
  const transformation = check({
    schema: Transformation,
    value: own,
    path,
    document,
    code: 'PIPELINE_INVALID',
  });
  if (transformation.type === 'add_condition') {
    try {
      readConditions(transformation, {}, place);
    } catch (error) {
      fail('PIPELINE_INVALID', (error as Error).message, document.placeOf([...path, 'conditions']));
    }
  }
  return [{ ...base, transformation }];
}

function parseNest(own: Record<string, unknown>, path: readonly string[], reading: Reading): Nest {
  const { items } = check({
    schema: z.strictObject({ type: z.literal('nest'), items: z.array(z.record(z.string(), z.unknown())) }),
    value: own,
    path,
    document: reading.document,
    code: 'PIPELINE_INVALID',
  });
  return {
    type: 'nest',
    items: items.flatMap((item, at) => parseItem(item, [...path, 'items', String(at)], reading)),
  };
}

function parseConditions<T extends { type: string }>(options: {
  schema: z.ZodType<T>;
  stage: Stage;
  shared: Record<string, unknown>;
  path: readonly string[];
  document: YamlDocument;
}): ConditionTree<T> | undefined {
  const { schema, stage, shared, path, document } = options;
  const key = `${stage}_conditions`;
  const known = [key, ...['op', 'not', 'expr', 'expression'].map((end) => `${stage}_cond_${end}`)];
  for (const one of Object.keys(shared)) {
    if (one.startsWith(`${stage}_cond`) && !known.includes(one))
      fail('PIPELINE_INVALID', `unknown key \`${one}\``, document.placeOf([...path, one]));
  }
  const written = shared[key] ?? [];
  if (typeof written !== 'object')
    return fail(
      'PIPELINE_INVALID',
      `\`${key}\` must be a list or a mapping`,
      document.placeOf([...path, key]),
    );
  const named = new Map(
    Object.entries(written).map(([name, value]): [string, T] => [
      name,
      checkCondition({ schema, stage, value: value as unknown, path: [...path, key, name], document }),
    ]),
  );
  const operatorKey = `${stage}_cond_op`;
  const operator = shared[operatorKey] ?? undefined;
  if (operator !== undefined && operator !== 'and' && operator !== 'or') {
    fail(
      'PIPELINE_INVALID',
      `\`${operatorKey}\` is \`and\` or \`or\``,
      document.placeOf([...path, operatorKey]),
    );
  }
  const expressionKey = [`${stage}_cond_expr`, `${stage}_cond_expression`].find((one) => shared[one] != null);
  if (named.size === 0 && expressionKey === undefined) return undefined;
  let tree: ConditionTree<T>;
  if (expressionKey === undefined) {
    tree = {
      op: operator ?? 'and',
      of: [...named.values()].map((condition) => ({ op: 'condition', condition })),
    };
  } else {
    const place = document.placeOf([...path, expressionKey]);
    if (operator !== undefined)
      fail('PIPELINE_INVALID', `\`${expressionKey}\` and \`${operatorKey}\` exclude each other`, place);
    if (Array.isArray(written))
      fail(
        'PIPELINE_INVALID',
        `with \`${expressionKey}\`, \`${key}\` is a mapping of names to conditions`,
        place,
      );
    const text = shared[expressionKey];
    if (typeof text !== 'string')
      return fail('PIPELINE_INVALID', `\`${expressionKey}\` must be a text`, place);
    tree = readExpression({ text, named, place });
  }
  return shared[`${stage}_cond_not`] === true ? { op: 'not', of: tree } : tree;
}

function checkCondition<T extends { type: string }>(options: {
  schema: z.ZodType<T>;
  stage: Stage;
  value: unknown;
  path: readonly string[];
  document: YamlDocument;
}): T {
  const { schema, stage, value, path, document } = options;
  const type = (value as { type?: unknown } | null)?.type;
  if (typeof type !== 'string' || !CONDITION_NAMES[stage].some((known) => known === type)) {
    fail(
      'PIPELINE_CONDITION_UNKNOWN',
      `unknown condition \`${typeof type === 'string' ? type : ''}\``,
      document.placeOf(path),
    );
  }
  return check({ schema, value, path, document, code: 'PIPELINE_INVALID' });
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
