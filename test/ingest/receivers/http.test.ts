import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { startHttpReceivers } from '../../../ingest/receivers/start-http-receivers.ts';
import type { SourceConfigInput } from '../../../ingest/source-config.ts';
import type { Bus } from '../../../platform/bus/bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { linesOf } from '../normalise-text.ts';
import { type RunningIntake, startIntake } from '../start-intake.ts';

const TOKEN = 'a-token-of-the-plant';
const AUTHORISED = { authorization: `Bearer ${TOKEN}` };
const LIMITS = { max_body_bytes: 200_000, max_decompressed_bytes: 1_000_000 };

let open: { receiver: { port: number; close: () => Promise<void> }; running: RunningIntake } | undefined;
afterEach(async () => {
  await open?.receiver.close();
  await open?.running.close();
  open = undefined;
});

async function start(
  source: Partial<SourceConfigInput> = {},
  wrap?: (bus: Bus) => Pick<Bus, 'produce' | 'deadLetter' | 'congested'>,
): Promise<{ url: string; running: RunningIntake }> {
  const running = await startIntake(
    [{ id: 'plant', format: 'ecs', receivers: [{ type: 'http' }], access: { token: TOKEN }, ...source }],
    wrap,
  );
  const receiver = await startHttpReceivers({
    host: '127.0.0.1',
    port: 0,
    intake: running.intake,
    clock: systemClock,
    logger: silentLogger,
    limits: LIMITS,
  });
  open = { receiver, running };
  return { url: `http://127.0.0.1:${receiver.port}/ingest/v1/plant`, running };
}

const post = (
  url: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : Buffer.from(body),
    headers: { ...AUTHORISED, ...headers },
  });

describe('the HTTP receiver', () => {
  test('takes NDJSON, an array and one object, whatever the content type is', async () => {
    const { url, running } = await start();
    for (const [body, type] of [
      ['{"a":1}\n{"b":2}', 'application/x-ndjson'],
      ['[{"a":3},{"b":4}]', 'application/json'],
      ['{\n "a": 5\n}', 'application/json; charset=utf-8'],
      ['{"a":6}', 'text/plain'],
    ] as const) {
      const response = await post(url, body, { 'content-type': type });
      expect(response.status).toBe(200);
    }
    expect(await running.events()).toHaveLength(6);
  });

  test('says how many were accepted and why others were not', async () => {
    const { url } = await start();
    const response = await post(url, '{"a":1}\n{"b":\n{"c":3}');
    expect(await response.json()).toEqual({
      records: 3,
      accepted: 2,
      rejected: 1,
      filtered: 0,
      errors: [{ record: 1, code: 'JSON_INVALID', message: expect.any(String), place: expect.any(String) }],
    });
  });

  test('takes gzip and zstd', async () => {
    const { url, running } = await start();
    await post(url, gzipSync('{"a":1}'), { 'content-encoding': 'gzip' });
    await post(url, zstdCompressSync('{"a":2}'), { 'content-encoding': 'zstd' });
    expect(await running.events()).toHaveLength(2);
  });

  test.each([
    ['a gzip bomb', gzipSync(Buffer.alloc(5_000_000, 0x20)), 'gzip', 413, 'BODY_TOO_LARGE'],
    ['a zstd bomb', zstdCompressSync(Buffer.alloc(5_000_000, 0x20)), 'zstd', 413, 'BODY_TOO_LARGE'],
    ['a body above the limit', Buffer.alloc(300_000, 0x20), 'identity', 413, 'BODY_TOO_LARGE'],
    ['a truncated gzip', gzipSync('{"a":1}').subarray(0, 20), 'gzip', 400, 'BODY_CORRUPT'],
    ['an unknown encoding', Buffer.from('x'), 'lzma', 415, 'BODY_ENCODING'],
  ])('answers %s with a problem', async (_what, body, encoding, status, code) => {
    const { url, running } = await start();
    const response = await post(url, body, { 'content-encoding': encoding });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toMatchObject({ type: 'about:blank', status, code });
    expect(await running.events()).toHaveLength(0);
  });

  test.each([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer wrong-wrong-wrong-' }],
    ['a wrong password', { authorization: `Basic ${Buffer.from('x:wrong').toString('base64')}` }],
    ['nonsense', { authorization: 'Nonsense' }],
  ])('refuses %s, and an unknown source alike', async (_what, headers) => {
    const { url } = await start();
    for (const target of [url, `${url}-other`]) {
      const response = await fetch(target, {
        method: 'POST',
        body: '{}',
        headers: headers as Record<string, string>,
      });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ code: 'UNAUTHORISED' });
    }
  });

  test('takes the token as Basic password, which Falco and curl can send in the URL', async () => {
    const { url } = await start();
    const response = await post(url, '{}', {
      authorization: `Basic ${Buffer.from(`any:${TOKEN}`).toString('base64')}`,
    });
    expect(response.status).toBe(200);
  });

  test('an address list lets in its own and nobody else', async () => {
    const inside = await start({ access: { addresses: ['127.0.0.0/8'] } });
    expect((await fetch(inside.url, { method: 'POST', body: '{}' })).status).toBe(200);
    await open?.receiver.close();
    await open?.running.close();
    const outside = await start({ access: { addresses: ['192.0.2.0/24'], token: TOKEN } });
    expect((await post(outside.url, '{}')).status).toBe(401);
  });

  test('asks a source above its rate to wait', async () => {
    const { url } = await start({ rate_per_s: 0.1, burst_records: 2 });
    expect((await post(url, '{"a":1}\n{"a":2}')).status).toBe(200);
    const response = await post(url, '{"a":3}');
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await response.json()).toMatchObject({ code: 'RATE_LIMITED' });
  });

  test('asks everybody to wait when the bus is behind', async () => {
    const { url } = await start({}, (bus) => ({
      produce: (topic, messages) => bus.produce(topic, messages),
      deadLetter: (message, reason) => bus.deadLetter(message, reason),
      congested: () => true,
    }));
    const response = await post(url, '{"a":3}');
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '5']);
  });

  test('takes what kube-apiserver’s audit webhook posts', async () => {
    const { url, running } = await start({ format: 'kubernetes-audit' });
    const items = linesOf('demo/recordings/kubernetes-audit.ndjson')
      .slice(0, 5)
      .map((line) => JSON.parse(line) as unknown);
    const body = JSON.stringify({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items });
    const response = await post(`${url}?timeout=30s`, body, { 'content-type': 'application/json' });
    expect(await response.json()).toMatchObject({ records: 1, accepted: 5 });
    expect(await running.events()).toHaveLength(5);
  });
});
