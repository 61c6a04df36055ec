// The fields that rules ask about, as a tree of keys with what is asked at each, walked once an event.
import type { Unit } from './compile-units.ts';
import { type FastTest, FieldMatcher } from './field-matcher.ts';

export class FieldNode {
  readonly id: number;
  /** What is asked of the field's values. */
  readonly tests: readonly UnitTest[];
  readonly children: ReadonlyMap<string, FieldNode>;
  /** Dotted keys (`{"a.b": 1}`) that were resolved, and keys that lead nowhere; bounded. */
  readonly dotted = new Map<string, FieldNode | undefined>();
  #matcher: FieldMatcher | undefined;

  constructor(id: number, tests: readonly UnitTest[], children: ReadonlyMap<string, FieldNode>) {
    this.id = id;
    this.tests = tests;
    this.children = children;
  }

  /** Made when first asked for: of most fields the line scanner tells all. Undefined when nothing is asked. */
  get matcher(): FieldMatcher | undefined {
    if (this.tests.length === 0) return undefined;
    this.#matcher ??= new FieldMatcher(this.tests);
    return this.#matcher;
  }

  /** Units that any value but null makes true. */
  get existsUnits(): number[] {
    return this.tests.filter(({ test }) => test.kind === 'exists').map(({ unit }) => unit);
  }
}

/** A test that, when it holds, makes a unit true. */
export interface UnitTest {
  readonly test: FastTest;
  readonly unit: number;
}

export interface FieldTrie {
  readonly root: FieldNode;
  /** By id. */
  readonly nodes: readonly FieldNode[];
  /** Tests of `*`, which every scalar of the document is shown. */
  readonly everything: FieldNode | undefined;
}

const MAX_DOTTED = 1_000;
const MAX_DEPTH = 64;

/** A trie of all units' fields; a unit's id is its place in `units`. `also` are fields to have nodes without tests. */
export function buildFieldTrie(units: readonly Unit[], also: readonly string[] = []): FieldTrie {
  const nodes: { node: FieldNode; tests: UnitTest[]; children: Map<string, FieldNode> }[] = [];
  const make = (): FieldNode => {
    const tests: UnitTest[] = [];
    const children = new Map<string, FieldNode>();
    const node = new FieldNode(nodes.length, tests, children);
    nodes.push({ node, tests, children });
    return node;
  };
  const root = make();
  const reach = (field: string): FieldNode => {
    let node = root;
    for (const key of field.split('.')) {
      let child = node.children.get(key);
      if (!child) {
        child = make();
        nodes[node.id]?.children.set(key, child);
      }
      node = child;
    }
    return node;
  };
  let everything: FieldNode | undefined;
  units.forEach(({ field, tests }, unit) => {
    const { id } = field === '*' ? (everything ??= make()) : reach(field);
    for (const test of tests) nodes[id]?.tests.push({ test, unit });
  });
  for (const field of also) reach(field);
  return { root, nodes: nodes.map(({ node }) => node), everything };
}

/** Where a key leads from a node; `a.b` written as one key leads where `a`, then `b` leads. */
export function stepInto(node: FieldNode, key: string): FieldNode | undefined {
  return node.children.get(key) ?? resolveDotted(node, key);
}

function resolveDotted(node: FieldNode, key: string): FieldNode | undefined {
  if (!key.includes('.')) return undefined;
  if (node.dotted.has(key)) return node.dotted.get(key);
  let found: FieldNode | undefined = node;
  for (const part of key.split('.')) found = found?.children.get(part);
  if (node.dotted.size < MAX_DOTTED) node.dotted.set(key, found);
  return found;
}

/**
 * Tells `told` the units that each value of an event makes true (a unit may come more than once). Lists are walked
 * element by element; with `everything` every scalar is also shown to that matcher.
 */
export function walkEvent(options: {
  event: object;
  root: FieldNode | undefined;
  everything: FieldMatcher | undefined;
  told: (units: readonly number[]) => void;
}): void {
  const { everything, told } = options;
  const walk = (object: object, node: FieldNode | undefined, depth: number): void => {
    for (const key in object) {
      const child = node === undefined ? undefined : stepInto(node, key);
      if (child === undefined && everything === undefined) continue;
      visit((object as Record<string, unknown>)[key], child, depth);
    }
  };
  const visit = (value: unknown, node: FieldNode | undefined, depth: number): void => {
    if (value === null || value === undefined || depth > MAX_DEPTH) return;
    const matcher = node?.matcher;
    if (typeof value === 'object') {
      if (Array.isArray(value)) {
        for (const element of value) visit(element, node, depth + 1);
        return;
      }
      if (matcher) told(matcher.existsUnits);
      walk(value, node, depth + 1);
      return;
    }
    const text = typeof value === 'string' ? value : String(value as number | boolean);
    if (matcher) {
      told(matcher.existsUnits);
      told(matcher.lookup(text));
    }
    if (everything) {
      told(everything.existsUnits);
      told(everything.lookup(text));
    }
  };
  walk(options.event, options.root, 0);
}
