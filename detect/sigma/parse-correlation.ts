// One document with a `correlation:` block becomes a CorrelationRule (Sigma Correlation Rules 2.1).
import type { Place } from '../../platform/core/errors.ts';
import { parseCondition } from './parse-condition.ts';
import { parseHeader, type RuleDocument } from './parse-header.ts';
import { sigmaError } from './problem.ts';
import type { Condition, CorrelationOperator, CorrelationRule, CorrelationType } from './rule.ts';

const TYPES: readonly CorrelationType[] = [
  'event_count',
  'value_count',
  'temporal',
  'temporal_ordered',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
];
const OPERATORS: readonly CorrelationOperator[] = ['gt', 'gte', 'lt', 'lte', 'eq', 'neq'];
const KEYS = ['type', 'rules', 'group-by', 'timespan', 'aliases', 'condition', 'generate'];
const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  M: 2_592_000_000,
  y: 31_536_000_000,
};

/** @throws PicketError SIGMA_CORRELATION (or that of parseHeader) with the place */
export function parseCorrelation(document: RuleDocument): CorrelationRule {
  const header = parseHeader(document);
  const { content, placeOf } = document;
  const block = content['correlation'];
  const at = (...path: string[]): Place => placeOf(['correlation', ...path]);
  const refuse = (message: string, place: Place): never => {
    throw sigmaError('SIGMA_CORRELATION', message, place);
  };
  if (!isMapping(block)) return refuse('`correlation` must be a mapping', at());
  for (const key of Object.keys(block)) {
    if (!KEYS.includes(key)) refuse(`unknown key \`${key}\``, at(key));
  }
  const own = header.picket.correlation;
  if (own && block['type'] !== undefined)
    refuse(`\`picket.correlation\` says the type is ${own.type}: leave \`type\` out`, at('type'));
  const type = own?.type ?? TYPES.find((known) => known === block['type']);
  if (!type) return refuse(`\`type\` is none of ${TYPES.join(', ')}`, at('type'));
  const rules = readTexts(block['rules'], 'rules', at('rules'));
  const groupBy = readTexts(block['group-by'], 'group-by', at('group-by'));
  const temporal = type === 'temporal' || type === 'temporal_ordered';
  const written = block['condition'] ?? content['condition'];
  let extended: Condition | undefined;
  let bounds: CorrelationRule['condition'] = [];
  let field: readonly string[] = [];
  let percentile: number | undefined;
  if (typeof written === 'string' && temporal) {
    const names =
      rules.length > 0
        ? rules
        : [...new Set(written.match(/[^\s()]+/g))].filter((word) => !/^(?:and|or|not)$/i.test(word));
    extended = parseCondition({ text: written, names, place: at('condition') });
  } else if (isMapping(written)) {
    ({ bounds, field, percentile } = readBounds(written, at('condition')));
  } else if ((!temporal && !own) || written !== undefined) {
    refuse('`condition` must be a mapping of bounds', at('condition'));
  }
  if (own && written !== undefined) refuse(`\`${own.type}\` takes no \`condition\``, at('condition'));
  if (own?.type === 'first_seen') field = own.field;
  if (rules.length === 0 && !extended) refuse('`rules` is missing', at('rules'));
  if (!temporal && !own && bounds.length === 0)
    refuse('`condition` needs a bound such as `gte`', at('condition'));
  if (type.startsWith('value_') && field.length === 0)
    refuse(`\`${type}\` needs \`condition.field\``, at('condition'));
  if (type === 'value_percentile' && !(percentile !== undefined && percentile >= 0 && percentile <= 100)) {
    refuse('`value_percentile` needs `condition.percentile` from 0 to 100', at('condition'));
  }
  const generate = block['generate'] ?? content['generate'] ?? false;
  if (typeof generate !== 'boolean') refuse('`generate` must be true or false', at('generate'));
  return {
    kind: 'correlation',
    ...header,
    type,
    rules,
    groupBy,
    aliases: readAliases(block['aliases'], at('aliases')),
    // A beacon is judged day by day, whatever is written.
    timespan_ms:
      own?.type === 'beacon' && block['timespan'] === undefined
        ? (UNIT_MS['d'] as number)
        : readTimespan(block['timespan'], at('timespan')),
    condition: bounds,
    field,
    ...(percentile === undefined ? {} : { percentile }),
    ...(own?.type === 'first_seen' ? { learn_until: Date.parse(own.learn_until) } : {}),
    ...(own?.type === 'beacon' ? { beacon: { least: own.least, score: own.score } } : {}),
    ...(extended ? { extended } : {}),
    generate: generate === true,
  };
}

function isMapping(node: unknown): node is Record<string, unknown> {
  return node !== null && typeof node === 'object' && !Array.isArray(node);
}

function readTexts(value: unknown, key: string, place: Place): string[] {
  if (value === undefined || value === null) return [];
  const elements = Array.isArray(value) ? (value as unknown[]) : [value];
  return elements.map((element) => {
    if (typeof element !== 'string')
      throw sigmaError('SIGMA_CORRELATION', `\`${key}\` must be a list of texts`, place);
    return element;
  });
}

function readBounds(
  written: Record<string, unknown>,
  place: Place,
): { bounds: CorrelationRule['condition']; field: string[]; percentile: number | undefined } {
  const bounds: { with: CorrelationOperator; value: number }[] = [];
  let field: string[] = [];
  let percentile: number | undefined;
  for (const [key, value] of Object.entries(written)) {
    const operator = OPERATORS.find((known) => known === key);
    if (key === 'field') field = readTexts(value, 'field', place);
    else if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw sigmaError('SIGMA_CORRELATION', `\`condition.${key}\` must be a number`, place);
    } else if (key === 'percentile') percentile = value;
    else if (operator) bounds.push({ with: operator, value });
    else throw sigmaError('SIGMA_CORRELATION', `unknown key \`condition.${key}\``, place);
  }
  return { bounds, field, percentile };
}

function readAliases(value: unknown, place: Place): CorrelationRule['aliases'] {
  if (value === undefined || value === null) return {};
  if (!isMapping(value)) throw sigmaError('SIGMA_CORRELATION', '`aliases` must be a mapping', place);
  for (const of of Object.values(value)) {
    if (!isMapping(of) || Object.values(of).some((field) => typeof field !== 'string')) {
      throw sigmaError('SIGMA_CORRELATION', 'an alias maps rules to field names', place);
    }
  }
  return value as Record<string, Record<string, string>>;
}

/** `10s`, `5m`, `1h`, `30d`, `2w`, `1M` (30 days), `1y` (365 days); zero is refused (SEMANTICS, Correlation). */
function readTimespan(value: unknown, place: Place): number {
  const match = typeof value === 'string' ? /^(\d+)([smhdwMy])$/.exec(value) : null;
  const span = match ? Number(match[1]) * (UNIT_MS[match[2] as string] ?? 0) : 0;
  if (span <= 0)
    throw sigmaError(
      'SIGMA_CORRELATION',
      '`timespan` must be like `10m`: a number above 0 and s, m, h, d, w, M or y',
      place,
    );
  return span;
}
