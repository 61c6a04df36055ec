// The authority of a parent: its CA, its link's certificate, its posture key, and the sites it enrols.
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { contentHash } from '../core/canonical-json.ts';
import type { Clock } from '../core/clock.ts';
import { PicketError } from '../core/errors.ts';
import type { SiteTier } from '../core/names.ts';
import type { SignedDocument } from '../core/posture.ts';
import { SCHEMA_VERSION } from '../core/schema-version.ts';
import type { SiteRecord } from '../core/site.ts';
import { type RecordStore, upsertRecord } from '../records/record-store.ts';
import { readCertificateRequest } from './certificate-request.ts';
import { BACKDATED_MS, certificateFingerprint, makeCertificate } from './certificates.ts';
import { createEnrolmentToken, useEnrolmentToken } from './enrolment-token.ts';
import { keepRsaKey, keepSigningKey, publicKeyBase64, readPublicKey } from './keys.ts';
import {
  CertificateApplication,
  type EnrolmentRequest,
  encodeBundle,
  type IssuedIdentity,
  type RenewalRequest,
} from './messages.ts';
import { keepSecret, readSecretFile, writeSecretFile } from './secret-files.ts';
import { ENROLMENT_CONTEXT, RENEWAL_CONTEXT, signDocument, verifyDocument } from './sign-document.ts';
import { rememberCertificate } from './site-certificates.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AUTHORITY_LIFE_MS = 10 * 365 * DAY_MS;
const SERVER_LIFE_MS = 90 * DAY_MS;
/** A site's certificate; renewed at two thirds of it. */
export const SITE_LIFE_MS = DAY_MS;
const TOKEN_LIFE_MS = DAY_MS;

const LOCAL_NAMES = ['127.0.0.1', '::1', 'localhost'];

export interface Invitation {
  readonly site: string;
  readonly name: string;
  readonly tier: SiteTier;
  readonly jurisdiction: string;
  /** Who the site's parent is and where its link listens (`https://host:port`). */
  readonly parent: { readonly site: string; readonly jurisdiction: string; readonly url: string };
  readonly token_lifetime_ms?: number;
}

export interface Authority {
  readonly tenant: string;
  /** PEM. */
  readonly caCertificate: string;
  /** SHA-256 of the CA certificate, hex: what sites pin. */
  readonly caFingerprint: string;
  /** Public keys (SPKI, base64) that sites verify postures with. */
  readonly postureKeys: readonly string[];
  /** The link's own key and certificate (PEM), made anew at two thirds of its life or when its names changed. */
  serverCertificate(): Promise<{ key: string; certificate: string }>;
  /** Makes or keeps the site's record and a one-time token. @throws PicketError SITE_DIFFERS when it is known with another tier or jurisdiction */
  invite(invitation: Invitation): Promise<{ bundle: string; expires: string }>;
  /** @throws PicketError TOKEN_*, CSR_*, SIGNATURE_*, APPLICATION_INVALID */
  enrol(request: EnrolmentRequest): Promise<IssuedIdentity>;
  /** The site's batch key proves who asks, so that a site whose certificate ran out while it was cut off can return. @throws PicketError SITE_UNKNOWN, SITE_REVOKED, CSR_*, SIGNATURE_* */
  renew(request: RenewalRequest): Promise<IssuedIdentity>;
  /** At once and by name: every certificate of the site is refused from now on. @throws PicketError SITE_UNKNOWN */
  revoke(site: string): Promise<void>;
  /** Signs with the posture key. */
  sign(context: string, value: unknown): SignedDocument;
}

/** The authority's keys and its CA's certificate (PEM), made where they are missing: all that processes must share. */
export async function keepAuthorityKeys(options: { folder: string; tenant: string; clock: Clock }): Promise<{
  caKey: KeyObject;
  serverKey: KeyObject;
  postureKey: KeyObject;
  caSubject: string;
  caCertificate: string;
}> {
  const { folder, tenant, clock } = options;
  const [caKey, serverKey, postureKey] = await Promise.all([
    keepRsaKey(join(folder, 'ca.key.pem')),
    keepRsaKey(join(folder, 'server.key.pem')),
    keepSigningKey(join(folder, 'posture.key.pem')),
  ]);
  const caSubject = `Picket ${tenant} CA`;
  const certificate = await keepSecret(join(folder, 'ca.cert.pem'), () =>
    makeCertificate({
      subject: caSubject,
      publicKey: createPublicKey(caKey),
      issuer: { subject: caSubject, key: caKey },
      notBefore: clock.now() - BACKDATED_MS,
      notAfter: clock.now() + AUTHORITY_LIFE_MS,
      use: { kind: 'authority' },
    }),
  );
  return { caKey, serverKey, postureKey, caSubject, caCertificate: certificate.toString('utf8') };
}

/** Opens the authority in a folder, making its keys and certificates at the first start. */
export async function createAuthority(options: {
  folder: string;
  records: RecordStore;
  tenant: string;
  clock: Clock;
  /** More DNS names and addresses of the link's certificate. */
  names?: readonly string[];
  /** Where the link's certificate is kept; default `folder`. Of several processes each keeps its own. */
  certificateFolder?: string;
}): Promise<Authority> {
  const { folder, records, tenant, clock } = options;
  const { caKey, serverKey, postureKey, caSubject, caCertificate } = await keepAuthorityKeys(options);
  const issuer = { subject: caSubject, key: caKey };
  const names = [...new Set([...LOCAL_NAMES, ...(options.names ?? [])])];
  const postureKeys = [publicKeyBase64(postureKey)];

  const issue = async (site: SiteRecord, publicKey: KeyObject): Promise<IssuedIdentity> => {
    const spiffe_id = spiffeId(tenant, site.id);
    const notBefore = clock.now() - BACKDATED_MS;
    const notAfter = clock.now() + SITE_LIFE_MS;
    const pem = makeCertificate({
      subject: site.id,
      publicKey,
      issuer,
      notBefore,
      notAfter,
      use: { kind: 'client', uri: spiffe_id },
    });
    const certificate = {
      serial: new X509Certificate(pem).serialNumber.toLowerCase(),
      fingerprint: certificateFingerprint(pem),
      not_after: new Date(notAfter).toISOString(),
      spiffe_id,
    };
    await rememberCertificate({ records, clock, site, certificate });
    const kept = await upsertRecord<SiteRecord>({
      store: records,
      collection: 'sites',
      id: site.id,
      change: (current) => ({ ...(current ?? site), certificate }),
    });
    return {
      schema: SCHEMA_VERSION,
      tenant,
      site: site.id,
      tier: site.tier,
      jurisdiction: site.jurisdiction,
      certificate: pem,
      not_before: new Date(notBefore).toISOString(),
      not_after: certificate.not_after,
      posture_keys: postureKeys,
      ...(kept?.batch ? { batch: kept.batch } : {}),
    };
  };

  return {
    tenant,
    caCertificate,
    caFingerprint: certificateFingerprint(caCertificate),
    postureKeys,
    sign: (context, value) => signDocument({ context, value, key: postureKey }),
    serverCertificate: async () => {
      const file = join(options.certificateFolder ?? folder, 'server.cert.pem');
      let certificate = (await readSecretFile(file))?.toString('utf8');
      if (!certificate || !isServerCertificateGood({ certificate, names, now: clock.now() })) {
        certificate = makeCertificate({
          subject: `Picket ${tenant} link`,
          publicKey: createPublicKey(serverKey),
          issuer,
          notBefore: clock.now() - BACKDATED_MS,
          notAfter: clock.now() + SERVER_LIFE_MS,
          use: { kind: 'server', names },
        });
        await writeSecretFile(file, certificate);
      }
      return { key: serverKey.export({ format: 'pem', type: 'pkcs8' }) as string, certificate };
    },
    invite: async (invitation) => {
      const { site, tier, jurisdiction, parent } = invitation;
      // A child of that name could speak for its parent, and no list of children would show it.
      if (site === parent.site) throw refusal('SITE_DIFFERS', `${site} is this site's own name`);
      await upsertRecord<SiteRecord>({
        store: records,
        collection: 'sites',
        id: site,
        change: (current) => {
          if (
            current &&
            (current.tier !== tier || current.jurisdiction !== jurisdiction || current.tenant !== tenant)
          )
            throw refusal('SITE_DIFFERS', `${site} is known as ${current.tier} in ${current.jurisdiction}`);
          if (current) return { ...current, name: invitation.name };
          return {
            schema: SCHEMA_VERSION,
            id: site,
            name: invitation.name,
            tenant,
            tier,
            jurisdiction,
            parent: parent.site,
            state: 'invited',
            created: new Date(clock.now()).toISOString(),
          };
        },
      });
      const subject = { tenant, site, tier, jurisdiction };
      const lifetime_ms = invitation.token_lifetime_ms ?? TOKEN_LIFE_MS;
      const { token, expires } = await createEnrolmentToken({ records, clock, subject, lifetime_ms });
      const ca_fingerprint = certificateFingerprint(caCertificate);
      return {
        bundle: encodeBundle({
          schema: SCHEMA_VERSION,
          ...subject,
          parent: { ...parent, ca_fingerprint },
          token,
        }),
        expires,
      };
    },
    enrol: async ({ token, application: signed }) => {
      const application = readApplication(signed, ENROLMENT_CONTEXT);
      const publicKey = readCertificateRequest(application.csr);
      const usedBy = contentHash({
        csr_key: publicKeyBase64(publicKey),
        signing_key: application.signing_key,
      });
      const used = await useEnrolmentToken({ records, clock, token, subject: application, usedBy });
      const site = await upsertRecord<SiteRecord>({
        store: records,
        collection: 'sites',
        id: used.site,
        change: (current) => {
          if (!current) throw refusal('SITE_UNKNOWN', `${used.site} is not known here`);
          // The token's time names the enrolment: certificates of an earlier one are refused.
          return {
            ...current,
            state: 'enrolled',
            enrolled: used.used as string,
            signing_key: application.signing_key,
          };
        },
      });
      return issue(site as SiteRecord, publicKey);
    },
    renew: async ({ application: signed }) => {
      const claimed = readApplication(signed, RENEWAL_CONTEXT);
      const site = (await records.get<SiteRecord>('sites', claimed.site))?.value;
      if (!site || claimed.tenant !== tenant)
        throw refusal('SITE_UNKNOWN', `${claimed.site} is not known here`);
      if (site.state !== 'enrolled' || site.signing_key === undefined)
        throw refusal('SITE_REVOKED', `${claimed.site} is ${site.state}`);
      verifyDocument({ signed, context: RENEWAL_CONTEXT, keys: [readPublicKey(site.signing_key)] });
      return issue(site, readCertificateRequest(claimed.csr));
    },
    revoke: async (site) => {
      await upsertRecord<SiteRecord>({
        store: records,
        collection: 'sites',
        id: site,
        change: (current) => {
          if (!current) throw refusal('SITE_UNKNOWN', `${site} is not known here`);
          return { ...current, state: 'revoked' };
        },
      });
    },
  };
}

/** `spiffe://picket.<tenant>/site/<id>` (SPIFFE-ID): the one name in a site's certificate that counts. */
export function spiffeId(tenant: string, site: string): string {
  return `spiffe://picket.${tenant}/site/${site}`;
}

/** The application in a document signed with the key that it names itself. */
function readApplication(signed: SignedDocument, context: string): CertificateApplication {
  let application: CertificateApplication;
  let key: KeyObject;
  try {
    application = CertificateApplication.parse(JSON.parse(signed.payload));
    key = readPublicKey(application.signing_key);
  } catch (error) {
    throw new PicketError({
      code: 'APPLICATION_INVALID',
      message: 'not an application for a certificate',
      cause: error,
    });
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw refusal('APPLICATION_INVALID', 'the signing key must be Ed25519');
  verifyDocument({ signed, context, keys: [key] });
  return application;
}

function isServerCertificateGood(options: {
  certificate: string;
  names: readonly string[];
  now: number;
}): boolean {
  const certificate = new X509Certificate(options.certificate);
  const from = certificate.validFromDate.getTime();
  const life = certificate.validToDate.getTime() - from;
  if (options.now < from || options.now > from + (life * 2) / 3) return false;
  return options.names.every(
    (name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined,
  );
}

function refusal(code: string, message: string): PicketError {
  return new PicketError({ code, message });
}
