// A site's own identity on disk: keys made here that never leave, and what its parent's authority gave.
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { PicketError } from '../core/errors.ts';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import { makeCertificateRequest } from './certificate-request.ts';
import { exportPrivateKey, keepRsaKey, keepSigningKey, publicKeyBase64 } from './keys.ts';
import { type CertificateApplication, IssuedIdentity, SiteBundle } from './messages.ts';
import { keepRandomKey, readSecretFile, writeSecretFile } from './secret-files.ts';

/** Enrolment as it is kept: what was issued, and the parent that the bundle named. */
export const Enrolment = z.object({
  issued: IssuedIdentity,
  parent: SiteBundle.shape.parent,
  /** The authority's certificate, PEM, as pinned. */
  ca: z.string(),
  /** Names this enrolment, with the batch that the parent had taken last: the site's chain goes on from it. */
  chain: z.object({ id: z.string(), sequence: z.number().int(), hash: z.string() }),
});
export type Enrolment = z.infer<typeof Enrolment>;

export interface SiteKeys {
  readonly folder: string;
  /** HMAC key of event ids (SiteIdentity.eventKey of ingest/build-event.ts). */
  readonly eventKey: Buffer;
  /** HMAC key of residency's hashes. */
  readonly residencyKey: Buffer;
  /** Ed25519: signs batches and renewals. */
  readonly signingKey: KeyObject;
  /** PEM of the TLS key. */
  readonly tlsKey: string;
  /** Undefined until the site is enrolled. */
  readonly enrolment: () => Enrolment | undefined;
  keepEnrolment(enrolment: Enrolment): Promise<void>;
  /** What the site asks its authority for, to be signed. */
  apply(site: { tenant: string; site: string; jurisdiction: string }): CertificateApplication;
}

/** Opens a site's folder of keys, making what is missing. @throws PicketError IDENTITY_DAMAGED */
export async function openSiteKeys(options: { folder: string }): Promise<SiteKeys> {
  const { folder } = options;
  const [tls, signingKey, eventKey, residencyKey] = await Promise.all([
    keepRsaKey(join(folder, 'link.key.pem')),
    keepSigningKey(join(folder, 'batch.key.pem')),
    keepRandomKey(folder, 'event'),
    keepRandomKey(folder, 'residency'),
  ]);
  const file = join(folder, 'enrolment.json');
  let enrolment = readEnrolment(await readSecretFile(file), file);
  return {
    folder,
    eventKey,
    residencyKey,
    signingKey,
    tlsKey: exportPrivateKey(tls),
    enrolment: () => enrolment,
    keepEnrolment: async (kept) => {
      await writeSecretFile(file, JSON.stringify(kept, null, 1));
      enrolment = kept;
    },
    apply: (site) => ({
      schema: SCHEMA_VERSION,
      tenant: site.tenant,
      site: site.site,
      jurisdiction: site.jurisdiction,
      csr: makeCertificateRequest(tls),
      signing_key: publicKeyBase64(signingKey),
    }),
  };
}

/** The keys that a centre needs for its own sources, without a link: see SiteKeys. */
export async function openLocalKeys(options: {
  folder: string;
}): Promise<{ eventKey: Buffer; residencyKey: Buffer }> {
  const [eventKey, residencyKey] = await Promise.all([
    keepRandomKey(options.folder, 'event'),
    keepRandomKey(options.folder, 'residency'),
  ]);
  return { eventKey, residencyKey };
}

function readEnrolment(content: Buffer | undefined, file: string): Enrolment | undefined {
  if (!content) return undefined;
  try {
    return Enrolment.parse(JSON.parse(content.toString('utf8')));
  } catch (error) {
    const message = 'cannot be read: enrol the site again with a new bundle';
    throw new PicketError({ code: 'IDENTITY_DAMAGED', message, place: { file }, cause: error });
  }
}
