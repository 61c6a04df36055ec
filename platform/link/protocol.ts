// The link's routes, messages and limits: HTTP/2 over TLS 1.3, always called by the child.
import { z } from 'zod';
import { errorCode, PicketError } from '../core/errors.ts';
import { Jurisdiction, Slug } from '../core/names.ts';
import { SignedDocument } from '../core/posture.ts';
import { SchemaVersion } from '../core/schema-version.ts';

export const ROUTES = {
  /** POST EnrolmentRequest → IssuedIdentity. Needs no client certificate. */
  enrol: '/link/v1/enrol',
  /** POST RenewalRequest → IssuedIdentity. Needs no client certificate: the batch key proves who asks. */
  renew: '/link/v1/renew',
  /** POST an encoded batch → BatchAnswer. */
  batches: '/link/v1/batches',
  /** POST Heartbeat → 204. */
  heartbeat: '/link/v1/heartbeat',
  /** GET → lines of Command, for as long as the connection lives. */
  commands: '/link/v1/commands',
} as const;

export const MAX_JSON_BYTES = 1024 * 1024;
/** Of a batch, compressed and not. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;
export const MAX_BATCH_TEXT_BYTES = 64 * 1024 * 1024;

/** What may go up, and in this order of importance when several wait. */
export const UPLINK_KINDS = ['alert', 'posture-report', 'residency', 'event'] as const;
export const UplinkKind = z.enum(UPLINK_KINDS);
export type UplinkKind = z.infer<typeof UplinkKind>;

/** The signed head of a batch. Its hash is SHA-256 of the canonical text, which the next batch's `previous` repeats. */
export const BatchHeader = z.object({
  schema: SchemaVersion,
  tenant: Slug,
  site: Slug,
  jurisdiction: Jurisdiction,
  destination: Jurisdiction,
  sequence: z.number().int().min(1),
  previous: z.string(),
  made: z.iso.datetime(),
  count: z.number().int().min(1),
  /** RFC 6962 Merkle root over the record lines, hex. */
  root: z.string().regex(/^[0-9a-f]{64}$/),
  policy_version: z.string(),
});
export type BatchHeader = z.infer<typeof BatchHeader>;

/** `previous` of a site's first batch. */
export const FIRST_PREVIOUS = '0'.repeat(64);

/** One line of a batch. */
export const BatchRecord = z.object({
  kind: UplinkKind,
  document: z.record(z.string(), z.unknown()),
  /** True when the site already worked its own rules on the event. */
  detected: z.boolean().optional(),
});
export type BatchRecord = z.infer<typeof BatchRecord>;

export const BatchAnswer = z.object({
  sequence: z.number().int(),
  hash: z.string(),
  outcome: z.enum(['taken', 'duplicate']),
});
export type BatchAnswer = z.infer<typeof BatchAnswer>;

/** A line that comes down. A child counts and passes over kinds that it does not know. */
export const Command = z.looseObject({ kind: z.string(), document: SignedDocument.optional() });
export type Command = z.infer<typeof Command>;

const LONGEST_DETAIL = 2_000;

/** A refusal's body (RFC 9457 with our code). */
export const Problem = z.object({
  status: z.number(),
  /** Counters are kept by it, so it is no place for a text of the other side's making. */
  code: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
  detail: z.string().max(LONGEST_DETAIL),
});
export type Problem = z.infer<typeof Problem>;

/** Refusals that another try cannot mend: the site stops and says so. */
export const FINAL_CODES: ReadonlySet<string> = new Set([
  'SITE_UNKNOWN',
  'SITE_REVOKED',
  'TOKEN_UNKNOWN',
  'TOKEN_EXPIRED',
  'TOKEN_USED',
  'TOKEN_WRONG_SITE',
  'LINK_PIN_MISMATCH',
  'LINK_NOT_ENROLLED',
  'LINK_ENROLMENT_WRONG',
  'BUNDLE_INVALID',
]);

const STATUS: Readonly<Record<string, number>> = {
  LINK_CERTIFICATE_MISSING: 401,
  LINK_CERTIFICATE_INVALID: 401,
  SITE_UNKNOWN: 403,
  SITE_REVOKED: 403,
  TOKEN_UNKNOWN: 403,
  TOKEN_EXPIRED: 403,
  TOKEN_USED: 403,
  TOKEN_WRONG_SITE: 403,
  LINK_ROUTE_UNKNOWN: 404,
  LINK_BATCH_FORK: 409,
  LINK_BATCH_REPLAYED: 409,
  LINK_BATCH_GAP: 409,
  LINK_TOO_LARGE: 413,
  LINK_BUSY: 503,
  BUS_FULL: 429,
  BUS_UNAVAILABLE: 503,
  BUS_CLOSED: 503,
  INTERNAL: 500,
};

/** What a refusal looks like on the wire; what is not ours says no more than INTERNAL. */
export function describeProblem(error: unknown): Problem {
  const code = errorCode(error);
  const detail = error instanceof PicketError ? error.message : 'the parent could not answer';
  return {
    status: STATUS[code] ?? (code.startsWith('RECORD_') ? 503 : 400),
    code,
    detail: detail.slice(0, LONGEST_DETAIL),
  };
}
