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

/** Where the first row at or after a time stands in sorted rows. */
export function indexAt(rows: readonly SignalRow[], t: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle] as SignalRow).t < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Two sorted lists as one. */
export function mergeRows(a: readonly SignalRow[], b: readonly SignalRow[]): SignalRow[] {
  const rows: SignalRow[] = [];
  let next = 0;
  for (const row of a) {
    while (next < b.length && compareRows(b[next] as SignalRow, row) < 0) rows.push(b[next++] as SignalRow);
    rows.push(row);
  }
  while (next < b.length) rows.push(b[next++] as SignalRow);
  return rows;
}

/** Puts a row at its place among sorted rows. */
export function insertRow(rows: SignalRow[], row: SignalRow): void {
  const last = rows.at(-1);
  if (!last || compareRows(last, row) <= 0) {
    rows.push(row);
    return;
  }
  let at = indexAt(rows, row.t);
  while (at < rows.length && compareRows(rows[at] as SignalRow, row) < 0) at++;
  rows.splice(at, 0, row);
}

/** One signal of a key has one name; the same signal told twice has the same. */
export function nameOf({ t, event, rule, source }: SignalRow): string {
  return `${t}\u0000${event}\u0000${rule}\u0000${source}`;
}
