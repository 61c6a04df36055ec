// X.509 certificates (RFC 5280): node-forge shapes them, node:crypto signs them.
import { createHash, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';
import { publicKeyPem } from './keys.ts';

const { asn1 } = forge;
/** Its type declarations leave this function out. */
const pki = forge.pki as typeof forge.pki & {
  getTBSCertificate(certificate: forge.pki.Certificate): forge.asn1.Asn1;
};

/** sha256WithRSAEncryption */
const SHA256_WITH_RSA = '1.2.840.113549.1.1.11';

/** Clocks of sites run apart: a certificate is valid from a little before it was made. */
export const BACKDATED_MS = 5 * 60_000;

type Names = readonly { readonly type: 2 | 6 | 7; readonly value?: string; readonly ip?: string }[];

export interface CertificateRequest {
  /** Common name of the subject. */
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly issuer: { readonly subject: string; readonly key: KeyObject };
  readonly notBefore: number;
  readonly notAfter: number;
  readonly use:
    | { readonly kind: 'authority' }
    | { readonly kind: 'server'; readonly names: readonly string[] }
    | { readonly kind: 'client'; readonly uri: string };
}

/** A certificate in PEM; serial of 127 random bits. */
export function makeCertificate(request: CertificateRequest): string {
  const certificate = pki.createCertificate();
  certificate.publicKey = pki.publicKeyFromPem(publicKeyPem(request.publicKey));
  certificate.serialNumber = randomSerial();
  certificate.validity.notBefore = new Date(request.notBefore);
  certificate.validity.notAfter = new Date(request.notAfter);
  certificate.setSubject([{ shortName: 'CN', value: request.subject }]);
  certificate.setIssuer([{ shortName: 'CN', value: request.issuer.subject }]);
  certificate.setExtensions(extensionsOf(request.use));
  certificate.signatureOid = SHA256_WITH_RSA;
  certificate.siginfo.algorithmOid = SHA256_WITH_RSA;
  const body = pki.getTBSCertificate(certificate);
  const signed = sign('sha256', Buffer.from(asn1.toDer(body).getBytes(), 'binary'), request.issuer.key);
  certificate.tbsCertificate = body;
  certificate.signature = signed.toString('binary');
  return pki.certificateToPem(certificate).replaceAll('\r\n', '\n');
}

/** Positive, never zero, at most 16 octets (RFC 5280 allows 20). */
function randomSerial(): string {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  return serial.toString('hex');
}

function extensionsOf(use: CertificateRequest['use']): object[] {
  switch (use.kind) {
    case 'authority':
      return [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
        { name: 'subjectKeyIdentifier' },
      ];
    case 'server':
      return [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        { name: 'subjectAltName', altNames: use.names.map(toAltName) satisfies Names },
      ];
    case 'client':
      return [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', clientAuth: true },
        { name: 'subjectAltName', altNames: [{ type: 6, value: use.uri }] satisfies Names },
      ];
  }
}

/** RFC 5280 GeneralName: 2 is a DNS name, 7 an address. */
function toAltName(name: string): Names[number] {
  return isIP(name) ? { type: 7, ip: name } : { type: 2, value: name };
}

/** SHA-256 of a certificate's DER, lower-case hex: what a site pins. */
export function certificateFingerprint(pem: string | Buffer): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
}

/** The URIs of a certificate's subject alternative name. */
export function certificateUris(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('URI:'))
    .map((name) => name.slice(4));
}
