// Walks the rows of a scope block by block in time order, and tells which rows match.
import { compileExpression, type Predicate } from '../../core/expression/compile.ts';
import { EVERYTHING, type Expression } from '../../core/expression/expression.ts';
import type { EventScope } from '../event-index.ts';
import type { RowSet } from './block.ts';
import type { Catalogue, SegmentEntry } from './catalogue.ts';
import { type Column, columnFieldsOf } from './columns.ts';
import { compilePrefilter, type Prefilter } from './prefilter.ts';
import type { Zone } from './segment.ts';

/** A scope made ready: compiled once, used for every block. */
export interface ScanPlan {
  readonly scope: EventScope;
  readonly from: number;
  readonly to: number;
  readonly everything: boolean;
  readonly predicate: Predicate;
  /** The column fields that decide alone; undefined when bodies must be read. */
  readonly columns: readonly string[] | undefined;
  readonly prefilter: Prefilter;
}

/** @throws PicketError EXPRESSION_INVALID */
export function planScan(scope: EventScope): ScanPlan {
  const where: Expression = scope.where ?? EVERYTHING;
  return {
    scope,
    from: scope.from ?? -Infinity,
    to: scope.to ?? Infinity,
    everything: where.op === 'constant' && where.value,
    predicate: compileExpression(where),
    columns: columnFieldsOf(where),
    prefilter: compilePrefilter(where),
  };
}

/** One step of a walk. `rows` is read when called; undefined when the segment was dropped meanwhile. */
export interface ScanStep {
  readonly zone: Zone;
  readonly rows: () => RowSet | undefined;
}

/** Time in which a walk may hold the thread before it lets writes and other questions in. */
const SLICE_MS = 10;

/**
 * Walks the zones of a plan, in falling order of their greatest time (`newest`) or rising order of their
 * least (`oldest`). Segments are opened only when their period is reached.
 */
export async function* walk(options: {
  catalogue: Catalogue;
  plan: ScanPlan;
  sort: 'newest' | 'oldest';
  stopped: () => boolean;
}): AsyncGenerator<ScanStep> {
  const { catalogue, plan, sort, stopped } = options;
  const edge = (least: number, greatest: number): number => (sort === 'newest' ? -greatest : least);
  const segments = catalogue
    .entries()
    .filter((entry) => inScope(entry, plan))
    .sort((a, b) => edge(b.from, b.to) - edge(a.from, a.to) || 0);
  // Both lists are kept with what comes next at their end.
  let waiting: { zone: Zone; name: string; key: number }[] = [];
  let sliceEnd = performance.now() + SLICE_MS;
  for (;;) {
    for (;;) {
      const entry = segments.at(-1);
      const next = waiting.at(-1);
      if (!entry || (next && edge(entry.from, entry.to) > next.key)) break;
      segments.pop();
      const zones = zonesOf(catalogue, entry, plan);
      if (zones.length === 0) continue;
      waiting = waiting.concat(
        zones.map((zone) => ({ zone, name: entry.name, key: edge(zone.least, zone.greatest) })),
      );
      waiting.sort((a, b) => b.key - a.key);
      if (performance.now() > sliceEnd) break;
    }
    const step = waiting.pop();
    if (!step && segments.length === 0) return;
    if (performance.now() > sliceEnd) {
      await new Promise(setImmediate);
      sliceEnd = performance.now() + SLICE_MS;
    }
    if (stopped()) return;
    if (!step) continue;
    yield { zone: step.zone, rows: () => catalogue.segment(step.name)?.read(step.zone.block) };
  }
}

function inScope(entry: SegmentEntry, { scope, from, to, prefilter }: ScanPlan): boolean {
  return (
    prefilter.kind !== 'none' &&
    entry.tenant === scope.tenant &&
    (scope.jurisdictions?.includes(entry.jurisdiction) ?? true) &&
    (scope.datasets?.includes(entry.dataset) ?? true) &&
    entry.to > from &&
    entry.from < to
  );
}

function zonesOf(catalogue: Catalogue, { name }: SegmentEntry, { from, to, prefilter }: ScanPlan): Zone[] {
  const segment = catalogue.segment(name);
  const zones = segment?.zones(from, to) ?? [];
  if (!segment || prefilter.kind !== 'match' || zones.length === 0) return zones;
  const matching = segment.matching(prefilter.query);
  const tail = segment.tailBlock();
  return zones.filter(({ block }) => block === tail || matching.has(block));
}

/** The rows of a set that fulfil the plan; `parsed` counts the bodies that had to be read for it. */
export function selectRows(rows: RowSet, plan: ScanPlan): { found: number[]; parsed: number } {
  const found: number[] = [];
  const columns = plan.columns === undefined ? undefined : readColumns(rows, plan.columns);
  const verdicts = new Map<number, boolean>();
  let parsed = 0;
  for (let row = 0; row < rows.count; row++) {
    const time = rows.times[row] as number;
    if (time < plan.from || time >= plan.to) continue;
    if (plan.everything) {
      found.push(row);
      continue;
    }
    if (columns === undefined) {
      parsed++;
      if (plan.predicate(parseBody(rows, row))) found.push(row);
      continue;
    }
    // Rows with the same values share one verdict. Above six fields the key would lose digits.
    let key = 0;
    for (const [, column] of columns) key = key * 256 + (column?.at?.[row] ?? 0);
    let verdict = columns.length <= 6 ? verdicts.get(key) : undefined;
    if (verdict === undefined) {
      verdict = plan.predicate(
        Object.fromEntries(
          columns.map(([field, column]) => [field, column?.lists[column.at?.[row] ?? 0] ?? []]),
        ),
      );
      verdicts.set(key, verdict);
    }
    if (verdict) found.push(row);
  }
  return { found, parsed };
}

function readColumns(rows: RowSet, fields: readonly string[]): [string, Column | undefined][] | undefined {
  const columns: [string, Column | undefined][] = [];
  for (const field of fields) {
    const column = rows.column(field);
    if (column === 'body') return undefined;
    columns.push([field, column]);
  }
  return columns;
}

/** The parsed body of a row. It was checked when it was written. */
export function parseBody(rows: RowSet, row: number): unknown {
  return JSON.parse(Buffer.from(rows.body(row)).toString('utf8'));
}
