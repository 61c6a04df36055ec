// Who may not speak on the link: strangers, certificates of another authority, and certificates that ran out.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { createAuthority } from '../../../platform/identity/authority.ts';
import { makeCertificate } from '../../../platform/identity/certificates.ts';
import { makeRsaKey } from '../../../platform/identity/keys.ts';
import { readSecretFile } from '../../../platform/identity/secret-files.ts';
import { connectLink } from '../../../platform/link/link-connection.ts';
import { ROUTES } from '../../../platform/link/protocol.ts';
import { invite, makeFolder, openParent, type Parent, SITE } from './two-sites.ts';

let parent: Parent;
let key: string;
beforeAll(async () => {
  parent = await openParent();
  await invite(parent);
  key = await makeRsaKey();
});
afterAll(() => parent.close());

const signal = AbortSignal.timeout(60_000);

async function post(
  path: string,
  identity?: { key: string; certificate: string },
  ca = parent.authority.caCertificate,
): Promise<unknown> {
  const connection = await connectLink({
    url: parent.server.url,
    ca,
    signal,
    ...(identity ? { identity } : {}),
  });
  try {
    return await connection.request({ path, body: Buffer.from('{}'), signal });
  } finally {
    connection.close();
  }
}

async function certificate(options: { folder: string; subject: string; notAfter: number }): Promise<string> {
  const caKey = createPrivateKey((await readSecretFile(join(options.folder, 'ca.key.pem'))) as Buffer);
  return makeCertificate({
    subject: SITE.id,
    publicKey: createPublicKey(key),
    issuer: { subject: options.subject, key: caKey },
    notBefore: Date.now() - 86_400_000,
    notAfter: options.notAfter,
    use: { kind: 'client', uri: `spiffe://picket.acme/site/${SITE.id}` },
  });
}

describe('the link', () => {
  it('asks for a certificate on every route but enrolment and renewal', async () => {
    for (const path of [ROUTES.batches, ROUTES.heartbeat])
      await expect(post(path)).rejects.toMatchObject({ code: 'LINK_CERTIFICATE_MISSING' });
    for (const path of [ROUTES.enrol, ROUTES.renew])
      await expect(post(path)).rejects.toMatchObject({ code: 'LINK_MESSAGE_INVALID' });
    await expect(post('/elsewhere')).rejects.toMatchObject({ code: 'LINK_ROUTE_UNKNOWN' });
    const connection = await connectLink({
      url: parent.server.url,
      ca: parent.authority.caCertificate,
      signal,
    });
    await expect(connection.commands({ onLine: () => undefined, signal })).rejects.toMatchObject({
      code: 'LINK_CERTIFICATE_MISSING',
    });
    connection.close();
  });

  it('refuses a certificate of another authority of the same name, one that ran out, and one it never noted', async () => {
    const folder = makeFolder();
    await createAuthority({ folder, records: parent.records, tenant: 'acme', clock: systemClock });
    const day = Date.now() + 86_400_000;
    const subject = 'Picket acme CA';
    const strange = await certificate({ folder, subject, notAfter: day });
    await expect(post(ROUTES.batches, { key, certificate: strange })).rejects.toMatchObject({
      code: 'LINK_CERTIFICATE_INVALID',
    });
    const own = join(parent.folder, 'identity');
    const past = await certificate({ folder: own, subject, notAfter: Date.now() - 1_000 });
    await expect(post(ROUTES.batches, { key, certificate: past })).rejects.toMatchObject({
      code: 'LINK_CERTIFICATE_INVALID',
    });
    const unknown = await certificate({ folder: own, subject, notAfter: day });
    await expect(post(ROUTES.batches, { key, certificate: unknown })).rejects.toMatchObject({
      code: 'SITE_REVOKED',
    });
  });

  it('is not believed by a site that pins another authority', async () => {
    const folder = makeFolder();
    const other = await createAuthority({
      folder,
      records: parent.records,
      tenant: 'acme',
      clock: systemClock,
    });
    await expect(post(ROUTES.enrol, undefined, other.caCertificate)).rejects.toMatchObject({
      code: 'LINK_UNREACHABLE',
    });
  });
});
