// The authority: what it issues, to whom, once; and signatures that serve one purpose.
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import type { SiteRecord } from '../../../platform/core/site.ts';
import { type Authority, createAuthority, type Invitation } from '../../../platform/identity/authority.ts';
import {
  makeCertificateRequest,
  readCertificateRequest,
} from '../../../platform/identity/certificate-request.ts';
import { certificateUris } from '../../../platform/identity/certificates.ts';
import { readPublicKey } from '../../../platform/identity/keys.ts';
import { decodeBundle } from '../../../platform/identity/messages.ts';
import {
  ENROLMENT_CONTEXT,
  POSTURE_CONTEXT,
  RENEWAL_CONTEXT,
  signDocument,
  verifyDocument,
} from '../../../platform/identity/sign-document.ts';
import { identifySite } from '../../../platform/identity/site-certificates.ts';
import { openSiteKeys, type SiteKeys } from '../../../platform/identity/site-identity.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';

const TENANT = 'acme';
const LYON = { tenant: TENANT, site: 'factory-lyon', jurisdiction: 'eu-fr' };
let folder: string;
let records: RecordStore;
let authority: Authority;
let keys: SiteKeys;
let other: SiteKeys;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'picket-identity-'));
  records = await openEmbeddedRecords({ folder: join(folder, 'records'), clock: systemClock });
  [authority, keys, other] = await Promise.all([
    createAuthority({
      folder: join(folder, 'ca'),
      records,
      tenant: TENANT,
      clock: systemClock,
      names: ['picket.example'],
    }),
    openSiteKeys({ folder: join(folder, 'site') }),
    openSiteKeys({ folder: join(folder, 'other') }),
  ]);
});
afterAll(async () => {
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

const parent = { site: 'centre', jurisdiction: 'eu-de', url: 'https://127.0.0.1:7443' };
async function token(more: Partial<Invitation> = {}): Promise<string> {
  const { bundle } = await authority.invite({ ...LYON, name: 'Lyon', tier: 'edge', parent, ...more });
  return decodeBundle(bundle).token;
}
const apply = (of: SiteKeys, site = LYON, context = ENROLMENT_CONTEXT) =>
  signDocument({ context, value: of.apply(site), key: of.signingKey });

describe('the authority', () => {
  it('keeps its keys in files that their owner alone may read, and finds them again', async () => {
    for (const name of readdirSync(join(folder, 'ca')))
      expect(statSync(join(folder, 'ca', name)).mode & 0o777).toBe(0o600);
    const again = await createAuthority({
      folder: join(folder, 'ca'),
      records,
      tenant: TENANT,
      clock: systemClock,
    });
    expect(again.caFingerprint).toBe(authority.caFingerprint);
    expect(again.postureKeys).toEqual(authority.postureKeys);
  });

  it('gives its link a certificate for loopback and the configured names, kept until they change', async () => {
    const { certificate } = await authority.serverCertificate();
    const parsed = new X509Certificate(certificate);
    expect(parsed.checkHost('picket.example')).toBeDefined();
    expect(parsed.checkIP('127.0.0.1')).toBeDefined();
    expect(parsed.checkIP('::1')).toBeDefined();
    expect(parsed.verify(new X509Certificate(authority.caCertificate).publicKey)).toBe(true);
    expect((await authority.serverCertificate()).certificate).toBe(certificate);
  });

  it('names a site itself, for a day, whatever the request says', async () => {
    const issued = await authority.enrol({ token: await token(), application: apply(keys) });
    const certificate = new X509Certificate(issued.certificate);
    expect(certificateUris(certificate)).toEqual(['spiffe://picket.acme/site/factory-lyon']);
    expect(certificate.subject).toBe('CN=factory-lyon');
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    const hours = (certificate.validToDate.getTime() - Date.now()) / 3_600_000;
    expect(hours).toBeGreaterThan(23);
    expect(hours).toBeLessThanOrEqual(24);
    expect(await identifySite({ certificate, tenant: TENANT, records, clock: systemClock })).toMatchObject({
      id: 'factory-lyon',
    });
  });

  it('takes a token once, from the site that it is for, in time, and keeps its hash only', async () => {
    const mine = await token();
    await expect(
      authority.enrol({ token: mine, application: apply(keys, { ...LYON, site: 'factory-paris' }) }),
    ).rejects.toMatchObject({ code: 'TOKEN_WRONG_SITE' });
    await expect(
      authority.enrol({ token: mine, application: apply(keys, { ...LYON, jurisdiction: 'cn-gd' }) }),
    ).rejects.toMatchObject({ code: 'TOKEN_WRONG_SITE' });
    await expect(authority.enrol({ token: 'A'.repeat(43), application: apply(keys) })).rejects.toMatchObject({
      code: 'TOKEN_UNKNOWN',
    });
    const late = await token({ token_lifetime_ms: -1 });
    await expect(authority.enrol({ token: late, application: apply(keys) })).rejects.toMatchObject({
      code: 'TOKEN_EXPIRED',
    });
    const race = await Promise.allSettled([
      authority.enrol({ token: mine, application: apply(keys) }),
      authority.enrol({ token: mine, application: apply(other) }),
    ]);
    expect(race.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const winner = race[0]?.status === 'fulfilled' ? keys : other;
    const loser = winner === keys ? other : keys;
    await expect(authority.enrol({ token: mine, application: apply(loser) })).rejects.toMatchObject({
      code: 'TOKEN_USED',
    });
    // The answer was lost: the same keys may ask again.
    await expect(authority.enrol({ token: mine, application: apply(winner) })).resolves.toMatchObject({
      site: 'factory-lyon',
    });
    const { records: tokens } = await records.query('enrolment-tokens', { limit: 100 });
    expect(JSON.stringify(tokens)).not.toContain(mine);
  });

  it('renews for the batch key of the site alone, and for no revoked site', async () => {
    await authority.enrol({ token: await token(), application: apply(keys) });
    await expect(authority.renew({ application: apply(keys, LYON, RENEWAL_CONTEXT) })).resolves.toMatchObject(
      { site: 'factory-lyon' },
    );
    await expect(authority.renew({ application: apply(other, LYON, RENEWAL_CONTEXT) })).rejects.toMatchObject(
      { code: 'SIGNATURE_KEY_UNKNOWN' },
    );
    await expect(authority.renew({ application: apply(keys) })).rejects.toMatchObject({
      code: 'SIGNATURE_CONTEXT',
    });
    await authority.revoke('factory-lyon');
    await expect(authority.renew({ application: apply(keys, LYON, RENEWAL_CONTEXT) })).rejects.toMatchObject({
      code: 'SITE_REVOKED',
    });
  });

  it('refuses a certificate of an earlier enrolment, of a revoked site, that ran out, or that names two sites', async () => {
    const first = await authority.enrol({ token: await token(), application: apply(keys) });
    const old = new X509Certificate(first.certificate);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await authority.enrol({ token: await token(), application: apply(keys) });
    const identify = (certificate: X509Certificate, clock = systemClock): Promise<SiteRecord> =>
      identifySite({ certificate, tenant: TENANT, records, clock });
    await expect(identify(old)).rejects.toMatchObject({ code: 'SITE_REVOKED' });
    const current = new X509Certificate(second.certificate);
    await expect(identify(current)).resolves.toMatchObject({ id: 'factory-lyon' });
    const later = { ...systemClock, now: () => Date.now() + 2 * 86_400_000 };
    await expect(identify(current, later)).rejects.toMatchObject({ code: 'LINK_CERTIFICATE_INVALID' });
    await expect(identify(new X509Certificate(authority.caCertificate))).rejects.toMatchObject({
      code: 'LINK_CERTIFICATE_INVALID',
    });
    await authority.revoke('factory-lyon');
    await expect(identify(current)).rejects.toMatchObject({ code: 'SITE_REVOKED' });
  });

  it('refuses to make another site of one that is known', async () => {
    await token();
    await expect(token({ jurisdiction: 'cn-gd' })).rejects.toMatchObject({ code: 'SITE_DIFFERS' });
    // A child of its parent's own name could speak for it.
    await expect(token({ site: parent.site })).rejects.toMatchObject({ code: 'SITE_DIFFERS' });
  });

  it('refuses a request that is none, is for a key of another kind, or is not signed by its own key', () => {
    const { csr } = keys.apply(LYON);
    expect(() => readCertificateRequest('hello')).toThrow(expect.objectContaining({ code: 'CSR_INVALID' }));
    expect(() => readCertificateRequest('x'.repeat(20_000))).toThrow(
      expect.objectContaining({ code: 'CSR_INVALID' }),
    );
    const der = Buffer.from(csr.replace(/-----[^-]+-----/g, ''), 'base64');
    der[der.length - 9] = (der[der.length - 9] as number) ^ 1;
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE REQUEST-----\n`;
    expect(() => readCertificateRequest(forged)).toThrow(expect.objectContaining({ code: 'CSR_INVALID' }));
    expect(() => makeCertificateRequest(keys.signingKey)).toThrow(/public key/i);
  });
});

describe('a signed document', () => {
  it('is verified for its own purpose, by a trusted key, and only as it was signed', () => {
    const signed = authority.sign(POSTURE_CONTEXT, { b: 1, a: [1, 2] });
    const trusted = authority.postureKeys.map(readPublicKey);
    const verify = (document = signed, context = POSTURE_CONTEXT, by = trusted): unknown =>
      verifyDocument({ signed: document, context, keys: by });
    expect(verify()).toEqual({ a: [1, 2], b: 1 });
    expect(signed.payload).toBe('{"a":[1,2],"b":1}');
    expect(() => verify(signed, 'picket/batch/1')).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_CONTEXT' }),
    );
    expect(() => verify({ ...signed, context: 'picket/batch/1' }, 'picket/batch/1')).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    );
    expect(() => verify(signed, POSTURE_CONTEXT, [])).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_KEY_UNKNOWN' }),
    );
    expect(() => verify({ ...signed, payload: '{"a":[1,2],"b":2}' })).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    );
  });
});
