// Shapes of what the API says around alerts: rows of alerts that go on, and what is known of an alert's entities.
import { z } from 'zod';
import { Alert } from '../../platform/core/alert.ts';
import { Entity } from '../../platform/core/entity.ts';
import { Criticality } from '../../platform/core/risk.ts';

export const AlertGroup = z.object({
  latest: Alert,
  /** Ids, the latest first. */
  alerts: z.array(z.string()),
  /** How many of them are open. */
  open: z.number().int(),
  /** Events of all. */
  count: z.number().int(),
  first: z.iso.datetime(),
  last: z.iso.datetime(),
});
export type AlertGroup = z.infer<typeof AlertGroup>;

export const AlertGroups = z.object({
  groups: z.array(AlertGroup),
  /** Alerts that were looked at; not all when `complete` is false. */
  alerts: z.number().int(),
  complete: z.boolean(),
});
export type AlertGroups = z.infer<typeof AlertGroups>;

export const GroupQuery = z.object({
  /** KQL over alerts. */
  where: z.string().max(10_000).optional(),
  /** The longest gap within a row. Default: a day. */
  window_ms: z.coerce.number().int().min(0).max(31_536_000_000).default(86_400_000),
});

export const EntityKnowledge = z.object({
  entity: Entity,
  /** As `assets` of the configuration lists it. */
  criticality: Criticality.optional(),
  /** Other current alerts that name it, and how many of them are open. */
  alerts: z.number().int(),
  open: z.number().int(),
  /** Alerts of scans among all that name it. */
  weaknesses: z.number().int(),
  sites: z.array(z.string()),
  /** Of all alerts that name it. */
  first: z.string().optional(),
  last: z.string().optional(),
  /** False when there are more alerts than were read. */
  complete: z.boolean(),
});
export type EntityKnowledge = z.infer<typeof EntityKnowledge>;

export const EntityKnowledgeList = z.object({ entities: z.array(EntityKnowledge) });
export type EntityKnowledgeList = z.infer<typeof EntityKnowledgeList>;
