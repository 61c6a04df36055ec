// Which certificates an authority issued to whom, so that one of an earlier enrolment or of a revoked site is refused.
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { PicketError } from '../core/errors.ts';
import { allOf, equals } from '../core/expression/expression.ts';
import type { SiteRecord } from '../core/site.ts';
import type { RecordStore } from '../records/record-store.ts';
import { certificateUris } from './certificates.ts';

/** Collection `identity`, id = `certificate-<serial>`. */
interface IssuedCertificate {
  kind: 'site-certificate';
  site: string;
  serial: string;
  fingerprint: string;
  not_after: string;
  /** Which enrolment of the site it belongs to. */
  enrolled: string;
}

const recordId = (serial: string): string => `certificate-${serial}`;

/** Notes a certificate before it is handed out, and forgets those of the site that have run out. */
export async function rememberCertificate(options: {
  records: RecordStore;
  clock: Clock;
  site: SiteRecord;
  certificate: NonNullable<SiteRecord['certificate']>;
}): Promise<void> {
  const { records, clock, site, certificate } = options;
  const value: IssuedCertificate = {
    kind: 'site-certificate',
    site: site.id,
    serial: certificate.serial,
    fingerprint: certificate.fingerprint,
    not_after: certificate.not_after,
    enrolled: site.enrolled ?? '',
  };
  await records.create('identity', recordId(certificate.serial), value);
  const { records: mine } = await records.query<IssuedCertificate>('identity', {
    where: allOf([equals('kind', 'site-certificate'), equals('site', site.id)]),
    limit: 100,
  });
  for (const old of mine) {
    if (Date.parse(old.value.not_after) < clock.now()) await records.remove('identity', old.id, old.revision);
  }
}

/**
 * The site that a certificate, already verified against the CA by TLS, belongs to now.
 * @throws PicketError LINK_CERTIFICATE_INVALID, SITE_UNKNOWN, SITE_REVOKED
 */
export async function identifySite(options: {
  certificate: X509Certificate;
  tenant: string;
  records: RecordStore;
  clock: Clock;
}): Promise<SiteRecord> {
  const { certificate, tenant, records, clock } = options;
  const prefix = `spiffe://picket.${tenant}/site/`;
  const uris = certificateUris(certificate);
  const [uri] = uris;
  if (uris.length !== 1 || !uri?.startsWith(prefix))
    throw refusal('LINK_CERTIFICATE_INVALID', 'the certificate names no site of this tenant');
  if (certificate.validToDate.getTime() <= clock.now())
    throw refusal(
      'LINK_CERTIFICATE_INVALID',
      `the certificate ran out at ${certificate.validToDate.toISOString()}`,
    );
  const site = (await records.get<SiteRecord>('sites', uri.slice(prefix.length)))?.value;
  if (!site) throw refusal('SITE_UNKNOWN', 'no such site is known here');
  if (site.state !== 'enrolled') throw refusal('SITE_REVOKED', `the site is ${site.state}`);
  const serial = certificate.serialNumber.toLowerCase();
  const issued = (await records.get<IssuedCertificate>('identity', recordId(serial)))?.value;
  if (!issued || issued.site !== site.id || issued.enrolled !== site.enrolled)
    throw refusal('SITE_REVOKED', 'the certificate belongs to an earlier enrolment of the site');
  return site;
}

function refusal(code: string, message: string): PicketError {
  return new PicketError({ code, message });
}
