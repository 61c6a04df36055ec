// Signs and verifies documents: Ed25519 over RFC 8785 canonical JSON, with a context so that one signature serves one purpose.
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson } from '../core/canonical-json.ts';
import { PicketError } from '../core/errors.ts';
import type { SignedDocument } from '../core/posture.ts';

/** What signatures are for. */
export const POSTURE_CONTEXT = 'picket/posture/1';
export const BATCH_CONTEXT = 'picket/batch/1';
export const RENEWAL_CONTEXT = 'picket/renewal/1';
export const ENROLMENT_CONTEXT = 'picket/enrolment/1';

/** Names a key: the first 128 bits of SHA-256 of its SPKI, hex. */
export function keyId(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(spki).digest('hex').slice(0, 32);
}

/** The signed document; `value` is plain JSON data. @throws TypeError for what JSON has no form for */
export function signDocument(options: { context: string; value: unknown; key: KeyObject }): SignedDocument {
  const { context, value, key } = options;
  const payload = canonicalJson(value);
  return {
    context,
    key_id: keyId(key),
    payload,
    signature: sign(null, signedBytes(context, payload), key).toString('base64'),
  };
}

/**
 * The document's value, when one of `keys` signed exactly this text for exactly this purpose.
 * @throws PicketError SIGNATURE_CONTEXT, SIGNATURE_KEY_UNKNOWN, SIGNATURE_INVALID, SIGNATURE_NOT_CANONICAL
 */
export function verifyDocument(options: {
  signed: SignedDocument;
  context: string;
  keys: readonly KeyObject[];
}): unknown {
  const { signed, context, keys } = options;
  if (signed.context !== context) {
    throw refusal('SIGNATURE_CONTEXT', `signed for \`${signed.context}\`, not for \`${context}\``);
  }
  const key = keys.find((candidate) => keyId(candidate) === signed.key_id);
  if (!key) throw refusal('SIGNATURE_KEY_UNKNOWN', `no key ${signed.key_id} is trusted here`);
  const signature = Buffer.from(signed.signature, 'base64');
  if (!verify(null, signedBytes(context, signed.payload), key, signature)) {
    throw refusal('SIGNATURE_INVALID', 'the signature does not fit the text');
  }
  // A text with two readings (duplicate keys) is refused: what is signed is what every reader sees.
  let value: unknown;
  try {
    value = JSON.parse(signed.payload);
  } catch (error) {
    throw new PicketError({
      code: 'SIGNATURE_NOT_CANONICAL',
      message: 'the signed text is no JSON',
      cause: error,
    });
  }
  if (canonicalJson(value) !== signed.payload) {
    throw refusal('SIGNATURE_NOT_CANONICAL', 'the signed text is not in canonical form (RFC 8785)');
  }
  return value;
}

function signedBytes(context: string, payload: string): Buffer {
  return Buffer.from(`${context}\u0000${payload}`, 'utf8');
}

function refusal(code: string, message: string): PicketError {
  return new PicketError({ code, message });
}
