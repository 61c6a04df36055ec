// Puts compiled Sigma rules and parsed correlation rules together into what a detector works with.

import { describeError, describePlace, errorCode, PicketError } from '../../platform/core/errors.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import { fieldsOf } from '../../platform/core/expression/expression.ts';
import type { CorrelationDefinition } from '../correlate/correlation.ts';
import { readCorrelationRule } from '../correlate/read-correlation-rule.ts';
import { describeRule, type LoadedRule } from '../sigma/compile-rules.ts';
import type { SigmaEngine } from '../sigma/engine/engine.ts';
import { mapRule } from '../sigma/map-rule.ts';
import type { Pipeline } from '../sigma/pipelines/pipeline.ts';
import type { CorrelationRule, SigmaRule } from '../sigma/rule.ts';
import type { DetectorRules, RefusedCorrelation } from './route-matches.ts';

/**
 * `engine` holds the plain rules; correlations name them by id or name. Their group-by and value fields go
 * through the pipelines of each rule they name, as the rule's own fields do. Correlations that cannot be
 * read are in `refused`; those that cannot be worked show in the detector's `refused()`.
 */
export function assembleDetectorRules(options: {
  engine: SigmaEngine;
  correlations: readonly LoadedRule<CorrelationRule>[];
  pipelines: readonly Pipeline[];
}): { rules: DetectorRules; refused: RefusedCorrelation[] } {
  const { engine, pipelines } = options;
  const plain = new Map<string, SigmaRule>();
  for (const { mapped } of engine.rules) {
    plain.set(mapped.rule.id, mapped.rule);
    if (mapped.rule.name !== undefined) plain.set(mapped.rule.name, mapped.rule);
  }
  const refused: RefusedCorrelation[] = [];
  const read = new Map<string, CorrelationDefinition>();
  const inner = new Map<string, string>();
  for (const { rule } of options.correlations) {
    inner.set(rule.id, rule.id);
    if (rule.name !== undefined) inner.set(rule.name, rule.id);
  }
  for (const loaded of options.correlations) {
    const { rule } = loaded;
    try {
      const definition = readCorrelationRule({
        rule,
        info: describeRule(loaded, 'correlation'),
        idOf: (reference) => plain.get(reference)?.id ?? inner.get(reference),
      });
      read.set(definition.rule.id, definition);
    } catch (error) {
      refused.push({
        rule: rule.id,
        code: errorCode(error),
        message: describeError(error),
        place: describePlace(error instanceof PicketError ? (error.place ?? rule.place) : rule.place),
      });
    }
  }
  return {
    rules: {
      match: (event) => engine.match(event),
      matchJson: (json) => engine.matchJson<PicketEvent>(json),
      rules: engine.rules.map(({ info }) => info),
      correlations: mapAll({ read, plain, pipelines }),
    },
    refused,
  };
}

/** Maps the fields of all, inner ones before those that name them. */
function mapAll(options: {
  read: ReadonlyMap<string, CorrelationDefinition>;
  plain: ReadonlyMap<string, SigmaRule>;
  pipelines: readonly Pipeline[];
}): CorrelationDefinition[] {
  const { read, plain, pipelines } = options;
  const mapped = new Map<string, CorrelationDefinition>();
  const map = (definition: CorrelationDefinition, path: readonly string[]): CorrelationDefinition => {
    const { id } = definition.rule;
    const known = mapped.get(id);
    if (known) return known;
    const below = [...path, id];
    const innerName = (reference: string, field: string): string => {
      const inner = read.get(reference);
      // A cycle is refused when the correlations are compiled.
      if (!inner || below.includes(reference)) return field;
      const at = inner.group_by.indexOf(field);
      return map(inner, below).group_by[at] ?? field;
    };
    const done = mapFields({ definition, plain, pipelines, innerName });
    mapped.set(id, done);
    return done;
  };
  return [...read.values()].map((definition) => map(definition, []));
}

/** Group-by and value fields as the pipelines name them; where the rules differ, as aliases. */
function mapFields(options: {
  definition: CorrelationDefinition;
  plain: ReadonlyMap<string, SigmaRule>;
  pipelines: readonly Pipeline[];
  /** What a group-by field of an inner correlation is called once mapped. */
  innerName: (reference: string, field: string) => string;
}): CorrelationDefinition {
  const { definition, plain, pipelines, innerName } = options;
  const aliases: Record<string, Record<string, string>> = {};
  const mapName = (name: string): string => {
    const mapped = definition.rules.map((id): [string, string] => {
      const rule = plain.get(id);
      const written = definition.aliases?.[name]?.[id] ?? name;
      return [id, rule ? mapField({ rule, field: written, pipelines }) : innerName(id, written)];
    });
    const distinct = new Set(mapped.map(([, field]) => field));
    const [only] = distinct;
    if (distinct.size === 1 && only !== undefined && !definition.aliases?.[name]) return only;
    aliases[name] = Object.fromEntries(mapped);
    return name;
  };
  const group_by = definition.group_by.map(mapName);
  const fields = (definition.fields ?? []).map(mapName);
  return { ...definition, group_by, fields, aliases };
}

/** What the pipelines make of a field of a rule: shown to them as the field of a selection. */
function mapField(options: { rule: SigmaRule; field: string; pipelines: readonly Pipeline[] }): string {
  const { rule, field, pipelines } = options;
  const probe: SigmaRule = {
    ...rule,
    selections: new Map([
      [
        'probe',
        {
          kind: 'item',
          field,
          modifiers: [],
          values: [{ type: 'exists', value: true }],
          linking: 'any',
          negated: false,
          place: rule.place,
        },
      ],
    ]),
    conditions: [{ op: 'selection', name: 'probe' }],
  };
  const selection = mapRule(probe, pipelines).selections.get('probe');
  return (selection && fieldsOf(selection)[0]) ?? field;
}
