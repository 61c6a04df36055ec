// Chooses for each rule the units of which one must hold, so that most rules are never looked at.

import type { Unit, UnitTree } from './compile-units.ts';
import type { FastTest } from './field-matcher.ts';
import { ORDINARY_VALUES } from './ordinary-values.ts';
import { keywordPiece } from './scan/keyword-pieces.ts';

export interface Necessary {
  readonly units: readonly number[];
  /** Higher is rarer. */
  readonly score: number;
}

/** Undefined when the tree may hold without any unit holding. */
export function chooseNecessary(tree: UnitTree, units: readonly Unit[]): Necessary | undefined {
  switch (tree.op) {
    case 'unit': {
      const unit = units[tree.id] as Unit;
      if (!canBeFound(unit)) return undefined;
      return { units: [tree.id], score: scoreUnit(unit) };
    }
    case 'and': {
      let best: Necessary | undefined;
      for (const part of tree.of) {
        const candidate = chooseNecessary(part, units);
        if (candidate && (!best || candidate.score > best.score)) best = candidate;
      }
      return best;
    }
    case 'or': {
      const all = new Set<number>();
      let score = Number.POSITIVE_INFINITY;
      for (const part of tree.of) {
        const candidate = chooseNecessary(part, units);
        if (!candidate) return undefined;
        for (const unit of candidate.units) all.add(unit);
        score = Math.min(score, candidate.score);
      }
      return { units: [...all], score: score - Math.log2(tree.of.length || 1) };
    }
    case 'constant':
      return tree.value ? undefined : { units: [], score: Number.POSITIVE_INFINITY };
    case 'not':
    case 'ask':
      return undefined;
  }
}

/** A keyword brings its rule only when it can be looked for in the text of a line. */
function canBeFound({ field, tests }: Unit): boolean {
  return (
    field !== '*' || tests.every((test) => test.kind === 'string' && keywordPiece(test.value) !== undefined)
  );
}

function scoreUnit({ tests }: Unit): number {
  let least = Number.POSITIVE_INFINITY;
  for (const test of tests) least = Math.min(least, scoreTest(test));
  return least - Math.log2(tests.length);
}

function scoreTest(test: FastTest): number {
  if (test.kind === 'exists') return 0.5;
  if (test.kind === 'number') return 2;
  const length = Math.min(test.value.length, 16) + (test.mode === 'equals' ? 2 : 0);
  return isOrdinary(test) ? length / 8 : length;
}

function isOrdinary({ mode, value }: Extract<FastTest, { kind: 'string' }>): boolean {
  switch (mode) {
    case 'equals':
      return ORDINARY_VALUES.includes(value);
    case 'startswith':
      return ORDINARY_VALUES.some((ordinary) => ordinary.startsWith(value));
    case 'endswith':
      // Command lines go on after the program.
      return ORDINARY_VALUES.some((ordinary) => ordinary.endsWith(value) || ordinary.includes(`${value} `));
    case 'contains':
      return ORDINARY_VALUES.some((ordinary) => ordinary.includes(value));
  }
}
