// The index contract: events, append-only, as every engine (embedded, Elasticsearch) keeps and finds them.
import type { PicketEvent, TimeJudgement } from '../core/event.ts';
import type { Expression } from '../core/expression/expression.ts';

/** One event on its way in. Routing fields come from bus headers, so that the bytes need not be parsed by the caller. */
export interface IndexDocument {
  readonly id: string;
  readonly tenant: string;
  readonly dataset: string;
  readonly jurisdiction: string;
  /** ISO 8601 UTC. */
  readonly timestamp: string;
  readonly time: TimeJudgement;
  /** JSON of the PicketEvent. */
  readonly body: Uint8Array;
}

export type WriteOutcome =
  | { readonly result: 'created' }
  | { readonly result: 'duplicate' }
  | { readonly result: 'rejected'; readonly code: string; readonly message: string };

/** What to look among. Every question names its tenant; the rest narrows. */
export interface EventScope {
  readonly tenant: string;
  readonly jurisdictions?: readonly string[];
  readonly datasets?: readonly string[];
  /** ms since the epoch, inclusive. */
  readonly from?: number;
  /** ms since the epoch, exclusive. */
  readonly to?: number;
  readonly where?: Expression;
}

export interface SearchRequest extends EventScope {
  /** Newest first by default; ties by event id in the same direction. */
  readonly sort?: 'newest' | 'oldest';
  /** 1 to 10,000. */
  readonly limit: number;
  /** From the page before. */
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

export interface SearchPage {
  readonly hits: readonly PicketEvent[];
  /** Absent on the last page. */
  readonly cursor?: string;
  /** Places that did not answer (engines with many places). */
  readonly unanswered: readonly string[];
}

export interface SegmentInfo {
  /** `picket-<tenant>-<dataset>-<jurisdiction>-<period>`; a pure function of the stored event and the dataset's period. */
  readonly name: string;
  readonly tenant: string;
  readonly dataset: string;
  readonly jurisdiction: string;
  /** `2026-11-23`, `2026-w48`, `2026-11` or `undated`. */
  readonly period: string;
  readonly events: number;
  readonly bytes: number;
}

export interface EventIndex {
  /** Durable when resolved. Idempotent by id within tenant; one outcome a document, in order; one bad document never stops the rest. */
  write(documents: readonly IndexDocument[]): Promise<readonly WriteOutcome[]>;
  /** @throws PicketError INDEX_CURSOR_INVALID, INDEX_LIMIT */
  search(request: SearchRequest): Promise<SearchPage>;
  count(scope: EventScope): Promise<{ count: number; exact: boolean }>;
  /** Buckets of `interval_ms`, aligned to the epoch, empty ones left out. At most 10,000 buckets. */
  histogram(request: EventScope & { interval_ms: number }): Promise<{
    buckets: readonly { start: number; count: number }[];
    exact: boolean;
  }>;
  /** The most frequent values of a field, by count then value. */
  topValues(request: EventScope & { field: string; limit: number }): Promise<{
    values: readonly { value: string; count: number }[];
    exact: boolean;
  }>;
  get(options: { tenant: string; id: string }): Promise<PicketEvent | undefined>;
  segments(): Promise<readonly SegmentInfo[]>;
  /** Drops whole segments by name; returns how many events went. */
  dropSegments(names: readonly string[]): Promise<number>;
  close(): Promise<void>;
}
