// The incident: alerts joined by the entities they share, the case that analysts work.
import { z } from 'zod';
import { Threat } from './alert.ts';
import { Entity } from './entity.ts';
import { Jurisdiction, Level, Slug } from './names.ts';
import { SchemaVersion } from './schema-version.ts';

/** Why two alerts stand in one incident: an entity that they share, or what a person decided. */
export const IncidentJoin = z.object({
  alerts: z.tuple([z.string(), z.string()]),
  entity: Entity.optional(),
  weight: z.number(),
  /** Version of the rarity table in force when the edge was judged. */
  rarity_version: z.string().optional(),
  /** Id of the IncidentLink that put them together. */
  decision: z.string().optional(),
});
export type IncidentJoin = z.infer<typeof IncidentJoin>;

export const IncidentAlert = z.object({
  id: z.string(),
  rule_id: z.string(),
  rule_name: z.string(),
  level: Level,
  site: Slug,
  jurisdiction: Jurisdiction,
  first: z.iso.datetime(),
  last: z.iso.datetime(),
  count: z.number().int(),
});
export type IncidentAlert = z.infer<typeof IncidentAlert>;

/** An act of a person or token, or of the engine, on the case. */
export const IncidentNote = z.object({
  at: z.iso.datetime(),
  actor: z.string(),
  kind: z.enum(['comment', 'status', 'owner', 'verdict', 'playbook', 'engine', 'task', 'evidence']),
  text: z.string(),
});
export type IncidentNote = z.infer<typeof IncidentNote>;

/**
 * What a person decided about which alerts stand together; never undone by the engine. `together` is a must-link over
 * all alerts of both sides, `apart` a cannot-link between any of one and any of the other (SEMANTICS, Incidents).
 */
export const IncidentLink = z.object({
  schema: SchemaVersion,
  id: z.string(),
  kind: z.enum(['together', 'apart']),
  /** Ids of alerts, as they stood then. */
  sides: z.tuple([z.array(z.string()).min(1), z.array(z.string()).min(1)]),
  /** Incidents that the decision was made on. */
  incidents: z.array(z.string()),
  actor: z.string(),
  at: z.iso.datetime(),
  reason: z.string(),
});
export type IncidentLink = z.infer<typeof IncidentLink>;

export const IncidentStatus = z.enum(['open', 'acknowledged', 'contained', 'closed']);
export type IncidentStatus = z.infer<typeof IncidentStatus>;

/** Something to be done in a case. */
export const IncidentTask = z.object({
  id: z.string(),
  title: z.string(),
  state: z.enum(['open', 'done']),
  assignee: z.string().optional(),
  actor: z.string(),
  at: z.iso.datetime(),
  done: z.iso.datetime().optional(),
});
export type IncidentTask = z.infer<typeof IncidentTask>;

/** Something that a person put into a case: an event, an alert, a file by its hash, an address on the web. */
export const IncidentEvidence = z.object({
  id: z.string(),
  kind: z.enum(['event', 'alert', 'file', 'link']),
  /** Id of the event or alert, SHA-256 of the file (hex), or the address. */
  ref: z.string(),
  note: z.string(),
  actor: z.string(),
  at: z.iso.datetime(),
});
export type IncidentEvidence = z.infer<typeof IncidentEvidence>;

/** When a case first reached a status, for its metrics. */
export const Milestones = z.object({
  acknowledged: z.iso.datetime().optional(),
  contained: z.iso.datetime().optional(),
  closed: z.iso.datetime().optional(),
});
export type Milestones = z.infer<typeof Milestones>;

export const Incident = z.object({
  schema: SchemaVersion,
  id: z.string(),
  tenant: Slug,
  title: z.string(),
  level: Level,
  status: IncidentStatus,
  owner: z.string().optional(),
  verdict: z.enum(['true-positive', 'false-positive', 'benign']).optional(),
  verdict_reason: z.string().optional(),
  sites: z.array(Slug),
  jurisdictions: z.array(Jurisdiction),
  alerts: z.array(IncidentAlert),
  joins: z.array(IncidentJoin),
  entities: z.array(Entity),
  threat: z.array(Threat),
  first: z.iso.datetime(),
  last: z.iso.datetime(),
  created: z.iso.datetime(),
  updated: z.iso.datetime(),
  /** Set when this case was merged into another: readers follow it. */
  merged_into: z.string().optional(),
  notes: z.array(IncidentNote),
  tasks: z.array(IncidentTask).optional(),
  evidence: z.array(IncidentEvidence).optional(),
  milestones: Milestones.optional(),
  /** True when every alert was late or replayed: such a case goes into a digest, not into playbooks. */
  quiet: z.boolean(),
  /** What was last sent to `picket.incidents`; a higher level now, or no longer quiet, is owed a sending. */
  announced: z.object({ level: Level, quiet: z.boolean() }).optional(),
});
export type Incident = z.infer<typeof Incident>;
