// Reads rules/entities/entity-fields.yaml: which fields key a plain rule's alerts, and which name entities.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { describeIssue } from '../../platform/core/config.ts';
import { type Entity, EntityType, entityKey, makeEntity } from '../../platform/core/entity.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import { compileRegex, compileStringTest, scalarText } from '../../platform/core/expression/compile.ts';
import { type FieldPath, readField, splitField } from '../../platform/core/fields.ts';
import { parseYaml } from '../../platform/core/yaml.ts';

/** The schema of the file. */
export const EntityFields = z.strictObject({
  keys: z.array(z.strictObject({ dataset: z.string(), fields: z.array(z.string().min(1)).min(1) })),
  entities: z.array(
    z.strictObject({
      type: EntityType,
      /** One field (each of its values is an entity) or several whose first values are joined. */
      fields: z.array(z.string().min(1)).min(1),
      join: z.string().optional(),
      dataset: z.string().optional(),
      /** Field → accepted values (any case). */
      where: z.record(z.string(), z.array(z.string())).optional(),
      /** Only when this field has no value. */
      absent: z.string().optional(),
      /** Regular expressions over the value, ignoring case. */
      unless: z.string().optional(),
      matching: z.string().optional(),
      /** What to make of a match: `$1/$2`. */
      as: z.string().optional(),
    }),
  ),
});
export type EntityFields = z.infer<typeof EntityFields>;

export interface EntityTable {
  /** Key fields of a plain rule for events of a dataset. */
  keyFields(dataset: string): readonly string[];
  /** Entities that an event names, each once, in the table's order, at most MAX_ENTITIES. */
  entitiesOf(event: PicketEvent): Entity[];
}

/** More entities than this of one event say nothing more. */
export const MAX_ENTITIES = 32;

/** Reads and compiles the table. @throws PicketError YAML_INVALID or ENTITY_FIELDS_INVALID with its place */
export function loadEntityTable(file: string): EntityTable {
  const document = parseYaml({ text: readFileSync(file, 'utf8'), file });
  const parsed = EntityFields.safeParse(document.value);
  if (!parsed.success) {
    const [problem] = parsed.error.issues.flatMap((issue) => describeIssue(issue, document));
    throw new PicketError({
      code: 'ENTITY_FIELDS_INVALID',
      message: problem?.message ?? 'not a table of entity fields',
      place: problem?.place ?? { file },
    });
  }
  return compileEntityTable(parsed.data);
}

/** Compiles the table once. @throws PicketError EXPRESSION_INVALID for a regular expression that cannot be read */
export function compileEntityTable(table: EntityFields): EntityTable {
  const keys = table.keys.map(({ dataset, fields }) => ({ fits: patternOf(dataset), fields }));
  const readers = table.entities.map(compileEntry);
  const remembered = new Map<string, readonly string[]>();
  return {
    keyFields(dataset) {
      let fields = remembered.get(dataset);
      if (!fields) {
        fields = keys.find(({ fits }) => fits(dataset))?.fields ?? ['host.name'];
        remembered.set(dataset, fields);
      }
      return fields;
    },
    entitiesOf(event) {
      const cluster = readField(event, CLUSTER).map(scalarText)[0];
      const context = { tenant: event.picket.tenant, site: event.picket.site.id, cluster };
      const entities = new Map<string, Entity>();
      for (const reader of readers) {
        for (const value of reader.read(event)) {
          const entity = makeEntity(reader.type, value, context);
          if (entity && entities.size < MAX_ENTITIES) entities.set(entityKey(entity), entity);
        }
      }
      return [...entities.values()];
    },
  };
}

const CLUSTER = splitField('orchestrator.cluster.name');

function patternOf(dataset: string): (name: string) => boolean {
  return compileStringTest('wildcard', dataset, false);
}

function compileEntry(entry: EntityFields['entities'][number]): {
  type: EntityType;
  read: (event: PicketEvent) => string[];
} {
  const paths = entry.fields.map(splitField);
  const fits = entry.dataset === undefined ? () => true : patternOf(entry.dataset);
  const where = Object.entries(entry.where ?? {}).map(([field, accepted]) => ({
    path: splitField(field),
    accepted: new Set(accepted.map((text) => text.toLowerCase())),
  }));
  const absent = entry.absent === undefined ? undefined : splitField(entry.absent);
  const unless = entry.unless === undefined ? undefined : compileRegex(entry.unless, 'i');
  const matching = entry.matching === undefined ? undefined : compileRegex(entry.matching, 'i');
  return {
    type: entry.type,
    read(event) {
      if (!fits(event.event.dataset)) return [];
      if (absent && textsAt(event, absent).length > 0) return [];
      if (
        where.some(
          ({ path, accepted }) => !textsAt(event, path).some((text) => accepted.has(text.toLowerCase())),
        )
      )
        return [];
      let values: string[];
      if (paths.length === 1) values = textsAt(event, paths[0] as FieldPath);
      else {
        const parts = paths.map((path) => textsAt(event, path)[0]);
        values = parts.includes(undefined) ? [] : [parts.join(entry.join ?? '/')];
      }
      if (unless) values = values.filter((value) => !unless.test(value));
      if (matching)
        values = values
          .filter((value) => matching.test(value))
          .map((value) => (entry.as === undefined ? value : value.replace(matching, entry.as)));
      return values;
    },
  };
}

function textsAt(event: PicketEvent, path: FieldPath): string[] {
  return readField(event, path)
    .map(scalarText)
    .filter((text) => text !== undefined && text !== '') as string[];
}
