// Certificate signing requests (PKCS #10, RFC 2986): made at a site, checked by the authority.
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import forge from 'node-forge';
import { PicketError } from '../core/errors.ts';
import { publicKeyPem, RSA_BITS } from './keys.ts';

const { asn1 } = forge;
/** Its type declarations leave this function out. */
const pki = forge.pki as typeof forge.pki & {
  getCertificationRequestInfo(request: forge.pki.CertificateSigningRequest): forge.asn1.Asn1;
};

const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';

/** A request of this size holds any key that we take. */
export const MAX_REQUEST_LENGTH = 16_384;

/** A CSR in PEM, signed with the key it is for. The subject says nothing: the authority names the site itself. */
export function makeCertificateRequest(key: KeyObject): string {
  const request = pki.createCertificationRequest();
  request.publicKey = pki.publicKeyFromPem(publicKeyPem(key));
  request.setSubject([{ shortName: 'CN', value: 'picket-site' }]);
  request.signatureOid = SHA256_WITH_RSA;
  request.siginfo.algorithmOid = SHA256_WITH_RSA;
  const body = pki.getCertificationRequestInfo(request);
  request.certificationRequestInfo = body;
  request.signature = sign('sha256', Buffer.from(asn1.toDer(body).getBytes(), 'binary'), key).toString(
    'binary',
  );
  return pki.certificationRequestToPem(request).replaceAll('\r\n', '\n');
}

/**
 * The public key of a request, once its holder proved to have the private one. Names and extensions in it are ignored.
 * @throws PicketError CSR_INVALID, CSR_KEY_REFUSED
 */
export function readCertificateRequest(pem: string): KeyObject {
  if (pem.length > MAX_REQUEST_LENGTH)
    throw refusal('CSR_INVALID', `longer than ${MAX_REQUEST_LENGTH} characters`);
  let key: KeyObject;
  let body: Buffer;
  let signature: Buffer;
  let algorithm: string;
  try {
    const request = pki.certificationRequestFromPem(pem);
    key = createPublicKey(pki.publicKeyToPem(request.publicKey as forge.pki.rsa.PublicKey));
    body = Buffer.from(asn1.toDer(request.certificationRequestInfo as forge.asn1.Asn1).getBytes(), 'binary');
    signature = Buffer.from(request.signature as string, 'binary');
    algorithm = String(request.signatureOid);
  } catch (error) {
    throw refusal('CSR_INVALID', 'not a certificate signing request with an RSA key', error);
  }
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== 'rsa' || modulusLength < RSA_BITS || modulusLength > 8192)
    throw refusal('CSR_KEY_REFUSED', `an RSA key of ${RSA_BITS} to 8192 bits is wanted`);
  if (publicExponent !== 65_537n) throw refusal('CSR_KEY_REFUSED', 'the public exponent must be 65537');
  if (algorithm !== SHA256_WITH_RSA) throw refusal('CSR_INVALID', 'not signed by sha256WithRSAEncryption');
  if (!verify('sha256', body, key, signature))
    throw refusal('CSR_INVALID', 'its signature does not fit its key');
  return key;
}

function refusal(code: string, message: string, cause?: unknown): PicketError {
  return new PicketError({ code, message, cause });
}
