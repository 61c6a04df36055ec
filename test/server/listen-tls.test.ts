// A site whose configuration asks for TLS serves its API and page over TLS and nothing else.
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import forge from 'node-forge';
import { afterAll, expect, test } from 'vitest';
import { checkSite } from '../../server/commands/check.ts';
import { writeSite } from './site-files.ts';
import { clientOf, makeFolder, readAddress, runPicket, startPicket } from './start-picket.ts';

const { folder, remove } = makeFolder();
afterAll(remove);

/** A certificate for a name that is not the listener's, as PEM files; self-signed, or by a CA that nobody here knows. */
function writeCertificate(name: string, issuer?: string): { certificate_file: string; key_file: string } {
  const keys = forge.pki.rsa.generateKeyPair(2048);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = keys.publicKey;
  certificate.serialNumber = '01';
  certificate.validity.notBefore = new Date(Date.now() - 60_000);
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  certificate.setSubject([{ name: 'commonName', value: name }]);
  certificate.setIssuer([{ name: 'commonName', value: issuer ?? name }]);
  certificate.setExtensions([{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }]);
  const signer = issuer === undefined ? keys.privateKey : forge.pki.rsa.generateKeyPair(2048).privateKey;
  certificate.sign(signer, forge.md.sha256.create());
  writeFileSync(join(folder, `${name}.crt`), forge.pki.certificateToPem(certificate));
  writeFileSync(join(folder, `${name}.key`), forge.pki.privateKeyToPem(keys.privateKey), { mode: 0o600 });
  return { certificate_file: `${name}.crt`, key_file: `${name}.key` };
}

/** Posts a sign-in token as the page would; the cookie that comes back. */
function signIn(url: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ token });
    const sent = request(
      new URL('/api/v1/session', url),
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        // Any certificate: what is asked here is the cookie.
        rejectUnauthorized: false,
      },
      (response) => {
        response.resume();
        resolve(String(response.headers['set-cookie']));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

test('serves over TLS alone, to the command line of its own machine and with a cookie that needs TLS', async () => {
  const tls = writeCertificate('soc.example');
  const { file, data } = writeSite({ folder, tier: 'centre', more: { listen: { port: 0, tls } } });
  expect(await checkSite(file, {})).toEqual([]);
  const site = await startPicket(['up', '--site', file]);
  try {
    expect(site.url).toMatch(/^https:/);
    await expect(fetch(site.url.replace('https:', 'http:'))).rejects.toThrow('fetch failed');
    // Nobody vouches for it, so who does not hold the certificate is not let believe in it.
    await expect(fetch(site.url)).rejects.toThrow('fetch failed');
    const end = await runPicket(['sites', 'list', '--data', data, '--json']);
    expect(end).toMatchObject({ code: 0, stderr: '' });
    expect(end.stdout).toContain('"centre"');
    const token = new URL(site.signIn).hash.replace('#token=', '');
    expect(await signIn(site.url, token)).toMatch(/Secure/);

    const other = writeCertificate('other.example');
    const { certificate: _own, ...address } = readAddress(data);
    const certificate = readFileSync(join(folder, other.certificate_file), 'utf8');
    writeFileSync(join(data, 'api.json'), JSON.stringify({ ...address, certificate }));
    await expect(clientOf(data).call('GET', '/api/v1/sites')).rejects.toMatchObject({
      code: 'SITE_UNREACHABLE',
    });
  } finally {
    await site.stop();
  }
});

test('files that are missing, are no PEM or do not belong together are told by check and by the start', async () => {
  const good = writeCertificate('good.example');
  const other = writeCertificate('second.example');
  writeFileSync(join(folder, 'text.crt'), 'no certificate\n');
  const receiver = { type: 'tls-syslog', port: 6514, tls: { ...good, key_file: other.key_file } };
  const more = {
    listen: { port: 0, tls: { ...good, certificate_file: 'none.crt' } },
    ingest: { port: 0, tls: { ...good, client_ca_file: 'text.crt' } },
    sources: [
      { id: 'gateway', format: 'syslog', receivers: [receiver], access: { addresses: ['127.0.0.1'] } },
    ],
  };
  const { file } = writeSite({ folder: join(folder, '.'), tier: 'centre', more });
  const problems = await checkSite(file, {});
  expect(problems.map(({ code, place }) => `${code} ${place.path} ${place.file}`)).toEqual([
    `TLS_FILE listen.tls ${join(folder, 'none.crt')}`,
    `TLS_FILE ingest.tls ${join(folder, 'text.crt')}`,
    `TLS_FILE sources.0.receivers.0.tls ${join(folder, other.key_file)}`,
  ]);
  const end = await runPicket(['up', '--site', file]);
  expect(end.code).toBe(3);
  expect(end.stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(/^picket: .*\[TLS_FILE\]$/)]);
});

test('a certificate that a CA signed is known as well, though the CA is not', async () => {
  const tls = writeCertificate('chained.example', 'ca.example');
  const { file, data } = writeSite({ folder, tier: 'centre', more: { listen: { port: 0, tls } } });
  const site = await startPicket(['up', '--site', file]);
  try {
    await expect(clientOf(data).call('GET', '/api/v1/sites')).resolves.toBeDefined();
  } finally {
    await site.stop();
  }
});
