// The alert: one episode of a rule over a key, as it is stored, sent up and shown.
import { z } from 'zod';
import { Entity } from './entity.ts';
import { Jurisdiction, Level, ResidencyClass, SiteTier, Slug } from './names.ts';
import { SchemaVersion } from './schema-version.ts';

/** ATT&CK as tags name it: tactic `TA0002`-like shortname and technique id. */
export const Threat = z.object({
  tactic: z.string().optional(),
  technique: z
    .string()
    .regex(/^T\d{4}(?:\.\d{3})?$/)
    .optional(),
});
export type Threat = z.infer<typeof Threat>;

/** One event of an episode, with what an analyst sees first. */
export const EvidenceEvent = z.object({
  id: z.string(),
  timestamp: z.iso.datetime(),
  dataset: z.string(),
  /** One line in words. It falls under residency's free-text rule when it leaves a site. */
  summary: z.string().optional(),
});
export type EvidenceEvent = z.infer<typeof EvidenceEvent>;

/** Why the rule held: which field had which value for which part of the rule. */
export const MatchReason = z.object({
  selection: z.string(),
  field: z.string(),
  value: z.string(),
  condition: z.string(),
});
export type MatchReason = z.infer<typeof MatchReason>;

export const Alert = z.object({
  schema: SchemaVersion,
  /** Hash of rule id, scope, key and anchor (SEMANTICS, Matches, alerts, scope). */
  id: z.string(),
  tenant: Slug,
  site: z.object({ id: Slug, tier: SiteTier }),
  jurisdiction: Jurisdiction,
  /** The residency class of its source events; the strictest in use when they differ. */
  class: ResidencyClass,
  rule: z.object({
    id: z.string(),
    name: z.string(),
    level: Level,
    kind: z.enum(['plain', 'correlation']),
    /** Content hash of the rule's text and of its pack (folder), hex. */
    version: z.string(),
    pack: z.string(),
    tags: z.array(z.string()),
    guide: z.string().optional(),
    falsepositives: z.array(z.string()).optional(),
  }),
  scope: z.enum(['site', 'fleet']),
  /** The group-by (or entity) fields and their values that make the key. */
  key: z.record(z.string(), z.string()),
  /** `current` until late truth takes it back (`withdrawn`) or moves its anchor (`superseded`). */
  state: z.enum(['current', 'withdrawn', 'superseded']),
  superseded_by: z.string().optional(),
  /** Rises with each change of the episode; a reader keeps the highest it saw. */
  revision: z.number().int().min(1),
  first: z.iso.datetime(),
  last: z.iso.datetime(),
  /** Exact number of the episode's events; `events` holds the first and last hundred of them by (t, id). */
  count: z.number().int().min(1),
  events: z.array(EvidenceEvent).max(200),
  reasons: z.array(MatchReason),
  entities: z.array(Entity),
  threat: z.array(Threat),
  /** Milliseconds from the anchor event's time to the alert's making. */
  detection_delay_ms: z.number(),
  replayed: z.boolean(),
  created: z.iso.datetime(),
  /** How analysts handle it; people's part, never the engine's. */
  status: z.enum(['open', 'acknowledged', 'closed']).default('open'),
  /** The digest that tells of it here, for a late one (respond/notify/digest-late.ts). */
  digest: z.string().optional(),
});
export type Alert = z.infer<typeof Alert>;

/** An alert made this long after its event is late. */
export const LATE_MS = 3_600_000;

/** Too late, or replayed: it sets off no message and no playbook of its own (SEMANTICS, Late truth). */
export function isLate({
  replayed,
  detection_delay_ms,
}: Pick<Alert, 'replayed' | 'detection_delay_ms'>): boolean {
  return replayed || detection_delay_ms >= LATE_MS;
}
