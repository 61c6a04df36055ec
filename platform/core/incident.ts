// The incident: alerts joined by the entities they share, the case that analysts work.
import { z } from 'zod';
import { Threat } from './alert.ts';
import { Entity } from './entity.ts';
import { Jurisdiction, Level, Slug } from './names.ts';
import { SchemaVersion } from './schema-version.ts';

/** Why two alerts stand in one incident. */
export const IncidentJoin = z.object({
  alerts: z.tuple([z.string(), z.string()]),
  entity: Entity,
  weight: z.number(),
  /** Version of the rarity table in force when the edge was judged. */
  rarity_version: z.string(),
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
  kind: z.enum(['comment', 'status', 'owner', 'verdict', 'playbook', 'engine']),
  text: z.string(),
});
export type IncidentNote = z.infer<typeof IncidentNote>;

export const IncidentStatus = z.enum(['open', 'acknowledged', 'contained', 'closed']);
export type IncidentStatus = z.infer<typeof IncidentStatus>;

export const Incident = z.object({
  schema: SchemaVersion,
  id: z.string(),
  tenant: Slug,
  title: z.string(),
  level: Level,
  status: IncidentStatus,
  owner: z.string().optional(),
  verdict: z.enum(['true-positive', 'false-positive', 'benign']).optional(),
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
  /** True when every alert was late or replayed: such a case goes into a digest, not into playbooks. */
  quiet: z.boolean(),
  /** What was last sent to `picket.incidents`; a higher level now, or no longer quiet, is owed a sending. */
  announced: z.object({ level: Level, quiet: z.boolean() }).optional(),
});
export type Incident = z.infer<typeof Incident>;
