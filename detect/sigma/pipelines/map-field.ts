// Renames the field of a detection item, and the fields it refers to; several new names become alternatives.
import type { DetectionNode, SigmaValue } from '../rule.ts';
import type { WorkItem, WorkRule } from './conditions.ts';
import type { Transformation } from './transformations.ts';

export function mapField(options: {
  detection: WorkItem;
  transformation: Transformation;
  fieldHolds: (field: string | undefined) => boolean;
  work: WorkRule;
  id: string | undefined;
}): DetectionNode {
  const { detection, transformation, fieldHolds, work, id } = options;
  const rename = (field: string): readonly string[] | undefined => {
    if (!fieldHolds(field)) return undefined;
    const names = newNames(transformation, field);
    for (const name of names ?? []) {
      const applied = work.fieldApplied.get(name) ?? new Set();
      if (id !== undefined) applied.add(id);
      work.fieldApplied.set(name, applied);
    }
    return names;
  };
  const values = detection.values.map((value) => renameReference(value, rename));
  const names = detection.field === undefined ? undefined : rename(detection.field);
  if (!names && values.every((value, at) => value === detection.values[at])) return detection;
  const applied = id === undefined ? (detection.applied ?? []) : [...(detection.applied ?? []), id];
  const renamed = (names ?? [detection.field]).map(
    (field): WorkItem => ({ ...detection, field, values, applied }),
  );
  if (renamed.length === 1) return renamed[0] as WorkItem;
  // `not (a or b)` for a denied item: each alternative is denied, and all must hold.
  return { kind: 'group', linking: detection.negated ? 'all' : 'any', of: renamed };
}

function renameReference(
  value: SigmaValue,
  rename: (field: string) => readonly string[] | undefined,
): SigmaValue {
  if (value.type !== 'field') return value;
  const names = rename(value.other);
  if (!names) return value;
  if (names.length === 1) return { ...value, other: names[0] as string };
  return { type: 'any', of: names.map((other) => ({ ...value, other })) };
}

function newNames(transformation: Transformation, field: string): readonly string[] | undefined {
  switch (transformation.type) {
    case 'field_name_mapping':
      return Object.hasOwn(transformation.mapping, field) ? transformation.mapping[field] : undefined;
    case 'field_name_prefix_mapping': {
      const found = Object.entries(transformation.mapping).find(([prefix]) => field.startsWith(prefix));
      return found?.[1].map((prefix) => `${prefix}${field.slice(found[0].length)}`);
    }
    case 'field_name_prefix':
      return [`${transformation.prefix}${field}`];
    case 'field_name_suffix':
      return [`${field}${transformation.suffix}`];
    default:
      return undefined;
  }
}
