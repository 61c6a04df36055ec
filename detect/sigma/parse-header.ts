// Reads what rules and correlation rules have in common: id, title, level, tags, and our own `picket:` block.
import { z } from 'zod';
import { canonicalJson, contentHash } from '../../platform/core/canonical-json.ts';
import type { Place } from '../../platform/core/errors.ts';
import { LEVELS } from '../../platform/core/names.ts';
import type { YamlDocument } from '../../platform/core/yaml.ts';
import { sigmaError } from './problem.ts';
import { type PicketAttributes, type RuleHeader, STATUSES } from './rule.ts';

/** Our block: strict, since it is ours. */
export const PicketBlock = z.strictObject({
  scope: z.enum(['site', 'fleet']).default('site'),
  entity_fields: z.array(z.string().min(1)).default([]),
  guide: z.string().optional(),
  test_source: z.string().optional(),
  correlation: z
    .discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('first_seen'),
        field: z.union([
          z
            .string()
            .min(1)
            .transform((name) => [name]),
          z.array(z.string().min(1)).min(1),
        ]),
        /** ISO 8601; YAML may have read it as a date. */
        learn_until: z.union([
          z.date().transform((date) => date.toISOString()),
          z.iso.date(),
          z.iso.datetime(),
        ]),
      }),
      z.strictObject({ type: z.literal('absence') }),
      z.strictObject({
        type: z.literal('beacon'),
        least: z.number().int().min(3).default(24),
        score: z.number().gt(0).max(1).default(0.8),
      }),
    ])
    .optional(),
});

/** Keys of the three kinds of documents that the specification names, and our own block. */
const KNOWN_KEYS = new Set(
  'id title name status level description author date modified license references tags falsepositives fields related picket logsource detection correlation filter taxonomy scope generate'.split(
    ' ',
  ),
);

/** One document of a rule file: plain data and the places of its keys. */
export interface RuleDocument {
  readonly content: Record<string, unknown>;
  readonly placeOf: YamlDocument['placeOf'];
}

/** @throws PicketError SIGMA_TITLE, SIGMA_FIELD_TYPE, SIGMA_LEVEL, SIGMA_STATUS, SIGMA_PICKET_BLOCK with the place */
export function parseHeader({ content, placeOf }: RuleDocument): RuleHeader {
  const text = (key: string): string | undefined => {
    const value = content[key];
    if (value === undefined || value === null) return undefined;
    if (value instanceof Date) return value.toISOString().slice(0, 10);
    if (typeof value === 'object')
      throw sigmaError('SIGMA_FIELD_TYPE', `\`${key}\` must be a text`, placeOf([key]));
    return String(value as string | number | boolean);
  };
  const list = (key: string): string[] => {
    const value = content[key];
    if (value === undefined || value === null) return [];
    const elements = Array.isArray(value) ? (value as unknown[]) : [value];
    return elements.map((element, at) => {
      if (element === null || typeof element === 'object') {
        throw sigmaError(
          'SIGMA_FIELD_TYPE',
          `\`${key}\` must be a list of texts`,
          placeOf([key, String(at)]),
        );
      }
      return String(element as string | number | boolean);
    });
  };
  const title = text('title');
  if (!title) throw sigmaError('SIGMA_TITLE', '`title` is missing', placeOf(['title']));
  const level =
    content['level'] === undefined
      ? 'medium'
      : oneOf(content['level'], LEVELS, 'SIGMA_LEVEL', placeOf(['level']));
  const status =
    content['status'] === undefined
      ? undefined
      : oneOf(content['status'], STATUSES, 'SIGMA_STATUS', placeOf(['status']));
  const optional = Object.fromEntries(
    (['name', 'description', 'author', 'date', 'modified', 'license'] as const).flatMap((key) => {
      const value = text(key);
      return value === undefined ? [] : [[key, value]];
    }),
  ) as Partial<Pick<RuleHeader, 'name' | 'description' | 'author' | 'date' | 'modified' | 'license'>>;
  const custom = Object.entries(content).filter(([key]) => !KNOWN_KEYS.has(key));
  return {
    ...optional,
    id: text('id') ?? titleId(title),
    title,
    level,
    ...(status === undefined ? {} : { status }),
    references: list('references'),
    tags: list('tags'),
    falsepositives: list('falsepositives'),
    fields: list('fields'),
    related: readRelated(content['related'], placeOf(['related'])),
    picket: readPicketBlock(content['picket'], placeOf),
    ...(custom.length === 0 ? {} : { custom: Object.fromEntries(custom) }),
    place: placeOf([]),
    version: contentHash(toPlain(content)),
  };
}

/** A stand-in for a missing id, stable as long as the title is: UUID-shaped, from the title's hash. */
function titleId(title: string): string {
  const hash = contentHash(canonicalJson({ title }));
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], code: string, place: Place): T {
  const found = allowed.find(
    (candidate) => candidate === (typeof value === 'string' ? value.toLowerCase() : value),
  );
  if (found === undefined) {
    throw sigmaError(code, `\`${String(value)}\` is none of ${allowed.join(', ')}`, place);
  }
  return found;
}

function readRelated(value: unknown, place: Place): RuleHeader['related'] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw sigmaError('SIGMA_FIELD_TYPE', '`related` must be a list', place);
  return (value as unknown[]).map((element) => {
    const related = element as { id?: unknown; type?: unknown } | null;
    if (typeof related?.id !== 'string' || typeof related.type !== 'string') {
      throw sigmaError('SIGMA_FIELD_TYPE', 'each of `related` has an `id` and a `type`', place);
    }
    return { id: related.id, type: related.type };
  });
}

function readPicketBlock(value: unknown, placeOf: RuleDocument['placeOf']): PicketAttributes {
  const parsed = PicketBlock.safeParse(value ?? {});
  if (parsed.success) {
    const { guide, test_source, correlation, ...rest } = parsed.data;
    return {
      ...rest,
      ...(guide === undefined ? {} : { guide }),
      ...(test_source === undefined ? {} : { test_source }),
      ...(correlation === undefined ? {} : { correlation }),
    };
  }
  const [issue] = parsed.error.issues;
  const key = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  throw sigmaError(
    'SIGMA_PICKET_BLOCK',
    issue?.message ?? 'not a valid `picket` block',
    placeOf(['picket', ...(issue?.path ?? []).map(String), ...key]),
  );
}

/** Dates as YAML reads them become text, so that every content has a hash. */
function toPlain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map(toPlain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toPlain(member)]));
}
