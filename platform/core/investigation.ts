// What an investigation found out about an incident: its questions with their answers, and the account made of them.
import { z } from 'zod';
import { Entity } from './entity.ts';
import { SchemaVersion } from './schema-version.ts';

/** A text in the page's languages. */
export const Bilingual = z.object({ en: z.string(), zh: z.string() });
export type Bilingual = z.infer<typeof Bilingual>;

/** A search that shows what a statement stands on. */
export const SearchReference = z.object({
  /** KQL. */
  query: z.string(),
  from: z.iso.datetime(),
  to: z.iso.datetime(),
});
export type SearchReference = z.infer<typeof SearchReference>;

export const FoundEvent = z.object({
  id: z.string(),
  timestamp: z.iso.datetime(),
  site: z.string(),
  dataset: z.string(),
  summary: z.string(),
});
export type FoundEvent = z.infer<typeof FoundEvent>;

export const Answer = z.object({
  question: z.string(),
  title: Bilingual,
  /** What it was asked about; absent where it is about the case as a whole. */
  entity: Entity.optional(),
  state: z.enum(['found', 'nothing', 'failed']),
  search: SearchReference,
  /** Events that the search finds; `exact` is false where the index counts a superset. */
  count: z.number().int(),
  exact: z.boolean(),
  /** The most frequent values of the question's field. */
  values: z.array(z.object({ value: z.string(), count: z.number().int() })),
  /** The first and last of the events. */
  events: z.array(FoundEvent),
  /** Places of a distributed index that did not answer. */
  unanswered: z.array(z.string()),
  /** Why it failed. */
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  took_ms: z.number(),
});
export type Answer = z.infer<typeof Answer>;

/** One sentence with what it stands on. */
export const Statement = z.object({
  text: Bilingual,
  alerts: z.array(z.string()),
  events: z.array(z.string()),
  search: SearchReference.optional(),
});
export type Statement = z.infer<typeof Statement>;

export const Fact = z.object({
  at: z.iso.datetime(),
  kind: z.enum(['alert', 'event']),
  site: z.string(),
  text: z.string(),
  /** Id of the alert or event. */
  ref: z.string(),
  /** The question that found the event. */
  question: z.string().optional(),
});
export type Fact = z.infer<typeof Fact>;

/** Record `investigations/<incident>`. */
export const Investigation = z.object({
  schema: SchemaVersion,
  incident: z.string(),
  /** Hash of the alerts and questions that it was made for: the same case is not asked about twice. */
  fingerprint: z.string(),
  /** `picket` when it began by itself, else who asked. */
  actor: z.string(),
  started: z.iso.datetime(),
  took_ms: z.number(),
  answers: z.array(Answer),
  account: z.array(Statement),
  /** Oldest first. */
  timeline: z.array(Fact),
  /** Questions that the bound on their number left out. */
  left_out: z.number().int(),
});
export type Investigation = z.infer<typeof Investigation>;
