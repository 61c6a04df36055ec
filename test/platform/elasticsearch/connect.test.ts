// A real Elasticsearch that speaks TLS alone and asks for certificates: who is let in, who is told what.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import type { ElasticsearchConnection } from '../../../platform/elasticsearch/connect.ts';
import { makeCertificate } from '../../../platform/identity/certificates.ts';
import { makeRsaKey } from '../../../platform/identity/keys.ts';
import { openRecords } from '../../../platform/records/open-records.ts';
import { type Elasticsearch, startElasticsearch } from '../../services/elasticsearch.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { waitUntil } from '../../services/wait-until.ts';

/** A published vector of bcrypt (https://en.wikipedia.org/wiki/Bcrypt, Description). */
const PASSWORD = 'abc123xyz';
const HASH = '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW';
const DAY_MS = 86_400_000;

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

describe('a cluster behind mutual TLS', { timeout: 60_000 }, () => {
  let server: Elasticsearch;
  let ca: Pair;
  let client: Pair;
  let stranger: Pair;
  let expired: Pair;

  beforeAll(async () => {
    if (!isRealRun()) return;
    ca = await issue('Test CA', { kind: 'authority' });
    const foreign = await issue('Another CA', { kind: 'authority' });
    const as = { kind: 'client', uri: 'spiffe://picket.acme/centre' } as const;
    client = await issue('centre', as, ca);
    stranger = await issue('centre', as, foreign);
    expired = await issue('centre', as, ca, { until: -DAY_MS });
    const node = await issue('node', { kind: 'server', names: ['127.0.0.1', 'localhost'] }, ca);
    server = await startElasticsearch({
      users: { picket: HASH },
      tls: { ...node, client_ca: ca.certificate },
    });
    await waitUntil({
      what: 'the cluster answers',
      timeout_ms: 60_000,
      interval_ms: 500,
      holds: () =>
        ask({ certificate: client.certificate, key: client.key }).then(
          () => true,
          () => false,
        ),
    });
  }, 180_000);
  beforeEach((context) => requireReal(context, 'jdk', 'elasticsearch'));
  afterAll(() => server?.stop());

  async function issue(
    subject: string,
    use: Parameters<typeof makeCertificate>[0]['use'],
    issuer?: Pair,
    { until = DAY_MS }: { until?: number } = {},
  ): Promise<Pair> {
    const key = await makeRsaKey();
    const own = createPrivateKey(key);
    const now = systemClock.now();
    return {
      key,
      certificate: makeCertificate({
        subject,
        publicKey: createPublicKey(own),
        issuer: issuer ? { subject: 'Test CA', key: createPrivateKey(issuer.key) } : { subject, key: own },
        notBefore: now - 2 * DAY_MS,
        notAfter: now + until,
        use,
      }),
    };
  }

  async function ask(
    tls: ElasticsearchConnection['tls'],
    more: Partial<ElasticsearchConnection> = {},
  ): Promise<number> {
    const records = await openRecords({
      engine: 'elasticsearch',
      connection: {
        nodes: [server.url],
        username: 'picket',
        password: PASSWORD,
        tls: { ca: ca.certificate, ...tls },
        ...more,
      },
      clock: systemClock,
      logger: silentLogger,
      replicas: 0,
    });
    try {
      return await records.count('settings');
    } finally {
      await records.close();
    }
  }

  test('lets in who has a certificate of its authority and the password', async () => {
    expect(await ask({ certificate: client.certificate, key: client.key })).toBe(0);
  });

  test.each([
    ['without a certificate', () => ({})],
    ['with one of another authority', () => ({ certificate: stranger.certificate, key: stranger.key })],
    ['with one that is expired', () => ({ certificate: expired.certificate, key: expired.key })],
    ['who knows the node by another authority', () => ({ ...client, ca: stranger.certificate })],
  ])('is not to be had for one %s, and it is said so', async (_, tls) => {
    await expect(ask(tls())).rejects.toMatchObject({
      code: 'ELASTICSEARCH_UNAVAILABLE',
      message: expect.stringMatching(/certificate/) as string,
    });
  });

  test.each([
    ['a wrong password', { password: 'wrong' }],
    ['an API key that there is not', { api_key: Buffer.from('no:such').toString('base64') }],
  ])('refuses %s', async (_, more) => {
    const { api_key, ...rest } = more as Partial<ElasticsearchConnection>;
    const asked = ask(
      { certificate: client.certificate, key: client.key },
      api_key === undefined ? rest : ({ api_key, username: undefined, password: undefined } as never),
    );
    await expect(asked).rejects.toMatchObject({ code: 'ELASTICSEARCH_AUTHENTICATION' });
  });
});
