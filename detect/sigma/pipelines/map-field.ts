// Renames the field of a detection item, and the fields it refers to; several new names become alternatives.
import type { DetectionNode, SigmaValue } from '../rule.ts';
import { openText } from '../sigma-text.ts';
import { joinParts, markApplied } from './replace-item.ts';
import type { Transformation } from './transformations.ts';
import type { WorkItem, WorkRule } from './work-rule.ts';

/** The key of a mapping that stands for keywords, which have no field (`null:` in YAML). */
const KEYWORDS = 'null';

export function mapField(options: {
  detection: WorkItem;
  transformation: Transformation;
  fieldHolds: (field: string | undefined) => boolean;
  work: WorkRule;
  id: string | undefined;
}): DetectionNode {
  const { detection, transformation, fieldHolds, work, id } = options;
  const rename = (field: string | undefined): readonly string[] | undefined =>
    fieldHolds(field) ? renameField({ field, transformation, work, id }) : undefined;
  const values = detection.values.map((value) => renameReference(value, rename));
  const names = rename(detection.field);
  if (!names && values.every((value, at) => value === detection.values[at])) return detection;
  // A keyword that becomes a field's value is still looked for inside of it.
  const shown = detection.field === undefined && names ? values.map(openKeyword) : values;
  const of = (names ?? [detection.field]).map((field) =>
    markApplied({ ...detection, field, values: shown }, id),
  );
  return joinParts({ of, linking: 'any', negated: detection.negated });
}

/** The `fields` list of the rule by the same mapping. */
export function mapFieldList(options: {
  transformation: Transformation;
  fieldHolds: (field: string) => boolean;
  work: WorkRule;
  id: string | undefined;
}): void {
  const { transformation, fieldHolds, work, id } = options;
  work.fields = work.fields.flatMap((field) =>
    fieldHolds(field) ? (renameField({ field, transformation, work, id }) ?? [field]) : [field],
  );
}

function renameField(options: {
  field: string | undefined;
  transformation: Transformation;
  work: WorkRule;
  id: string | undefined;
}): readonly string[] | undefined {
  const { field, transformation, work, id } = options;
  const names = newNames(transformation, field);
  if (!names) return undefined;
  const before = field === undefined ? [] : [...(work.fieldApplied.get(field) ?? [])];
  for (const name of names) {
    work.fieldApplied.set(
      name,
      new Set([...(work.fieldApplied.get(name) ?? []), ...before, ...(id === undefined ? [] : [id])]),
    );
    work.mapped.add(name);
  }
  return names;
}

function renameReference(
  value: SigmaValue,
  rename: (field: string) => readonly string[] | undefined,
): SigmaValue {
  if (value.type === 'any') {
    const of = value.of.map((one) => renameReference(one, rename));
    return of.every((one, at) => one === value.of[at]) ? value : { type: 'any', of };
  }
  if (value.type !== 'field') return value;
  const names = rename(value.other);
  if (!names) return value;
  if (names.length === 1) return { ...value, other: names[0] as string };
  return { type: 'any', of: names.map((other) => ({ ...value, other })) };
}

function openKeyword(value: SigmaValue): SigmaValue {
  if (value.type === 'any') return { type: 'any', of: value.of.map(openKeyword) };
  if (value.type === 'number') return openKeyword({ type: 'text', text: [String(value.value)] });
  return value.type === 'text'
    ? { ...value, text: openText(value.text, { before: true, after: true }) }
    : value;
}

function newNames(transformation: Transformation, field: string | undefined): readonly string[] | undefined {
  switch (transformation.type) {
    case 'field_name_mapping': {
      const key = field ?? KEYWORDS;
      const names = Object.hasOwn(transformation.mapping, key) ? transformation.mapping[key] : undefined;
      return names?.length === 0 ? undefined : names;
    }
    case 'field_name_prefix_mapping': {
      if (field === undefined) return undefined;
      const found = Object.entries(transformation.mapping).find(([prefix]) => field.startsWith(prefix));
      return found?.[1].map((prefix) => `${prefix}${field.slice(found[0].length)}`);
    }
    case 'field_name_prefix':
      return field === undefined ? undefined : [`${transformation.prefix}${field}`];
    case 'field_name_suffix':
      return field === undefined ? undefined : [`${field}${transformation.suffix}`];
    default:
      return undefined;
  }
}
