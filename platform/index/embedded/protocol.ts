// What the embedded index and its thread say to one another.
import type { EventScope, IndexDocument, SearchRequest, SegmentInfo, WriteOutcome } from '../event-index.ts';
import type { Period } from '../segment-name.ts';

/** What the thread is started with. */
export interface WorkerSettings {
  readonly folder: string;
  readonly period: Period;
  readonly max_bodies: number;
}

/** Documents with their bodies put into one buffer, which is handed over instead of copied. */
export interface PackedDocuments {
  readonly documents: readonly Omit<IndexDocument, 'body'>[];
  readonly sizes: readonly number[];
  readonly bodies: Uint8Array;
}

/** Each question with its answer. */
export interface Questions {
  write: { ask: PackedDocuments; answer: WriteOutcome[] };
  search: { ask: Omit<SearchRequest, 'signal'>; answer: { bodies: string[]; cursor?: string } };
  count: { ask: EventScope; answer: { count: number; exact: boolean } };
  histogram: {
    ask: EventScope & { interval_ms: number };
    answer: { buckets: { start: number; count: number }[]; exact: boolean };
  };
  topValues: {
    ask: EventScope & { field: string; limit: number };
    answer: { values: { value: string; count: number }[]; exact: boolean };
  };
  get: { ask: { tenant: string; id: string }; answer: string | undefined };
  segments: { ask: undefined; answer: SegmentInfo[] };
  dropSegments: { ask: readonly string[]; answer: number };
  close: { ask: undefined; answer: undefined };
}

export type QuestionName = keyof Questions;

export type ToWorker =
  | { [N in QuestionName]: { number: number; name: N; ask: Questions[N]['ask'] } }[QuestionName]
  | { number: number; name: 'cancel' };

export type FromWorker =
  | { number: number; answer: unknown }
  | { number: number; error: { code: string | undefined; message: string } };
