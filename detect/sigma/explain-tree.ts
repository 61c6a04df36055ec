// A rule laid against one event: the condition as a tree, with what was true, and which values the event had.
import { scalarText } from '../../platform/core/expression/compile.ts';
import type { Expression, Leaf } from '../../platform/core/expression/expression.ts';
import { readField, splitField } from '../../platform/core/fields.ts';
import { describeTest, evaluate, valuesPassing } from './explain.ts';
import type { LogsourceRouter } from './logsource-routes.ts';
import type { Condition, Logsource, MappedRule } from './rule.ts';

/** One line of the tree, in the order in which people read it; `depth` says under which it stands. */
export interface ExplainedNode {
  readonly depth: number;
  readonly kind: 'and' | 'or' | 'not' | 'selection' | 'item' | 'constant';
  readonly holds: boolean;
  /** Of a selection. */
  readonly name?: string;
  /** Of an item: after pipelines; `*` is any field (keywords). */
  readonly field?: string;
  /** How an item's values join. */
  readonly linking?: 'any' | 'all';
  /** What the event has at the field, as texts; empty when it has nothing there. */
  readonly actual?: readonly string[];
  /** What the rule wants of it, each with whether some value passes. */
  readonly wanted?: readonly { readonly test: string; readonly holds: boolean }[];
  /** Values that are not shown. */
  readonly more?: number;
}

export interface Explanation {
  /** The rule matches: its condition holds and the event feeds its logsource. */
  readonly matches: boolean;
  readonly holds: boolean;
  /** Whether the event feeds the logsource that the rule asks for, after pipelines. */
  readonly fed: boolean;
  readonly logsource: Logsource;
  readonly nodes: readonly ExplainedNode[];
  /** True when the tree was larger than what is shown. */
  readonly cut: boolean;
}

/** Shown of one rule: lines, values of an item, values of a field, characters of a value. */
const MAX_NODES = 1_000;
const MAX_WANTED = 50;
const MAX_ACTUAL = 20;
const MAX_TEXT = 500;

/** Slow: for one event that a person looks at. Never throws for what the event holds. */
export function explainTree(options: {
  mapped: MappedRule;
  event: object;
  router: LogsourceRouter;
}): Explanation {
  const { mapped, event, router } = options;
  const nodes: ExplainedNode[] = [];
  layCondition({ condition: mapped.condition, mapped, event, nodes, depth: 0 });
  const holds = evaluate(mapped.expression, event);
  const fed = router.select(router.keyOf(event), [mapped.logsource])[0] === true;
  const { product, category, service } = mapped.logsource;
  return {
    matches: holds && fed,
    holds,
    fed,
    logsource: {
      ...(product === undefined ? {} : { product }),
      ...(category === undefined ? {} : { category }),
      ...(service === undefined ? {} : { service }),
    },
    nodes: nodes.slice(0, MAX_NODES),
    cut: nodes.length > MAX_NODES,
  };
}

/** Lays a condition's lines down; tells whether it holds. */
function layCondition(options: {
  condition: Condition;
  mapped: MappedRule;
  event: object;
  nodes: ExplainedNode[];
  depth: number;
}): boolean {
  const { condition, mapped, event, nodes, depth } = options;
  const place = nodes.length;
  const put = (node: Omit<ExplainedNode, 'depth'>): boolean => {
    nodes.splice(place, 0, { depth, ...node });
    return node.holds;
  };
  if (condition.op === 'selection') {
    const expression = mapped.selections.get(condition.name) ?? { op: 'constant', value: false };
    const holds = evaluate(expression, event);
    layExpression({ expression, event, nodes, depth: depth + 1 });
    return put({ kind: 'selection', name: condition.name, holds });
  }
  if (condition.op === 'not') {
    const inner = layCondition({ ...options, condition: condition.of, depth: depth + 1 });
    return put({ kind: 'not', holds: !inner });
  }
  const parts = condition.of.map((part) => layCondition({ ...options, condition: part, depth: depth + 1 }));
  const holds = condition.op === 'and' ? parts.every(Boolean) : parts.some(Boolean);
  return put({ kind: condition.op, holds });
}

function layExpression(options: {
  expression: Expression;
  event: object;
  nodes: ExplainedNode[];
  depth: number;
}): void {
  const { expression, event, nodes, depth } = options;
  if (nodes.length > MAX_NODES) return;
  const holds = evaluate(expression, event);
  const item = asItem(expression);
  if (item) {
    nodes.push({ depth, kind: 'item', holds, ...explainItem(item, event) });
    return;
  }
  switch (expression.op) {
    case 'constant':
      nodes.push({ depth, kind: 'constant', holds });
      return;
    case 'not':
      nodes.push({ depth, kind: 'not', holds });
      layExpression({ ...options, expression: expression.of, depth: depth + 1 });
      return;
    case 'and':
    case 'or':
      nodes.push({ depth, kind: expression.op, holds });
      for (const part of expression.of) layExpression({ ...options, expression: part, depth: depth + 1 });
  }
}

interface Item {
  readonly field: string;
  readonly linking: 'any' | 'all';
  readonly leaves: readonly Leaf[];
}

/** Leaves of one field side by side are one item of the rule. */
function asItem(expression: Expression): Item | undefined {
  if (expression.op === 'leaf') return { field: expression.field, linking: 'any', leaves: [expression] };
  if (expression.op !== 'and' && expression.op !== 'or') return undefined;
  const [first] = expression.of;
  if (first?.op !== 'leaf') return undefined;
  const leaves = expression.of.filter(
    (part): part is Leaf => part.op === 'leaf' && part.field === first.field,
  );
  if (leaves.length !== expression.of.length) return undefined;
  return { field: first.field, linking: expression.op === 'and' ? 'all' : 'any', leaves };
}

function explainItem(
  { field, linking, leaves }: Item,
  event: object,
): Pick<ExplainedNode, 'field' | 'linking' | 'actual' | 'wanted' | 'more'> {
  const told = leaves.map((leaf) => ({
    test: cut(describeTest(leaf.test)),
    holds: evaluate(leaf, event),
    passing: leaf.test.kind === 'null' ? [] : valuesPassing(leaf, event),
  }));
  // What passed comes first, so that it is seen however long the list is.
  const wanted = [...told].sort((a, b) => Number(b.holds) - Number(a.holds)).slice(0, MAX_WANTED);
  // The whole event is no answer to what a keyword found: only what passed is.
  const values = field === '*' ? told.flatMap(({ passing }) => passing) : readField(event, splitField(field));
  const actual = [...new Set(values.map(showValue))].slice(0, MAX_ACTUAL);
  return {
    field,
    linking,
    actual,
    wanted: wanted.map(({ test, holds }) => ({ test, holds })),
    ...(leaves.length > MAX_WANTED ? { more: leaves.length - MAX_WANTED } : {}),
  };
}

function showValue(value: unknown): string {
  return cut(scalarText(value) ?? JSON.stringify(value));
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}
