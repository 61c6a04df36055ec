// Enrols a site at its parent: trusts only the authority whose fingerprint the bundle pins.
import { createHash, randomUUID, X509Certificate } from 'node:crypto';
import { connect as connectTls, type DetailedPeerCertificate } from 'node:tls';
import { describeError, PicketError } from '../core/errors.ts';
import type { IssuedIdentity, SiteBundle } from '../identity/messages.ts';
import { ENROLMENT_CONTEXT, signDocument } from '../identity/sign-document.ts';
import type { Enrolment, SiteKeys } from '../identity/site-identity.ts';
import { connectLink, readIssued } from './link-connection.ts';
import { FIRST_PREVIOUS, ROUTES } from './protocol.ts';

/** How long a parent may take to answer a TLS handshake. */
const HANDSHAKE_MS = 10_000;

/**
 * The authority's certificate (PEM) of a parent, when it is the pinned one. Nothing is sent before that is known.
 * @throws PicketError LINK_PIN_MISMATCH, LINK_UNREACHABLE
 */
export function fetchAuthority(options: {
  url: string;
  fingerprint: string;
  signal: AbortSignal;
}): Promise<string> {
  const { url, fingerprint, signal } = options;
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const unreachable = (error: unknown): void =>
      reject(
        new PicketError({
          code: 'LINK_UNREACHABLE',
          message: `${url}: ${describeError(error)}`,
          cause: error,
        }),
      );
    const socket = connectTls({
      host,
      port: Number(port),
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
      // Verified below by the pin, and again by OpenSSL on the connection that is used.
      rejectUnauthorized: false,
    });
    const abort = (): void => {
      socket.destroy();
      unreachable(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.setTimeout(HANDSHAKE_MS, () => socket.destroy(new Error('no answer')));
    socket.on('error', unreachable);
    socket.on('close', () => signal.removeEventListener('abort', abort));
    socket.on('secureConnect', () => {
      const pinned = findPinned(socket.getPeerCertificate(true), fingerprint);
      socket.destroy();
      if (pinned) resolve(pinned);
      else {
        const message = `${url} is not the parent of this bundle: its authority has another certificate`;
        reject(new PicketError({ code: 'LINK_PIN_MISMATCH', message }));
      }
    });
  });
}

function findPinned(leaf: DetailedPeerCertificate, fingerprint: string): string | undefined {
  let certificate: DetailedPeerCertificate | undefined = leaf;
  for (let depth = 0; certificate?.raw && depth < 8; depth++) {
    if (createHash('sha256').update(certificate.raw).digest('hex') === fingerprint)
      return new X509Certificate(certificate.raw).toString();
    if (certificate.issuerCertificate === certificate) return undefined;
    certificate = certificate.issuerCertificate;
  }
  return undefined;
}

/**
 * Uses the bundle's token for a certificate and keeps it. A lost answer may be asked for again with the same keys.
 * @throws PicketError LINK_PIN_MISMATCH, LINK_UNREACHABLE, TOKEN_*, LINK_ENROLMENT_WRONG
 */
export async function enrolSite(options: {
  keys: SiteKeys;
  bundle: SiteBundle;
  signal: AbortSignal;
}): Promise<Enrolment> {
  const { keys, bundle, signal } = options;
  const { parent } = bundle;
  const ca = await fetchAuthority({ url: parent.url, fingerprint: parent.ca_fingerprint, signal });
  const application = signDocument({
    context: ENROLMENT_CONTEXT,
    value: keys.apply(bundle),
    key: keys.signingKey,
  });
  const connection = await connectLink({ url: parent.url, ca, signal });
  let issued: IssuedIdentity;
  try {
    const body = Buffer.from(JSON.stringify({ token: bundle.token, application }));
    issued = readIssued(await connection.request({ path: ROUTES.enrol, body, signal }));
  } finally {
    connection.close();
  }
  checkIssued(issued, bundle);
  const last = issued.batch ?? { sequence: 0, hash: FIRST_PREVIOUS };
  const enrolment: Enrolment = { issued, parent, ca, chain: { id: randomUUID(), ...last } };
  await keys.keepEnrolment(enrolment);
  return enrolment;
}

/** Neither a bundle nor a parent may make another site of this one. @throws PicketError LINK_ENROLMENT_WRONG */
export function checkIssued(
  issued: { tenant: string; site: string; jurisdiction: string },
  wanted: { tenant: string; site: string; jurisdiction: string },
): void {
  if (
    issued.tenant !== wanted.tenant ||
    issued.site !== wanted.site ||
    issued.jurisdiction !== wanted.jurisdiction
  ) {
    const message = `this is ${wanted.site} (${wanted.jurisdiction}), not ${issued.site} (${issued.jurisdiction})`;
    throw new PicketError({ code: 'LINK_ENROLMENT_WRONG', message });
  }
}
