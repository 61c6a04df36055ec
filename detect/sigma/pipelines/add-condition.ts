// The transformation `add_condition`: further items joined to every condition of a rule.
import type { Place } from '../../../platform/core/errors.ts';
import { parseSelection } from '../parse-detection.ts';
import type { Condition, DetectionNode, Logsource } from '../rule.ts';
import { markApplied } from './replace-item.ts';
import type { Transformation } from './transformations.ts';
import type { WorkItem, WorkRule } from './work-rule.ts';

type AddCondition = Extract<Transformation, { type: 'add_condition' }>;

/** The items as a selection; field names may carry modifiers. @throws PicketError of parseSelection */
export function readConditions(
  transformation: AddCondition,
  logsource: Logsource,
  place: Place,
): DetectionNode {
  const fill = (value: unknown): unknown =>
    typeof value !== 'string'
      ? value
      : value.replaceAll(
          /\$(?:\{(category|product|service)\}|(category|product|service)\b)/g,
          // What the rule does not say is Python's None in pySigma's template; here it is empty.
          (_, a?: 'category', b?: 'category') => logsource[a ?? b ?? 'category'] ?? '',
        );
  const conditions = transformation.template
    ? Object.fromEntries(
        Object.entries(transformation.conditions).map(([field, value]) => [
          field,
          Array.isArray(value) ? value.map(fill) : fill(value),
        ]),
      )
    : transformation.conditions;
  return parseSelection(conditions, [], () => place);
}

export function addCondition(options: {
  work: WorkRule;
  transformation: AddCondition;
  id: string | undefined;
  place: Place;
}): void {
  const { work, transformation, id, place } = options;
  const mark = (node: DetectionNode): DetectionNode =>
    node.kind === 'item' ? markApplied(node as WorkItem, id) : { ...node, of: node.of.map(mark) };
  let name = transformation.name ?? '_added';
  for (let at = 1; work.selections.has(name); at++) name = `${transformation.name ?? '_added'}_${at}`;
  work.selections.set(name, mark(readConditions(transformation, work.logsource, place)));
  const selection: Condition = { op: 'selection', name };
  const added: Condition = transformation.negated ? { op: 'not', of: selection } : selection;
  work.conditions = work.conditions.map((condition) => ({ op: 'and', of: [added, condition] }));
}
