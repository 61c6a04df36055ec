// Chooses for each rule the units of which one must hold, so that most rules are never looked at.

import type { Unit, UnitTree } from './compile-units.ts';
import type { FastTest } from './field-matcher.ts';

export interface Necessary {
  readonly units: readonly number[];
  /** Higher is rarer. */
  readonly score: number;
}

/** Undefined when the tree may hold without any unit holding. */
export function chooseNecessary(tree: UnitTree, units: readonly Unit[]): Necessary | undefined {
  switch (tree.op) {
    case 'unit':
      return { units: [tree.id], score: scoreUnit(units[tree.id] as Unit) };
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

/** Values that most hosts show all day: a rule filed under them would be looked at all day. */
const ORDINARY =
  /\\(?:powershell|pwsh|cmd|svchost|rundll32|explorer|services|wscript|cscript|regsvr32|schtasks|reg|net|net1|msiexec|conhost|lsass)\.exe$|^(?:c:\\|hklm|hkcu|\.exe|\.dll|\.ps1)|^\W*$/;

function scoreUnit({ tests }: Unit): number {
  let least = Number.POSITIVE_INFINITY;
  for (const test of tests) least = Math.min(least, scoreTest(test));
  return least - Math.log2(tests.length);
}

function scoreTest(test: FastTest): number {
  if (test.kind === 'exists') return 0.5;
  if (test.kind === 'number') return 2;
  const length = Math.min(test.value.length, 16) + (test.mode === 'equals' ? 2 : 0);
  return ORDINARY.test(test.value) ? length / 4 : length;
}
