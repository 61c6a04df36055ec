// What a condition measures over a window of signals, kept up as signals enter and leave it.

import { holdsFor } from '../compile-correlations.ts';
import { type Correlation, compareTo, meetsBounds } from '../correlation.ts';
import { ExactSum } from './exact-sum.ts';
import { percentileOf } from './quantile.ts';
import type { SignalRow } from './signal-row.ts';

/** A window's figure; `holds` says whether the condition is met by the signals that are in. */
export interface Figure {
  add(row: SignalRow): void;
  remove(row: SignalRow): void;
  holds(): boolean;
}

/** The figure of a correlation's condition, for windows that slide or stand. Types that are no figure throw. */
export function openFigure(correlation: Correlation): Figure {
  const { type, bounds } = correlation;
  switch (type) {
    case 'event_count': {
      let size = 0;
      return {
        add: () => void size++,
        remove: () => void size--,
        holds: () => meetsBounds(size, bounds),
      };
    }
    case 'value_count': {
      const held = new Tally((row: SignalRow) => row.values);
      return {
        add: (row) => held.add(row),
        remove: (row) => held.remove(row),
        holds: () => meetsBounds(held.size, bounds),
      };
    }
    case 'temporal': {
      const held = new Tally((row: SignalRow) => [row.rule]);
      const { condition } = correlation;
      const wanted = new Set(correlation.rules).size;
      return {
        add: (row) => held.add(row),
        remove: (row) => held.remove(row),
        holds: () => (condition ? holdsFor(condition, held) : held.size === wanted),
      };
    }
    case 'value_sum':
    case 'value_avg': {
      const sum = new ExactSum();
      let numbers = 0;
      return {
        add(row) {
          for (const number of row.numbers) sum.add(number);
          numbers += row.numbers.length;
        },
        remove(row) {
          for (const number of row.numbers) sum.remove(number);
          numbers -= row.numbers.length;
        },
        // The mean is compared as sum against bound × n: no division, so no rounding.
        holds: () =>
          numbers > 0 &&
          bounds.every((bound) =>
            compareTo(sum.compare(bound.value, type === 'value_avg' ? numbers : 1), bound.with),
          ),
      };
    }
    case 'value_percentile':
    case 'value_median': {
      // Rows leave in the order in which they came.
      let held: SignalRow[] = [];
      let gone = 0;
      return {
        add: (row) => void held.push(row),
        remove() {
          if (++gone * 2 > held.length) [held, gone] = [held.slice(gone), 0];
        },
        holds() {
          const figure = percentileOf(
            held.slice(gone).flatMap((row) => row.numbers),
            correlation.percentile ?? 50,
          );
          return figure !== undefined && meetsBounds(figure, bounds);
        },
      };
    }
    default:
      throw new TypeError(`${type} is no figure of a window`);
  }
}

/** How many signals hold each of their texts. */
class Tally {
  readonly #held = new Map<string, number>();
  readonly #textsOf: (row: SignalRow) => readonly string[];

  constructor(textsOf: (row: SignalRow) => readonly string[]) {
    this.#textsOf = textsOf;
  }

  get size(): number {
    return this.#held.size;
  }

  has(text: string): boolean {
    return this.#held.has(text);
  }

  add(row: SignalRow): void {
    for (const text of this.#textsOf(row)) this.#held.set(text, (this.#held.get(text) ?? 0) + 1);
  }

  remove(row: SignalRow): void {
    for (const text of this.#textsOf(row)) {
      const left = (this.#held.get(text) ?? 0) - 1;
      if (left > 0) this.#held.set(text, left);
      else this.#held.delete(text);
    }
  }
}
