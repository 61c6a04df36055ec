// The fields that sealed blocks keep as columns, so that filters, counts and top values over them need no event body.

import { type Expression, fieldsOf } from '../../core/expression/expression.ts';
import { type FieldPath, readField, splitField } from '../../core/fields.ts';

/** ECS fields that analysts and rules ask for most. Stored blocks name their own columns, so this list may change freely. */
export const COLUMN_FIELDS: readonly string[] = [
  'event.action',
  'event.category',
  'event.code',
  'event.dataset',
  'event.kind',
  'event.module',
  'event.outcome',
  'event.provider',
  'event.type',
  'host.name',
  'user.name',
  'user.domain',
  'user.id',
  'source.ip',
  'source.port',
  'source.address',
  'destination.ip',
  'destination.port',
  'destination.address',
  'network.transport',
  'process.name',
  'process.executable',
  'process.parent.name',
  'process.parent.executable',
  'file.path',
  'http.response.status_code',
  'dns.question.name',
  'rule.name',
  'log.level',
  'container.image.name',
  'orchestrator.namespace',
  'orchestrator.resource.name',
  'orchestrator.resource.type',
  'picket.site.id',
  'picket.source.id',
  'picket.class',
  'picket.jurisdiction',
];

const PATHS: ReadonlyMap<string, FieldPath> = new Map(
  COLUMN_FIELDS.map((field) => [field, splitField(field)]),
);

/** One column of a block: the distinct value lists, and which of them each row has (all the first without `at`). */
export interface Column {
  readonly lists: readonly (readonly unknown[])[];
  readonly at: Uint8Array | undefined;
}

/** Strings longer than this are left to the body. */
const MAX_COLUMN_TEXT = 512;

/** Builds the column of a field over at most 256 documents; `body` when some value is too large or no scalar; undefined when no document has it. */
export function buildColumn(field: string, documents: readonly unknown[]): Column | 'body' | undefined {
  const path = PATHS.get(field) ?? splitField(field);
  const places = new Map<string, number>();
  const lists: unknown[][] = [];
  const at = new Uint8Array(documents.length);
  for (const [row, document] of documents.entries()) {
    const values = readField(document, path);
    for (const value of values) {
      if (value !== null && typeof value === 'object') return 'body';
      if (typeof value === 'string' && value.length > MAX_COLUMN_TEXT) return 'body';
    }
    const [only] = values;
    // The usual shapes get their key without a serialiser; the first letter keeps the shapes apart.
    const key =
      values.length === 0
        ? ''
        : values.length === 1 && typeof only === 'string'
          ? `s${only}`
          : JSON.stringify(values);
    let place = places.get(key);
    if (place === undefined) {
      place = lists.length;
      places.set(key, place);
      lists.push(values);
    }
    at[row] = place;
  }
  if (lists.length === 1) return lists[0]?.length === 0 ? undefined : { lists, at: undefined };
  return { lists, at };
}

/** The column fields that an expression speaks of, if it speaks of nothing else; undefined when bodies are needed. */
export function columnFieldsOf(expression: Expression): string[] | undefined {
  if (usesEverything(expression)) return undefined;
  const fields = fieldsOf(expression);
  return fields.every((field) => PATHS.has(field)) ? fields : undefined;
}

function usesEverything(expression: Expression): boolean {
  switch (expression.op) {
    case 'leaf':
      return expression.field === '*';
    case 'not':
      return usesEverything(expression.of);
    case 'constant':
      return false;
    default:
      return expression.of.some(usesEverything);
  }
}
