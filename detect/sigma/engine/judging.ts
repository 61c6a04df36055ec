// What one event makes true, which rules that brings, and which of those hold.
import { compileHolds, type EventSource, type MatchState } from './compile-holds.ts';
import type { Unit, UnitTree } from './compile-units.ts';
import { chooseNecessary } from './necessary-units.ts';
import {
  asksKeywords,
  type CompiledRule,
  makeTriggers,
  type RuleGroup,
  type Triggers,
} from './rule-group.ts';

const EPOCH_LIMIT = 0x7ffffffe;

export class Judging {
  readonly compiled: readonly CompiledRule[];
  /** Marks the units that bring some rule. */
  readonly eager: Uint8Array;
  readonly triggers: Triggers;
  readonly state: MatchState;
  /** Rules that were brought, `candidateCount` of them. */
  readonly #candidates: Int32Array;
  candidateCount = 0;
  #has: Uint8Array = new Uint8Array(0);

  constructor(trees: readonly UnitTree[], units: readonly Unit[]) {
    const state: MatchState = {
      epoch: 0,
      unitStamps: new Int32Array(units.length),
      ruleStamps: new Int32Array(trees.length),
      source: NO_EVENT,
    };
    this.state = state;
    this.compiled = trees.map((tree, index) => ({
      index,
      tree,
      holds: compileHolds({ tree, state, units }),
      necessary: chooseNecessary(tree, units)?.units,
      keywords: asksKeywords(tree, units),
    }));
    this.#candidates = new Int32Array(trees.length);
    this.triggers = makeTriggers(this.compiled, units.length);
    this.eager = new Uint8Array(units.length);
    for (const { necessary } of this.compiled) for (const unit of necessary ?? []) this.eager[unit] = 1;
  }

  /** A new event: nothing is true of it yet. */
  begin(source: EventSource): void {
    const { state } = this;
    if (state.epoch >= EPOCH_LIMIT) {
      state.epoch = 0;
      state.unitStamps.fill(0);
      state.ruleStamps.fill(0);
    }
    state.epoch++;
    state.source = source;
    this.candidateCount = 0;
  }

  /** Only rules of this group are brought from here on. */
  setGroup({ has }: RuleGroup): void {
    this.#has = has;
  }

  /** Makes units true and brings their rules; bound, so that it can be handed on. */
  readonly stamp = (units: ArrayLike<number>): void => this.stampRange(units, 0, units.length);

  /** The same for `units[from]` up to but not `units[to]`. */
  stampRange(units: ArrayLike<number>, from: number, to: number): void {
    const { epoch, unitStamps, ruleStamps } = this.state;
    const { starts, rules } = this.triggers;
    const has = this.#has;
    for (let at = from; at < to; at++) {
      const unit = units[at] as number;
      if (unitStamps[unit] === epoch) continue;
      unitStamps[unit] = epoch;
      const last = starts[unit + 1] as number;
      for (let place = starts[unit] as number; place < last; place++) {
        const rule = rules[place] as number;
        if (has[rule] === 0 || ruleStamps[rule] === epoch) continue;
        ruleStamps[rule] = epoch;
        this.#candidates[this.candidateCount++] = rule;
      }
    }
  }

  /** Places of the rules that hold, of those brought and those always looked at, rising. */
  judge({ always }: RuleGroup): readonly number[] {
    const matched: number[] = [];
    for (const index of always) if ((this.compiled[index] as CompiledRule).holds()) matched.push(index);
    for (let at = 0; at < this.candidateCount; at++) {
      const index = this.#candidates[at] as number;
      if ((this.compiled[index] as CompiledRule).holds()) matched.push(index);
    }
    return matched.length > 1 ? matched.sort((a, b) => a - b) : matched;
  }
}

const NO_EVENT: EventSource = { document: () => ({}), stampKeywords: () => undefined };
