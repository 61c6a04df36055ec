import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { createAuthorise, readTokens } from '../../../ingest/receivers/authorise.ts';
import { startHttpReceivers } from '../../../ingest/receivers/start-http-receivers.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { startIntake } from '../start-intake.ts';

describe('who may write to a source', () => {
  test('a source without any condition lets nobody in', () => {
    expect(createAuthorise({ access: {} })({ peer: '127.0.0.1' })).toBe(false);
  });

  test('every condition given must hold', () => {
    const authorise = createAuthorise({ access: { token: 'a'.repeat(16), addresses: ['10.0.0.0/8'] } });
    const authorization = `Bearer ${'a'.repeat(16)}`;
    expect(authorise({ peer: '10.1.2.3', authorization })).toBe(true);
    expect(authorise({ peer: '192.0.2.1', authorization })).toBe(false);
    expect(authorise({ peer: undefined, authorization })).toBe(false);
    expect(authorise({ peer: '10.1.2.3' })).toBe(false);
  });

  test('the hash of a token serves in its place', () => {
    const access = { token_sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' };
    expect(createAuthorise({ access })({ peer: undefined, authorization: 'Bearer abc' })).toBe(true);
    expect(createAuthorise({ access })({ peer: undefined, authorization: 'Bearer abd' })).toBe(false);
  });

  test.each([
    ['Bearer abc', ['abc']],
    [`Basic ${btoa('user:pass:word')}`, ['pass:word']],
    [`ApiKey ${btoa('id:key')}`, ['key', btoa('id:key')]],
    ['Basic !!!', []],
    ['Digest x', []],
    [undefined, []],
  ])('reads %s', (header, tokens) => expect(readTokens(header)).toEqual(tokens));
});

describe('client certificates over real TLS', () => {
  test('the certificate of the right name and CA gets in, others do not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'picket-tls-'));
    const openssl = (...args: string[]): Promise<unknown> =>
      execa('openssl', args, { cwd: folder, timeout: 20_000 });
    for (const ca of ['ca', 'other-ca']) {
      await openssl(
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        `${ca}.key`,
        '-out',
        `${ca}.pem`,
        '-subj',
        `/CN=${ca}`,
        '-days',
        '2',
      );
    }
    for (const [name, ca, subject] of [
      ['server', 'ca', 'localhost'],
      ['good', 'ca', 'plant-7'],
      ['wrong-name', 'ca', 'plant-8'],
      ['wrong-ca', 'other-ca', 'plant-7'],
    ] as const) {
      await openssl(
        'req',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
        '-subj',
        `/CN=${subject}`,
      );
      await openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        `${ca}.pem`,
        '-CAkey',
        `${ca}.key`,
        '-CAcreateserial',
        '-out',
        `${name}.pem`,
        '-days',
        '1',
      );
    }
    const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
    const running = await startIntake([
      {
        id: 'named',
        format: 'ecs',
        receivers: [{ type: 'http' }],
        access: { client_certificate: { common_name: 'plant-7' } },
      },
      {
        id: 'pinned',
        format: 'ecs',
        receivers: [{ type: 'http' }],
        access: {
          client_certificate: {
            fingerprint_sha256: new X509Certificate(await read('good.pem')).fingerprint256
              .replaceAll(':', '')
              .toLowerCase(),
          },
        },
      },
    ]);
    const receiver = await startHttpReceivers({
      host: '127.0.0.1',
      port: 0,
      tls: {
        certificate: await read('server.pem'),
        key: await read('server.key'),
        client_ca: await read('ca.pem'),
      },
      intake: running.intake,
      clock: systemClock,
      logger: silentLogger,
    });
    const post = async (source: string, client?: string): Promise<number | undefined> => {
      const files =
        client === undefined ? {} : { cert: await read(`${client}.pem`), key: await read(`${client}.key`) };
      return new Promise((resolve, reject) => {
        const call = request(
          {
            host: '127.0.0.1',
            port: receiver.port,
            path: `/ingest/v1/${source}`,
            method: 'POST',
            rejectUnauthorized: false,
            agent: false,
            ...files,
          },
          (response) => {
            response.resume();
            resolve(response.statusCode);
          },
        );
        call.on('error', reject);
        call.end('{}');
      });
    };
    try {
      for (const source of ['named', 'pinned']) {
        expect(await post(source, 'good')).toBe(200);
        expect(await post(source, 'wrong-ca')).toBe(401);
        expect(await post(source)).toBe(401);
        expect(await post(source, 'wrong-name')).toBe(401);
      }
    } finally {
      await receiver.close();
      await running.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
