// What a site and its parent's authority say to one another at enrolment and renewal.
import { z } from 'zod';
import { PicketError } from '../core/errors.ts';
import { Jurisdiction, SiteTier, Slug } from '../core/names.ts';
import { SignedDocument } from '../core/posture.ts';
import { SchemaVersion } from '../core/schema-version.ts';
import { MAX_REQUEST_LENGTH } from './certificate-request.ts';

/** All that a site needs to find and trust its parent: one string, shown once. */
export const SiteBundle = z.strictObject({
  schema: SchemaVersion,
  tenant: Slug,
  site: Slug,
  tier: SiteTier,
  jurisdiction: Jurisdiction,
  parent: z.strictObject({
    site: Slug,
    jurisdiction: Jurisdiction,
    /** `https://host:port` of its link. */
    url: z.url({ protocol: /^https$/ }),
    /** SHA-256 of the authority's certificate (DER), hex. */
    ca_fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  token: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
});
export type SiteBundle = z.infer<typeof SiteBundle>;

/** base64url of the bundle's JSON. */
export function encodeBundle(bundle: SiteBundle): string {
  return Buffer.from(JSON.stringify(bundle)).toString('base64url');
}

/** @throws PicketError BUNDLE_INVALID */
export function decodeBundle(text: string): SiteBundle {
  try {
    return SiteBundle.parse(JSON.parse(Buffer.from(text.trim(), 'base64url').toString('utf8')));
  } catch (error) {
    throw new PicketError({
      code: 'BUNDLE_INVALID',
      message: 'not an enrolment bundle: copy the whole line',
      cause: error,
    });
  }
}

/** What a site asks for, signed with its own Ed25519 key so that nobody else can speak for that key. */
export const CertificateApplication = z.object({
  schema: SchemaVersion,
  tenant: Slug,
  site: Slug,
  jurisdiction: Jurisdiction,
  csr: z.string().max(MAX_REQUEST_LENGTH),
  /** Ed25519 public key of its batches and renewals (SPKI, base64). */
  signing_key: z.string().max(256),
});
export type CertificateApplication = z.infer<typeof CertificateApplication>;

export const EnrolmentRequest = z.object({ token: z.string().max(128), application: SignedDocument });
export type EnrolmentRequest = z.infer<typeof EnrolmentRequest>;

export const RenewalRequest = z.object({ application: SignedDocument });
export type RenewalRequest = z.infer<typeof RenewalRequest>;

/** What the site keeps from enrolment and each renewal. */
export const IssuedIdentity = z.object({
  schema: SchemaVersion,
  tenant: Slug,
  site: Slug,
  tier: SiteTier,
  jurisdiction: Jurisdiction,
  /** PEM. */
  certificate: z.string(),
  not_before: z.iso.datetime(),
  not_after: z.iso.datetime(),
  /** Ed25519 public keys that sign postures (SPKI, base64). */
  posture_keys: z.array(z.string()).min(1),
  /** The last batch that the parent took of this site: the next follows it, also after a new enrolment. */
  batch: z.object({ sequence: z.number().int(), hash: z.string() }).optional(),
});
export type IssuedIdentity = z.infer<typeof IssuedIdentity>;
