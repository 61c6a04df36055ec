// The rules that one kind of event can match.

import type { Holds } from './compile-holds.ts';
import type { Unit, UnitTree } from './compile-units.ts';

/** A rule ready for matching. */
export interface CompiledRule {
  readonly index: number;
  readonly tree: UnitTree;
  readonly holds: Holds;
  /** One of these must hold; undefined: the rule is looked at for every event of its group. */
  readonly necessary: readonly number[] | undefined;
  /** Whether it asks about `*`. */
  readonly keywords: boolean;
}

export interface RuleGroup {
  /** 1 at the places of the group's rules. */
  readonly has: Uint8Array;
  /** Rules that no unit brings. */
  readonly always: readonly number[];
  /** Whether some rule of the group asks about `*`. */
  readonly keywords: boolean;
  /** The line scanner's table of pieces of the group's keywords, 0 for none; made when first needed. */
  keywordTable: number | undefined;
  /** What matches an event in which no unit holds, where that can be said without looking at the event. */
  whenNothing: readonly number[] | undefined;
}

export function makeRuleGroup(rules: readonly CompiledRule[], total: number): RuleGroup {
  const has = new Uint8Array(total);
  for (const { index } of rules) has[index] = 1;
  return {
    has,
    always: rules.filter(({ necessary }) => necessary === undefined).map(({ index }) => index),
    keywords: rules.some(({ keywords }) => keywords),
    keywordTable: undefined,
    whenNothing: undefined,
  };
}

/** Which rules each unit brings: those of unit u stand in `rules` from `starts[u]` up to `starts[u + 1]`. */
export interface Triggers {
  readonly starts: Int32Array;
  readonly rules: Int32Array;
}

export function makeTriggers(rules: readonly CompiledRule[], unitCount: number): Triggers {
  const starts = new Int32Array(unitCount + 1);
  for (const { necessary } of rules) {
    for (const unit of necessary ?? []) starts[unit + 1] = (starts[unit + 1] as number) + 1;
  }
  for (let unit = 0; unit < unitCount; unit++)
    starts[unit + 1] = (starts[unit + 1] as number) + (starts[unit] as number);
  const next = starts.slice();
  const list = new Int32Array(starts[unitCount] as number);
  for (const { index, necessary } of rules) {
    for (const unit of necessary ?? []) {
      const at = next[unit] as number;
      list[at] = index;
      next[unit] = at + 1;
    }
  }
  return { starts, rules: list };
}

/** Whether a tree asks about `*`. */
export function asksKeywords(tree: UnitTree, units: readonly Unit[]): boolean {
  if (tree.op === 'unit') return units[tree.id]?.field === '*';
  if (tree.op === 'not') return asksKeywords(tree.of, units);
  return (tree.op === 'and' || tree.op === 'or') && tree.of.some((part) => asksKeywords(part, units));
}
