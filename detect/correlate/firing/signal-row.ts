// A stored signal of one key, as conditions and alerts read it.

export interface SignalRow {
  readonly t: number;
  readonly event: string;
  /** Id of the rule that matched, or of the inner correlation that fired. */
  readonly rule: string;
  /** Tells signals of one rule and event apart (Signal.source). */
  readonly source: string;
  readonly site: string;
  readonly values: readonly string[];
  readonly numbers: readonly number[];
  /** JSON of StoredEvidence[]; absent where no alert can come to show it. */
  readonly evidence: string | undefined;
}

/** By time, event id, rule and source, in code unit order: the order of everything stored. */
export function compareRows(a: SignalRow, b: SignalRow): number {
  return (
    a.t - b.t ||
    compareTexts(a.event, b.event) ||
    compareTexts(a.rule, b.rule) ||
    compareTexts(a.source, b.source)
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
