// What a parent knows of a site: its identity, its link and its health.
import { z } from 'zod';
import { Jurisdiction, SiteTier, Slug } from './names.ts';
import { PostureReport } from './posture.ts';
import { SchemaVersion } from './schema-version.ts';

/** What a site tells of itself every few seconds over the link. Counters are totals since its data folder was made. */
export const Heartbeat = z.object({
  schema: SchemaVersion,
  at: z.iso.datetime(),
  version: z.string(),
  started: z.iso.datetime(),
  /** Records by source: received, accepted, dead-lettered; see Counter. */
  counters: z.array(
    z.object({ stage: z.string(), reason: z.string(), source: z.string().optional(), count: z.number() }),
  ),
  /** Records that may leave and have not yet. */
  spool: z.object({ records: z.number(), oldest: z.iso.datetime().optional() }),
  posture_version: z.number().int(),
  /** Event-time low watermark in ms since the epoch (SEMANTICS, as_of). */
  as_of: z.number().optional(),
});
export type Heartbeat = z.infer<typeof Heartbeat>;

/** The record a parent keeps of each child (collection `sites`, id = site id). */
export const SiteRecord = z.object({
  schema: SchemaVersion,
  id: Slug,
  name: z.string(),
  tenant: Slug,
  tier: SiteTier,
  jurisdiction: Jurisdiction,
  parent: Slug.optional(),
  state: z.enum(['invited', 'enrolled', 'revoked']),
  created: z.iso.datetime(),
  enrolled: z.iso.datetime().optional(),
  certificate: z
    .object({
      serial: z.string(),
      fingerprint: z.string(),
      not_after: z.iso.datetime(),
      spiffe_id: z.string(),
    })
    .optional(),
  /** Ed25519 public key (SPKI, base64) that signs its batches. */
  signing_key: z.string().optional(),
  /** Highest batch sequence taken, and its hash: the next must follow it. */
  batch: z.object({ sequence: z.number().int(), hash: z.string() }).optional(),
  last_seen: z.iso.datetime().optional(),
  heartbeat: Heartbeat.optional(),
  posture: PostureReport.optional(),
});
export type SiteRecord = z.infer<typeof SiteRecord>;
