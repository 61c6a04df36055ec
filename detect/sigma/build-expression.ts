// Detection trees and conditions become the one Expression type.
import { allOf, anyOf, type Expression, type Test } from '../../platform/core/expression/expression.ts';
import { sigmaError } from './problem.ts';
import type { Condition, DetectionItem, DetectionNode, SigmaValue } from './rule.ts';
import { openText, placeholdersOf, toStringTest } from './sigma-text.ts';

/** @throws PicketError SIGMA_PLACEHOLDER for a placeholder that no pipeline replaced, SIGMA_VALUE */
export function buildDetection(node: DetectionNode): Expression {
  if (node.kind === 'item') return buildItem(node);
  const of = node.of.map(buildDetection);
  return node.linking === 'all' ? allOf(of) : anyOf(of);
}

function buildItem(item: DetectionItem): Expression {
  const of = item.values.map((value) => buildValue(item, value));
  const joined = item.linking === 'all' ? allOf(of) : anyOf(of);
  return item.negated ? { op: 'not', of: joined } : joined;
}

function buildValue(item: DetectionItem, value: SigmaValue): Expression {
  const field = item.field ?? '*';
  const leaf = (test: Test): Expression => ({ op: 'leaf', field, test });
  const cased = 'cased' in value && value.cased ? { cased: true } : {};
  switch (value.type) {
    case 'any':
      return anyOf(value.of.map((alternative) => buildValue(item, alternative)));
    case 'text': {
      refusePlaceholder(placeholdersOf(value.text)[0], item);
      // A keyword is looked for inside every value of the event.
      const text =
        item.field === undefined ? openText(value.text, { before: true, after: true }) : value.text;
      const test = toStringTest(text);
      return leaf(test.kind === 'everything' ? { kind: 'exists' } : { ...test, ...cased });
    }
    case 'number':
      return item.field === undefined
        ? leaf({ kind: 'string', mode: 'contains', value: String(value.value) })
        : leaf({ kind: 'number', value: value.value });
    case 'boolean':
      return leaf({ kind: 'boolean', value: value.value });
    case 'null':
      return leaf({ kind: 'null' });
    case 'exists':
      return leaf({ kind: value.value ? 'exists' : 'null' });
    case 'regex':
      if (value.template) refusePlaceholder(placeholdersOf(value.template)[0], item);
      return leaf({
        kind: 'regex',
        pattern: value.pattern,
        ...(value.flags === '' ? {} : { flags: value.flags }),
      });
    case 'cidr':
      return leaf({ kind: 'cidr', value: value.value });
    case 'compare':
      return leaf({ kind: 'compare', with: value.with, value: value.value });
    case 'field':
      return leaf({ kind: 'field', mode: value.mode, other: value.other, ...cased });
    case 'time_part':
      return leaf({ kind: 'time_part', part: value.part, value: value.value });
  }
}

function refusePlaceholder(placeholder: string | undefined, item: DetectionItem): void {
  if (placeholder === undefined) return;
  throw sigmaError('SIGMA_PLACEHOLDER', `no pipeline gives a value for \`%${placeholder}%\``, item.place);
}

/** A condition over the expressions of its selections. */
export function buildCondition(
  condition: Condition,
  selections: ReadonlyMap<string, Expression>,
): Expression {
  switch (condition.op) {
    case 'selection':
      return selections.get(condition.name) ?? { op: 'constant', value: false };
    case 'not':
      return { op: 'not', of: buildCondition(condition.of, selections) };
    case 'and':
      return allOf(condition.of.map((part) => buildCondition(part, selections)));
    case 'or':
      return anyOf(condition.of.map((part) => buildCondition(part, selections)));
  }
}
