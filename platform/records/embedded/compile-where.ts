// Compiles an Expression to SQL that finds every record it matches and perhaps more; the reference matcher checks the rest.
import type { Expression, Leaf, Test } from '../../core/expression/expression.ts';
import { splitField } from '../../core/fields.ts';
import { PLAIN_STEP } from '../check-record.ts';

export interface WhereSql {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

const ALL: WhereSql = { sql: '1', parameters: [] };

const PRINTABLE_ASCII = /^[ -~]*$/;

/** A condition over the JSONB column `value` that holds for at least all records that `expression` matches. */
export function compileWhere(expression: Expression): WhereSql {
  switch (expression.op) {
    case 'constant':
      return expression.value ? ALL : { sql: '0', parameters: [] };
    case 'not':
      // The negation of "perhaps more" would be "perhaps fewer".
      return ALL;
    case 'and':
      return join(expression.of.map(compileWhere), 'AND', '1');
    case 'or':
      return join(expression.of.map(compileWhere), 'OR', '0');
    default:
      return compileLeaf(expression);
  }
}

function join(parts: readonly WhereSql[], word: 'AND' | 'OR', none: '0' | '1'): WhereSql {
  if (parts.length === 0) return { sql: none, parameters: [] };
  return {
    sql: `(${parts.map(({ sql }) => sql).join(` ${word} `)})`,
    parameters: parts.flatMap(({ parameters }) => parameters),
  };
}

function compileLeaf({ field, test }: Leaf): WhereSql {
  const steps = splitField(field);
  if (test.kind === 'null' || !steps.every((step) => PLAIN_STEP.test(step))) return ALL;
  const path = jsonPath(steps);
  const here = compileScalar(test, path);
  return { sql: `(${here.sql} OR ${irregular(steps)})`, parameters: here.parameters };
}

/** The condition when the path leads through objects to one value. Any other value passes on to the reference matcher. */
function compileScalar(test: Test, path: string): WhereSql {
  const type = `json_type(value, '${path}')`;
  const extract = `json_extract(value, '${path}')`;
  const present = { sql: `ifnull(${type} <> 'null', 0)`, parameters: [] };
  switch (test.kind) {
    case 'string': {
      if (test.mode !== 'equals' || !PRINTABLE_ASCII.test(test.value)) return present;
      const number = `ifnull(${type} IN ('integer', 'real', 'true', 'false'), 0)`;
      // SQLite lowers ASCII only; of what lies beyond, the Kelvin sign alone lowers into it.
      const text = test.cased ? extract : `lower(replace(${extract}, char(8490), 'k'))`;
      return {
        sql: `(${number} OR ifnull(${type} = 'text' AND ${text} = ?, 0))`,
        parameters: [test.cased ? test.value : test.value.toLowerCase()],
      };
    }
    case 'number':
      return {
        sql: `ifnull(${type} = 'text' OR ${type} IN ('integer', 'real') AND ${extract} = ?, 0)`,
        parameters: [test.value],
      };
    case 'compare': {
      if (typeof test.value !== 'number') return present;
      const operator = { lt: '<', lte: '<=', gt: '>', gte: '>=' }[test.with];
      return {
        sql: `ifnull(${type} = 'text' OR ${type} IN ('integer', 'real') AND ${extract} ${operator} ?, 0)`,
        parameters: [test.value],
      };
    }
    case 'boolean':
      return { sql: `ifnull(${type} IN ('text', '${test.value}'), 0)`, parameters: [] };
    default:
      return present;
  }
}

/** Holds when an array or a key with dots lies on the way, which JSON paths do not follow as readField does. */
function irregular(steps: readonly string[]): string {
  const conditions: string[] = [];
  for (let start = 0; start < steps.length; start++) {
    const before = steps.slice(0, start);
    conditions.push(
      `ifnull(json_type(value, '${jsonPath([...before, steps[start] as string])}') = 'array', 0)`,
    );
    for (let end = start + 2; end <= steps.length; end++) {
      const joined = steps.slice(start, end).join('.');
      conditions.push(`json_type(value, '${jsonPath([...before, joined])}') IS NOT NULL`);
    }
  }
  return conditions.join(' OR ');
}

/** A JSON path of quoted steps; undefined behaviour for steps with quotes, which callers keep out. */
export function jsonPath(steps: readonly string[]): string {
  return `$${steps.map((step) => `."${step}"`).join('')}`;
}
