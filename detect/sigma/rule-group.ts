// The rules that one kind of event can match, with a tree of the fields they ask about, walked once an event.
import type { Unit, UnitTree } from './compile-units.ts';
import { type FastTest, FieldMatcher } from './field-matcher.ts';

/** What all groups of an engine share while one event is matched. */
export interface MatchState {
  /** Rises with each event: a unit is true when its stamp is the event's epoch. */
  epoch: number;
  readonly unitStamps: Int32Array;
  readonly ruleStamps: Int32Array;
}

/** A rule ready for matching. */
export interface CompiledRule {
  readonly index: number;
  readonly tree: UnitTree;
  readonly holds: (document: unknown) => boolean;
  /** Undefined: looked at for every event of its group. */
  readonly necessary: readonly number[] | undefined;
}

interface FieldNode {
  matcher: FieldMatcher | undefined;
  readonly children: Map<string, FieldNode>;
  /** Dotted keys (`{"a.b": 1}`) that were resolved, and keys that lead nowhere; bounded. */
  readonly dotted: Map<string, FieldNode | undefined>;
}

const MAX_DOTTED = 1_000;
const MAX_DEPTH = 64;

export class RuleGroup {
  readonly #state: MatchState;
  readonly #always: readonly number[];
  readonly #triggers: ReadonlyMap<number, readonly number[]>;
  readonly #root: FieldNode = makeNode();
  readonly #everything: FieldMatcher | undefined;
  readonly #rules: readonly CompiledRule[];
  #candidates: number[] = [];

  constructor(options: {
    rules: readonly CompiledRule[];
    all: readonly CompiledRule[];
    units: readonly Unit[];
    state: MatchState;
  }) {
    const { rules, units, state } = options;
    this.#state = state;
    this.#rules = options.all;
    const always: number[] = [];
    const triggers = new Map<number, number[]>();
    const used = new Set<number>();
    for (const { index, tree, necessary } of rules) {
      gatherUnits(tree, used);
      if (!necessary) always.push(index);
      else {
        for (const unit of necessary) {
          const list = triggers.get(unit);
          if (list) list.push(index);
          else triggers.set(unit, [index]);
        }
      }
    }
    this.#always = always;
    this.#triggers = triggers;
    const byField = new Map<string, { test: FastTest; unit: number }[]>();
    for (const unit of used) {
      const { field, tests } = units[unit] as Unit;
      let list = byField.get(field);
      if (!list) byField.set(field, (list = []));
      for (const test of tests) list.push({ test, unit });
    }
    const everything = byField.get('*');
    this.#everything = everything ? new FieldMatcher(everything) : undefined;
    for (const [field, tests] of byField) {
      if (field === '*') continue;
      let node = this.#root;
      for (const key of field.split('.')) {
        let child = node.children.get(key);
        if (!child) node.children.set(key, (child = makeNode()));
        node = child;
      }
      node.matcher = new FieldMatcher(tests);
    }
  }

  /** Indices of the rules that hold, rising. The state's epoch must be new. */
  match(event: object): number[] {
    const candidates: number[] = [];
    this.#candidates = candidates;
    this.#walk(event, this.#root, 0);
    const matched: number[] = [];
    for (const index of this.#always) {
      if ((this.#rules[index] as CompiledRule).holds(event)) matched.push(index);
    }
    for (const index of candidates) {
      if ((this.#rules[index] as CompiledRule).holds(event)) matched.push(index);
    }
    return matched.length > 1 ? matched.sort((a, b) => a - b) : matched;
  }

  #walk(object: object, node: FieldNode | undefined, depth: number): void {
    for (const key in object) {
      const child = node === undefined ? undefined : (node.children.get(key) ?? resolveDotted(node, key));
      if (child === undefined && this.#everything === undefined) continue;
      this.#visit((object as Record<string, unknown>)[key], child, depth);
      // A dotted path can lead through this key and through a longer one: both count.
    }
  }

  #visit(value: unknown, node: FieldNode | undefined, depth: number): void {
    if (value === null || value === undefined || depth > MAX_DEPTH) return;
    if (typeof value === 'object') {
      if (Array.isArray(value)) {
        for (const element of value) this.#visit(element, node, depth + 1);
        return;
      }
      if (node?.matcher) this.#stamp(node.matcher.existsUnits);
      this.#walk(value, node, depth + 1);
      return;
    }
    const text = typeof value === 'string' ? value : String(value as number | boolean);
    if (node?.matcher) {
      this.#stamp(node.matcher.existsUnits);
      this.#stamp(node.matcher.lookup(text));
    }
    if (this.#everything) {
      this.#stamp(this.#everything.existsUnits);
      this.#stamp(this.#everything.lookup(text));
    }
  }

  #stamp(units: readonly number[]): void {
    const { epoch, unitStamps, ruleStamps } = this.#state;
    for (let at = 0; at < units.length; at++) {
      const unit = units[at] as number;
      if (unitStamps[unit] === epoch) continue;
      unitStamps[unit] = epoch;
      const triggered = this.#triggers.get(unit);
      if (!triggered) continue;
      for (const rule of triggered) {
        if (ruleStamps[rule] === epoch) continue;
        ruleStamps[rule] = epoch;
        this.#candidates.push(rule);
      }
    }
  }
}

function makeNode(): FieldNode {
  return { matcher: undefined, children: new Map(), dotted: new Map() };
}

/** `a.b` written as one key leads where `a`, then `b` leads. */
function resolveDotted(node: FieldNode, key: string): FieldNode | undefined {
  if (!key.includes('.')) return undefined;
  if (node.dotted.has(key)) return node.dotted.get(key);
  let found: FieldNode | undefined = node;
  for (const part of key.split('.')) found = found?.children.get(part);
  if (node.dotted.size < MAX_DOTTED) node.dotted.set(key, found);
  return found;
}

function gatherUnits(tree: UnitTree, into: Set<number>): void {
  if (tree.op === 'unit') into.add(tree.id);
  else if (tree.op === 'not') gatherUnits(tree.of, into);
  else if (tree.op === 'and' || tree.op === 'or') for (const part of tree.of) gatherUnits(part, into);
}
