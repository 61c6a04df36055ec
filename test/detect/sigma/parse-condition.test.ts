import { describe, expect, it } from 'vitest';
import { compileText, detects, ruleText } from './compile-text.ts';

const SELECTIONS = '  sel_a:\n    A: 1\n  sel_b:\n    B: 1\n  _c:\n    C: 1\n  condition: ';

describe('conditions', () => {
  it.each([
    ['sel_a and sel_b', { A: 1, B: 1 }, { A: 1 }],
    ['sel_a or sel_b and _c', { A: 1 }, { B: 1 }],
    ['(sel_a or sel_b) and _c', { B: 1, C: 1 }, { A: 1 }],
    ['sel_a and not sel_b', { A: 1 }, { A: 1, B: 1 }],
    ['not not sel_a', { A: 1 }, {}],
    ['1 of sel_*', { B: 1 }, { C: 1 }],
    ['any of sel_*', { B: 1 }, { C: 1 }],
    ['all of sel_*', { A: 1, B: 1 }, { A: 1, C: 1 }],
    ['1 of them', { A: 1 }, { C: 1 }],
    ['all of them', { A: 1, B: 1 }, { A: 1 }],
    ['1 of _*', { C: 1 }, { A: 1 }],
    ['sel_a AND NOT 1 OF sel_b', { A: 1 }, { A: 1, B: 1 }],
    ['[sel_a, sel_b]', { B: 1 }, { C: 1 }],
  ])('reads %s', (condition, yes, no) => {
    expect(detects(SELECTIONS + condition, yes)).toBe(true);
    expect(detects(SELECTIONS + condition, no)).toBe(false);
  });

  it.each([
    ['sel_a and sel_x', 'SIGMA_CONDITION_UNKNOWN_NAME'],
    ['1 of nothing*', 'SIGMA_CONDITION_UNKNOWN_NAME'],
    ['(sel_a', 'SIGMA_CONDITION'],
    ['sel_a sel_b', 'SIGMA_CONDITION'],
    ['2 of them', 'SIGMA_CONDITION'],
    ['sel_a | count() > 5', 'SIGMA_CONDITION'],
    [`${'('.repeat(5_000)}sel_a`, 'SIGMA_CONDITION'],
    [`${'not '.repeat(5_000)}sel_a`, 'SIGMA_CONDITION'],
  ])('refuses %s', (condition, code) => {
    const { refused } = compileText({ text: ruleText(`${SELECTIONS}${condition}`) });
    expect(refused).toMatchObject([{ code, place: { line: 13, column: 3 } }]);
  });
});
