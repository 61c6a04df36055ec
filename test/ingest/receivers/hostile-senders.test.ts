// Hostile senders on real sockets: each gets a clear answer, is counted, and the next good record is served at once.
import { connect, type Socket } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startHttpReceivers } from '../../../ingest/receivers/start-http-receivers.ts';
import { startSyslogTcpReceiver } from '../../../ingest/receivers/syslog-tcp.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { type RunningIntake, startIntake } from '../start-intake.ts';

const TOKEN = 'a-token-of-the-plant';
const HEADERS = { authorization: `Bearer ${TOKEN}` };
const LIMITS = { max_body_bytes: 16_000_000, max_decompressed_bytes: 32_000_000 };

let running: RunningIntake;
let http: { port: number; close: () => Promise<void> };
let url: string;
beforeEach(async () => {
  running = await startIntake([
    {
      id: 'plant',
      format: 'ecs',
      receivers: [{ type: 'http' }, { type: 'bulk' }],
      access: { token: TOKEN },
      rate_per_s: 1_000_000,
    },
    {
      id: 'syslog',
      format: 'syslog',
      receivers: [{ type: 'tcp-syslog', port: 601 }],
      access: { addresses: ['127.0.0.1'] },
    },
  ]);
  http = await startHttpReceivers({
    host: '127.0.0.1',
    port: 0,
    intake: running.intake,
    clock: systemClock,
    logger: silentLogger,
    limits: LIMITS,
  });
  url = `http://127.0.0.1:${http.port}/ingest/v1/plant`;
});
afterEach(async () => {
  await http.close();
  await running.close();
});

const post = (body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : Buffer.from(body),
    headers: { ...HEADERS, ...headers },
  });

/** The server takes a good record and says so. */
async function servesGoodRecord(): Promise<void> {
  const response = await post('{"message":"good"}');
  expect(await response.json()).toMatchObject({ records: 1, accepted: 1 });
}

const count = (stage: 'receive' | 'normalise', reason: string): number =>
  running.counters.total(stage, reason);

async function raw(text: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: http.port });
  socket.on('error', () => {});
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve());
  });
  socket.write(text);
  return socket;
}

describe('a hostile body over HTTP', () => {
  test.each([
    ['a gzip bomb', gzipSync(Buffer.alloc(100_000_000, 0x20)), 'gzip', 413, 'BODY_TOO_LARGE'],
    ['a zstd bomb', zstdCompressSync(Buffer.alloc(100_000_000, 0x20)), 'zstd', 413, 'BODY_TOO_LARGE'],
    ['a truncated gzip', gzipSync(`{"a":"${'x'.repeat(999)}"}`).subarray(0, 25), 'gzip', 400, 'BODY_CORRUPT'],
    ['gzip that is none', Buffer.from('{"a":1}'), 'gzip', 400, 'BODY_CORRUPT'],
    ['a body above the limit', Buffer.alloc(16_000_001, 0x20), 'identity', 413, 'BODY_TOO_LARGE'],
    ['an encoding that is a member of Object', Buffer.from('{}'), 'constructor', 415, 'BODY_ENCODING'],
  ])('%s is answered by a problem, counted, and the next record is taken', async (...row) => {
    const [, body, encoding, status, code] = row;
    const response = await post(body, { 'content-encoding': encoding });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
    expect(count('receive', `dropped:body:${code}`)).toBe(1);
    await servesGoodRecord();
  });

  test.each([
    ['10,000 levels of objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, 'JSON_TOO_DEEP'],
    ['10,000 levels of lists', `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'JSON_TOO_DEEP'],
    ['a text of 10 MB', `{"a":"${'x'.repeat(10_000_000)}"}`, 'RECORD_TOO_LARGE'],
    ['a raw NUL', '{"a":"\u0000"}', 'JSON_INVALID'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'INVALID_UTF8'],
    ['a record cut short', '{"a":', 'JSON_INVALID'],
  ])('%s is a dead letter, and the next record is taken', async (_what, body, code) => {
    const response = await post(body);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ accepted: 0, rejected: 1, errors: [{ code }] });
    expect(count('normalise', `rejected:${code}`)).toBe(1);
    const [letter] = await running.deadLetters();
    expect(letter?.headers['dl-code']).toBe(code);
    await servesGoodRecord();
  });

  test('duplicate members leave the last, `__proto__` is dropped and counted, an escaped NUL is kept', async () => {
    const body = '{"message":"first","message":"last","__proto__":{"polluted":1},"labels":{"n":"a\\u0000b"}}';
    expect(await (await post(body)).json()).toMatchObject({ accepted: 1 });
    const [event] = await running.events();
    expect(event).toMatchObject({ message: 'last', labels: { n: 'a\u0000b' } });
    expect(event).not.toHaveProperty('polluted');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(count('normalise', 'proto-member-dropped')).toBe(1);
  });

  test('100,000 tiny records in one body are each accepted', { timeout: 120_000 }, async () => {
    const body = Array.from({ length: 100_000 }, (_, at) => `{"a":${at}}`).join('\n');
    expect(await (await post(body)).json()).toMatchObject({ records: 100_000, accepted: 100_000 });
    expect(running.counters.total('bus', 'produced')).toBe(100_000);
    await servesGoodRecord();
  });

  test.each([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer another-token-of-16' }],
    ['a token of 10 kB', { authorization: `Bearer ${'x'.repeat(10_000)}` }],
  ] as [string, Record<string, string>][])('%s is 401 and counted', async (_what, headers) => {
    const response = await fetch(url, { method: 'POST', body: '{}', headers });
    expect(response.status).toBe(401);
    expect(count('receive', 'dropped:unauthorised')).toBe(1);
    await servesGoodRecord();
  });

  test.each([{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }])(
    'a web page is refused by its %o, whatever else it shows',
    async (headers) => {
      const response = await post('{"a":1}', { 'content-type': 'text/plain', ...headers });
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: 'BROWSER_REFUSED' });
      expect(await running.events()).toEqual([]);
      expect(count('receive', 'dropped:web-page')).toBe(1);
      await servesGoodRecord();
    },
  );

  test('the content type does not decide: an image is refused by its bytes', async () => {
    const response = await post(Buffer.from([0x89, 0x50, 0x4e, 0x47]), { 'content-type': 'image/png' });
    expect(await response.json()).toMatchObject({ accepted: 0, rejected: 1 });
    expect(await running.deadLetters()).toHaveLength(1);
    await servesGoodRecord();
  });

  test('a body that drips and chunks without end hold up nobody else, and leave nothing behind', async () => {
    const head = `POST /ingest/v1/plant HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n`;
    const dripping = await Promise.all(
      Array.from({ length: 20 }, () => raw(`${head}Content-Length: 1000\r\n\r\n{"a":`)),
    );
    const endless = await raw(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n`);
    await servesGoodRecord();
    for (const socket of [...dripping, endless]) socket.destroy();
    await servesGoodRecord();
    expect(await running.events()).toHaveLength(2);
  });

  test('chunks beyond the limit are cut off with 413', async () => {
    const head = `POST /ingest/v1/plant HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n`;
    const socket = await raw(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    const answered: string[] = [];
    socket.on('data', (part: Buffer) => answered.push(part.toString('latin1')));
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
    let sent = 0;
    while (answered.length === 0 && !socket.destroyed && sent < 2 * LIMITS.max_body_bytes) {
      socket.write(chunk);
      sent += 65_536;
      await systemClock.sleep(0);
    }
    await waitUntil({ what: 'the server answered', timeout_ms: 10_000, holds: () => answered.length > 0 });
    expect(answered.join('')).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
    await servesGoodRecord();
  });

  test('no HTTP at all is answered with 400', async () => {
    const socket = await raw('\u0016\u0003\u0001 garbage\r\n\r\n');
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
    });
    await waitUntil({ what: 'the server answered', timeout_ms: 10_000, holds: () => answer !== '' });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    socket.destroy();
    await servesGoodRecord();
  });

  test('a bulk body of nonsense is 400, in Elasticsearch’s shape, and counted', async () => {
    const target = `http://127.0.0.1:${http.port}/_bulk`;
    const response = await fetch(target, { method: 'POST', body: '{"index":', headers: HEADERS });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ status: 400, error: { type: expect.any(String) } });
    expect(count('receive', 'dropped:body:BULK_INVALID')).toBe(1);
    await servesGoodRecord();
  });
});

describe('a hostile sender of syslog over TCP', () => {
  const GOOD = '<13>1 2026-11-23T20:00:00Z plant-7 plc 1 - - all is well\n';
  const send = async (port: number, content: string | Buffer, end = true): Promise<Socket> => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {});
    socket.write(content);
    if (end) socket.end();
    return socket;
  };
  const isGood = async (): Promise<boolean> =>
    (await running.events()).some((event) => event['message'] === 'all is well');

  test.each([
    ['a line without end', 'x'.repeat(3_000_000), 'rejected:RECORD_TOO_LARGE'],
    [
      'a count far beyond what comes',
      `999999999 <13>1 - - - - - - ${'y'.repeat(3_000_000)}`,
      'rejected:RECORD_TOO_LARGE',
    ],
    ['a TLS greeting', Buffer.from('16030100c8010000c40303ff00fe80', 'hex'), undefined],
  ])('%s holds up nobody else', { timeout: 30_000 }, async (_what, content, reason) => {
    const receiver = await startSyslogTcpReceiver({
      intake: running.intake,
      sourceId: 'syslog',
      host: '127.0.0.1',
      port: 0,
      max_record_bytes: running.intake.sources.get('syslog')?.max_record_bytes ?? 0,
      clock: systemClock,
    });
    const hostile = await send(receiver.port, content, false);
    try {
      await send(receiver.port, GOOD);
      await waitUntil({ what: 'the good line came', timeout_ms: 10_000, holds: isGood });
      await waitUntil({
        what: 'the hostile one was counted, if it is one already',
        timeout_ms: 10_000,
        holds: () => reason === undefined || count('normalise', reason) === 1,
      });
      expect(await running.deadLetters()).toHaveLength(reason === undefined ? 0 : 1);
      hostile.end();
      const taken = reason === undefined ? 2 : 1;
      await waitUntil({
        what: 'what was left of it is accounted for',
        timeout_ms: 10_000,
        holds: async () =>
          (await running.events()).length + (await running.deadLetters()).length === taken + (reason ? 1 : 0),
      });
    } finally {
      hostile.destroy();
      await receiver.close();
    }
  });

  test('a count smaller than the message leaves a rest that is a record of its own', async () => {
    const receiver = await startSyslogTcpReceiver({
      intake: running.intake,
      sourceId: 'syslog',
      host: '127.0.0.1',
      port: 0,
      max_record_bytes: 65_536,
      clock: systemClock,
    });
    try {
      await send(receiver.port, `20 <13>1 - - - - - - short and long\n${GOOD}`);
      await waitUntil({ what: 'the good line came', timeout_ms: 10_000, holds: isGood });
      expect(count('receive', 'received')).toBe(3);
    } finally {
      await receiver.close();
    }
  });
});
