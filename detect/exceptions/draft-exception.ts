// Writes the text of an exception for a rule from field values that should be hidden.
import { fieldsOf } from '../../platform/core/expression/expression.ts';
import { mapRule } from '../sigma/map-rule.ts';
import type { Pipeline } from '../sigma/pipelines/pipeline.ts';
import type { DetectionNode, SigmaRule } from '../sigma/rule.ts';

export interface FieldValue {
  /** As events have it. */
  readonly field: string;
  readonly value: string;
}

export interface ExceptionDraft {
  readonly id: string;
  readonly title: string;
  readonly author: string;
  readonly reason: string;
  /** ISO 8601 date or instant; left out for one without an end. */
  readonly expires?: string | undefined;
  readonly rule: SigmaRule;
  readonly pipelines: readonly Pipeline[];
  /** All must be there for a match to be hidden. */
  readonly values: readonly FieldValue[];
}

/**
 * A Sigma filter as YAML. `unnamed` are fields that no name of a filter leads to through the rule's pipelines;
 * they are left out, which makes the exception wider: the caller must say so.
 */
export function draftException(draft: ExceptionDraft): { text: string; unnamed: string[] } {
  const { rule, pipelines, values } = draft;
  const named = values.map(({ field, value }) => ({
    field,
    value,
    name: nameField({ field, rule, pipelines }),
  }));
  const used = named.filter((one): one is typeof one & { name: string } => one.name !== undefined);
  const { product, category, service } = rule.logsource;
  const logsource = Object.entries({ product, category, service }).flatMap(([key, value]) =>
    value === undefined ? [] : [`  ${key}: ${scalar(value)}`],
  );
  const lines = [
    `title: ${scalar(draft.title)}`,
    `id: ${draft.id}`,
    `author: ${scalar(draft.author)}`,
    'logsource:',
    ...logsource,
    'filter:',
    `  rules: [${scalar(rule.id)}]`,
    '  selection:',
    ...used.map(({ name, value }) => `    ${scalar(name)}: ${scalar(escapeSigma(value))}`),
    '  condition: not selection',
    'picket:',
    `  reason: ${scalar(draft.reason)}`,
    ...(draft.expires === undefined ? [] : [`  expires: ${scalar(draft.expires)}`]),
  ];
  return {
    text: `${lines.join('\n')}\n`,
    unnamed: named.filter(({ name }) => name === undefined).map(({ field }) => field),
  };
}

/** A text that Sigma reads as exactly these characters: no wildcard, no escape. */
export function escapeSigma(text: string): string {
  return text.replaceAll(/[\\*?]/g, String.raw`\$&`);
}

/** A YAML scalar: JSON's texts are YAML's. */
function scalar(text: string): string {
  return JSON.stringify(text);
}

/** What a filter must write so that the rule's pipelines make `field` of it. */
function nameField(options: {
  field: string;
  rule: SigmaRule;
  pipelines: readonly Pipeline[];
}): string | undefined {
  const { field, rule, pipelines } = options;
  const parts = field.split('.');
  // The name itself, what is left of it without a prefix, and the names that the rule writes.
  const candidates = new Set([
    field,
    ...parts.map((_, at) => parts.slice(at).join('.')),
    ...[...rule.selections.values()].flatMap(namesOf),
  ]);
  return [...candidates].find((name) => mapName({ name, rule, pipelines }) === field);
}

function namesOf(node: DetectionNode): string[] {
  if (node.kind === 'group') return node.of.flatMap(namesOf);
  return node.field === undefined ? [] : [node.field];
}

/** The one field that pipelines make of a name; undefined when there are several. */
function mapName(options: {
  name: string;
  rule: SigmaRule;
  pipelines: readonly Pipeline[];
}): string | undefined {
  const { name, rule, pipelines } = options;
  const probe: SigmaRule = {
    ...rule,
    selections: new Map([
      [
        'probe',
        {
          kind: 'item',
          field: name,
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
  const fields = selection ? fieldsOf(selection) : [];
  return fields.length === 1 ? fields[0] : undefined;
}
