// Decides whether a site takes a posture document: signature, site, tenant, version and expiry.
import type { KeyObject } from 'node:crypto';
import { PicketError } from '../core/errors.ts';
import { Posture, type SignedDocument } from '../core/posture.ts';
import { POSTURE_CONTEXT, verifyDocument } from '../identity/sign-document.ts';

/**
 * The posture, or undefined when the site holds exactly this version already.
 * @throws PicketError SIGNATURE_*, POSTURE_INVALID, POSTURE_FOREIGN, POSTURE_EXPIRED, POSTURE_ROLLBACK
 */
export function acceptPosture(options: {
  signed: SignedDocument;
  keys: readonly KeyObject[];
  site: { readonly tenant: string; readonly id: string };
  /** The version that the site holds; 0 for none. */
  held: number;
  now: number;
}): Posture | undefined {
  const { signed, keys, site, held, now } = options;
  const parsed = Posture.safeParse(verifyDocument({ signed, context: POSTURE_CONTEXT, keys }));
  if (!parsed.success) throw refusal('POSTURE_INVALID', parsed.error.issues[0]?.message ?? 'no posture');
  const posture = parsed.data;
  if (posture.tenant !== site.tenant || posture.site !== site.id)
    throw refusal('POSTURE_FOREIGN', `it is for ${posture.tenant}/${posture.site}`);
  if (posture.version === held) return undefined;
  if (posture.version < held)
    throw refusal('POSTURE_ROLLBACK', `version ${posture.version} came, ${held} is held`);
  if (Date.parse(posture.expires) <= now)
    throw refusal('POSTURE_EXPIRED', `it was to be taken until ${posture.expires}`);
  return posture;
}

function refusal(code: string, message: string): PicketError {
  return new PicketError({ code, message });
}
