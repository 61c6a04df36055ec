// Counters by stage and reason, so that every record's way can be summed up: in = indexed + duplicate + dead-lettered + filtered.
export interface CounterValue {
  stage: string;
  reason: string;
  source?: string;
  count: number;
}

/** The stages and what may happen to a record there. `received` at `receive` is the left side of conservation. */
export type Stage =
  | 'receive'
  | 'normalise'
  | 'bus'
  | 'index'
  | 'detect'
  | 'residency'
  | 'uplink'
  | 'link'
  | 'notify';

/** In-memory totals; the owner restores them from its records at start and stores them with its offsets. */
export class Counters {
  readonly #totals = new Map<string, CounterValue>();

  /** Adds `by` (default 1) to the total of a stage and reason, for a source where one is known. */
  add(stage: Stage, reason: string, options: { source?: string; by?: number } = {}): void {
    const key = `${stage}\u0000${reason}\u0000${options.source ?? ''}`;
    const total = this.#totals.get(key);
    if (total) total.count += options.by ?? 1;
    else {
      this.#totals.set(key, {
        stage,
        reason,
        ...(options.source === undefined ? {} : { source: options.source }),
        count: options.by ?? 1,
      });
    }
  }

  /** The sum over sources (or of one source) of a stage and reason. */
  total(stage: Stage, reason: string, source?: string): number {
    let sum = 0;
    for (const value of this.#totals.values()) {
      if (
        value.stage === stage &&
        value.reason === reason &&
        (source === undefined || value.source === source)
      )
        sum += value.count;
    }
    return sum;
  }

  /** A copy of all totals. */
  snapshot(): CounterValue[] {
    return [...this.#totals.values()].map((value) => ({ ...value }));
  }

  /** Sets totals to what an earlier snapshot said. */
  restore(values: readonly CounterValue[]): void {
    for (const value of values) {
      this.#totals.set(`${value.stage}\u0000${value.reason}\u0000${value.source ?? ''}`, { ...value });
    }
  }
}
