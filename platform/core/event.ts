// The event: an ECS document made at a site, with its `picket.*` fields.
import { z } from 'zod';
import { DatasetName, Jurisdiction, ResidencyClass, SiteTier, Slug } from './names.ts';
import { SchemaVersion } from './schema-version.ts';

/** The Elastic Common Schema version that our field names follow. */
export const ECS_VERSION = '9.1.0';

/**
 * How the event's time was judged at first receipt (SEMANTICS, Time): `ok`; `missing` (no usable time in
 * the record: `@timestamp` is the receipt time); `future` (over a day ahead of receipt). What is not `ok`
 * is kept and searchable, goes to the undated index, and is not correlated.
 */
export const TimeJudgement = z.enum(['ok', 'missing', 'future']);
export type TimeJudgement = z.infer<typeof TimeJudgement>;

export const PicketFields = z.object({
  schema: SchemaVersion,
  tenant: Slug,
  site: z.object({ id: Slug, tier: SiteTier }),
  jurisdiction: Jurisdiction,
  class: ResidencyClass,
  source: z.object({ id: z.string(), type: z.string(), peer: z.string().optional() }),
  time: TimeJudgement,
  /** Receipt at the site, ISO 8601 UTC. */
  received: z.string(),
  /** True for what `picket replay` or a dead-letter replay fed in again. */
  replayed: z.boolean().optional(),
  /** True for an event that rules should see and the index not keep. */
  detection_only: z.boolean().optional(),
  /** How far `@timestamp` stands from the record's own time, ms: set for a recording that is played as if it happened now. */
  shift_ms: z.number().optional(),
});
export type PicketFields = z.infer<typeof PicketFields>;

/** Strict where Picket routes by it, loose for the rest of ECS. All timestamps are ISO 8601 in UTC with milliseconds. */
export const PicketEvent = z.looseObject({
  '@timestamp': z.iso.datetime(),
  ecs: z.object({ version: z.string() }),
  event: z.looseObject({
    id: z.string().min(1).max(512),
    kind: z.string(),
    module: z.string(),
    dataset: DatasetName,
    /** The raw record as text; absent when the bytes were not UTF-8 (then the bus keeps them as base64 in `event.original` with `picket.original_encoding`). */
    original: z.string().optional(),
  }),
  picket: PicketFields.loose(),
});
export type PicketEvent = z.infer<typeof PicketEvent>;

/** A parsed JSON object whose inside is not known. */
export type JsonObject = { [key: string]: unknown };
