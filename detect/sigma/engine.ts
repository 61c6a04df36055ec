// The Sigma engine: compiled once, it tells which rules an event matches, and, when asked, why.
import type { MatchReason } from '../../platform/core/alert.ts';
import type { RuleInfo } from '../match.ts';
import { compileTree, UnitTable, type UnitTree } from './compile-units.ts';
import { explainRule } from './explain.ts';
import type { LogsourceRouter } from './logsource-routes.ts';
import { chooseNecessary } from './necessary-units.ts';
import type { Logsource, MappedRule } from './rule.ts';
import { type CompiledRule, type MatchState, RuleGroup } from './rule-group.ts';

/** A rule as the engine takes it: mapped, with the info that its matches carry. */
export interface EngineRule {
  readonly mapped: MappedRule;
  readonly info: RuleInfo;
}

/** One rule × one event; an `E` of PicketEvent makes it a detect/match Match. */
export interface RuleMatch<E extends object> {
  readonly rule: RuleInfo;
  readonly event: E;
  /** Selection, field, value and condition of what held; worked out only when asked. */
  reasons(): MatchReason[];
}

/** Keys remembered of what events say of their origin; a hostile stream cannot make more. */
const MAX_ROUTES = 4_096;

const EPOCH_LIMIT = 0x7ffffffe;

export class SigmaEngine {
  readonly rules: readonly EngineRule[];
  readonly #compiled: readonly CompiledRule[];
  readonly #table: UnitTable;
  readonly #router: LogsourceRouter;
  readonly #logsources: readonly Logsource[];
  /** For each rule, the place of its logsource in `#logsources`. */
  readonly #logsourceOf: readonly number[];
  readonly #state: MatchState;
  #byKey = new Map<string, RuleGroup>();
  readonly #bySelection = new Map<string, RuleGroup>();

  /** @throws PicketError EXPRESSION_INVALID; compileRules checks each rule first */
  constructor(options: { rules: readonly EngineRule[]; router: LogsourceRouter }) {
    this.rules = options.rules;
    this.#router = options.router;
    const table = new UnitTable();
    this.#table = table;
    const trees = options.rules.map(({ mapped }) => compileTree(mapped.expression, table));
    const state: MatchState = {
      epoch: 0,
      unitStamps: new Int32Array(table.units.length),
      ruleStamps: new Int32Array(trees.length),
    };
    this.#state = state;
    this.#compiled = trees.map((tree, index) => ({
      index,
      tree,
      holds: compileHolds(tree, state),
      necessary: chooseNecessary(tree, table.units)?.units,
    }));
    const logsources: Logsource[] = [];
    const ids = new Map<string, number>();
    this.#logsourceOf = options.rules.map(({ mapped: { logsource } }) => {
      const key = JSON.stringify([logsource.product, logsource.category, logsource.service]);
      let id = ids.get(key);
      if (id === undefined) {
        id = logsources.push(logsource) - 1;
        ids.set(key, id);
      }
      return id;
    });
    this.#logsources = logsources;
  }

  /** The rules that hold for an event, in the order they were loaded. Never throws, whatever the event holds. */
  match<E extends object>(event: E): RuleMatch<E>[] {
    const matched = this.matchIndices(event);
    if (matched.length === 0) return [];
    return matched.map((index) => {
      const { info, mapped } = this.rules[index] as EngineRule;
      return { rule: info, event, reasons: () => explainRule(mapped, event) };
    });
  }

  /** Places in `rules` of the rules that hold, rising: what `match` tells without making objects. */
  matchIndices(event: object): readonly number[] {
    const state = this.#state;
    if (state.epoch >= EPOCH_LIMIT) {
      state.epoch = 0;
      state.unitStamps.fill(0);
      state.ruleStamps.fill(0);
    }
    state.epoch++;
    const key = this.#router.keyOf(event);
    const group = this.#byKey.get(key) ?? this.#makeGroup(key);
    return group.match(event);
  }

  #makeGroup(key: string): RuleGroup {
    const selected = this.#router.select(key, this.#logsources);
    const selection = selected.map((yes) => (yes ? '1' : '0')).join('');
    let group = this.#bySelection.get(selection);
    if (!group) {
      group = new RuleGroup({
        rules: this.#compiled.filter(({ index }) => selected[this.#logsourceOf[index] as number]),
        all: this.#compiled,
        units: this.#table.units,
        state: this.#state,
      });
      this.#bySelection.set(selection, group);
    }
    if (this.#byKey.size >= MAX_ROUTES) this.#byKey = new Map();
    this.#byKey.set(key, group);
    return group;
  }
}

type Holds = (document: unknown) => boolean;

/** A tree as a closure over the stamps: what units decide is read from them, only `ask` looks at the document. */
function compileHolds(tree: UnitTree, state: MatchState): Holds {
  const { unitStamps } = state;
  switch (tree.op) {
    case 'constant': {
      const { value } = tree;
      return () => value;
    }
    case 'unit': {
      const { id } = tree;
      return () => unitStamps[id] === state.epoch;
    }
    case 'ask':
      return tree.ask;
    case 'not': {
      const inner = compileHolds(tree.of, state);
      return (document) => !inner(document);
    }
    case 'and':
    case 'or': {
      // What is cheap is asked first: the order of a tree's parts means nothing.
      const wanted = tree.op === 'or';
      const units = Int32Array.from(tree.of.flatMap((part) => (part.op === 'unit' ? [part.id] : [])));
      const parts = tree.of.filter((part) => part.op !== 'unit');
      const asks = parts.filter((part) => part.op === 'ask');
      const rest = [...parts.filter((part) => part.op !== 'ask'), ...asks].map((part) =>
        compileHolds(part, state),
      );
      return (document) => {
        for (let at = 0; at < units.length; at++) {
          if ((unitStamps[units[at] as number] === state.epoch) === wanted) return wanted;
        }
        for (let at = 0; at < rest.length; at++) {
          if ((rest[at] as Holds)(document) === wanted) return wanted;
        }
        return !wanted;
      };
    }
  }
}
