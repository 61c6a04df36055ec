// Remembers which group of rules events with the same ids of signals belong to, in a table of fixed size.
import type { RuleGroup } from './rule-group.ts';

const SLOTS = 2_048;

export class RouteCache {
  readonly #width: number;
  readonly #ids: Int32Array;
  #groups: (RuleGroup | undefined)[] = emptySlots();
  #generation = -1;
  #slot = 0;
  readonly #asked: Int32Array;

  /** `width`: how many ids an event has. */
  constructor(width: number) {
    this.#width = width;
    this.#ids = new Int32Array(SLOTS * width);
    this.#asked = new Int32Array(width);
  }

  /** The group last set for these ids, if they are of the same generation and nothing took their place. */
  find(words: Int32Array, from: number, generation: number): RuleGroup | undefined {
    if (generation !== this.#generation) {
      this.#generation = generation;
      this.#groups = emptySlots();
    }
    let hash = 0;
    for (let at = 0; at < this.#width; at++) {
      const id = words[from + at] as number;
      this.#asked[at] = id;
      hash = Math.imul(hash ^ id, 0x9e3779b1);
    }
    this.#slot = (hash >>> 16) & (SLOTS - 1);
    const group = this.#groups[this.#slot];
    if (group === undefined) return undefined;
    const start = this.#slot * this.#width;
    for (let at = 0; at < this.#width; at++) {
      if (this.#ids[start + at] !== this.#asked[at]) return undefined;
    }
    return group;
  }

  /** For the ids that were last asked for. */
  set(group: RuleGroup): void {
    this.#groups[this.#slot] = group;
    this.#ids.set(this.#asked, this.#slot * this.#width);
  }
}

function emptySlots(): (RuleGroup | undefined)[] {
  return Array.from({ length: SLOTS });
}
