// The posture: the versioned, signed, desired state of one site, made of leased changes.
import { z } from 'zod';
import { Slug } from './names.ts';
import { SchemaVersion } from './schema-version.ts';

/** One change that a site is asked to hold until its lease ends. */
export const PostureEntry = z.object({
  id: z.string(),
  /** Id of the action adapter (respond/actions/<name>), e.g. `firewall-deny-address`. */
  action: z.string(),
  /** Checked at the site against the action's own schema. */
  parameters: z.record(z.string(), z.unknown()),
  owner: z.object({
    incident: z.string().optional(),
    run: z.string().optional(),
    person: z.string().optional(),
  }),
  reason: z.string(),
  not_before: z.iso.datetime(),
  /** The change ends by itself then, also with the parent away. */
  lease_end: z.iso.datetime(),
});
export type PostureEntry = z.infer<typeof PostureEntry>;

export const Posture = z.object({
  schema: SchemaVersion,
  tenant: Slug,
  site: Slug,
  /** Monotonic for one site; a site refuses what is not above the one it holds. */
  version: z.number().int().min(1),
  issued: z.iso.datetime(),
  /** After this moment a site refuses to take the document (freeze attack). */
  expires: z.iso.datetime(),
  entries: z.array(PostureEntry).max(10_000),
});
export type Posture = z.infer<typeof Posture>;

/**
 * A document with an Ed25519 signature over its RFC 8785 canonical JSON, prefixed by `context` and a NUL
 * (so that a signature for one purpose is none for another). `payload` is the exact signed text.
 */
export const SignedDocument = z.object({
  context: z.string(),
  key_id: z.string(),
  payload: z.string(),
  /** base64 */
  signature: z.string(),
});
export type SignedDocument = z.infer<typeof SignedDocument>;

/** What one entry is at the site now. */
export const EntryState = z.enum(['applied', 'refused', 'failed', 'ended', 'pending']);
export type EntryState = z.infer<typeof EntryState>;

/** What a site reports of its posture, on each change and on each heartbeat. */
export const PostureReport = z.object({
  schema: SchemaVersion,
  tenant: Slug,
  site: Slug,
  /** The version the site holds; 0 for none. */
  version: z.number().int().min(0),
  at: z.iso.datetime(),
  entries: z.array(
    z.object({
      id: z.string(),
      state: EntryState,
      at: z.iso.datetime(),
      code: z.string().optional(),
      reason: z.string().optional(),
    }),
  ),
  /** Set when a document was refused whole. */
  refused: z
    .object({ version: z.number().int().optional(), code: z.string(), reason: z.string() })
    .optional(),
});
export type PostureReport = z.infer<typeof PostureReport>;
