// One-time enrolment tokens: random, kept as a hash only, bound to a site, used once.
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { errorCode, PicketError } from '../core/errors.ts';
import { Jurisdiction, SiteTier, Slug } from '../core/names.ts';
import { SCHEMA_VERSION, SchemaVersion } from '../core/schema-version.ts';
import type { RecordStore } from '../records/record-store.ts';

/** Collection `enrolment-tokens`; id = SHA-256 of the token, hex. */
export const EnrolmentToken = z.object({
  schema: SchemaVersion,
  tenant: Slug,
  site: Slug,
  tier: SiteTier,
  jurisdiction: Jurisdiction,
  created: z.iso.datetime(),
  expires: z.iso.datetime(),
  used: z.iso.datetime().optional(),
  /** Hash of the application that it served: the same one may ask again when the answer was lost. */
  used_by: z.string().optional(),
});
export type EnrolmentToken = z.infer<typeof EnrolmentToken>;

export interface TokenSubject {
  readonly tenant: string;
  readonly site: string;
  readonly tier: EnrolmentToken['tier'];
  readonly jurisdiction: string;
}

/** A new token (256 bits, base64url); only its hash is kept. */
export async function createEnrolmentToken(options: {
  records: RecordStore;
  clock: Clock;
  subject: TokenSubject;
  lifetime_ms: number;
}): Promise<{ token: string; expires: string }> {
  const { records, clock, subject } = options;
  const token = randomBytes(32).toString('base64url');
  const expires = new Date(clock.now() + options.lifetime_ms).toISOString();
  const value: EnrolmentToken = {
    schema: SCHEMA_VERSION,
    ...subject,
    created: new Date(clock.now()).toISOString(),
    expires,
  };
  await records.create('enrolment-tokens', tokenId(token), value);
  return { token, expires };
}

/**
 * Uses a token for a site, once; the same `usedBy` may use it again until it expires (a lost answer).
 * @throws PicketError TOKEN_UNKNOWN, TOKEN_EXPIRED, TOKEN_USED, TOKEN_WRONG_SITE
 */
export async function useEnrolmentToken(options: {
  records: RecordStore;
  clock: Clock;
  token: string;
  subject: { tenant: string; site: string; jurisdiction: string };
  usedBy: string;
}): Promise<EnrolmentToken> {
  const { records, clock, subject, usedBy } = options;
  const stored = await records.get<EnrolmentToken>('enrolment-tokens', tokenId(options.token));
  if (!stored) throw refusal('TOKEN_UNKNOWN', 'this enrolment token is not known here');
  const { value } = stored;
  if (
    value.tenant !== subject.tenant ||
    value.site !== subject.site ||
    value.jurisdiction !== subject.jurisdiction
  )
    throw refusal('TOKEN_WRONG_SITE', 'this enrolment token is for another site');
  if (Date.parse(value.expires) <= clock.now())
    throw refusal('TOKEN_EXPIRED', `it was good until ${value.expires}`);
  if (value.used !== undefined) {
    if (value.used_by === usedBy) return value;
    throw refusal('TOKEN_USED', `it was used at ${value.used}`);
  }
  const used: EnrolmentToken = { ...value, used: new Date(clock.now()).toISOString(), used_by: usedBy };
  try {
    await records.update('enrolment-tokens', { ...stored, value: used });
  } catch (error) {
    if (errorCode(error) === 'RECORD_CONFLICT') throw refusal('TOKEN_USED', 'it was used a moment ago');
    throw error;
  }
  return used;
}

function tokenId(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function refusal(code: string, message: string): PicketError {
  return new PicketError({ code, message });
}
