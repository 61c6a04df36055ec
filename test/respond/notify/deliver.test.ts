// Deliveries to a real HTTP server that answers as each test wants.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { type Deliverer, type Delivery, startDeliverer } from '../../../respond/notify/deliver.ts';
import { signWebhook } from '../../../respond/notify/webhook/index.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { makeFolder, openStores, removeFolder, type Stores } from '../open-stores.ts';

const SECRET = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}
interface Answer {
  status: number;
  headers?: Record<string, string>;
}

let folder: string;
let stores: Stores;
let server: Server;
let received: Received[];
/** What the next requests get; the last holds for all that follow. `hang` never answers. */
let answers: (Answer | 'hang')[];
let counters: Counters;
const running: Deliverer[] = [];

beforeEach(async () => {
  folder = makeFolder();
  stores = await openStores(folder);
  received = [];
  answers = [{ status: 204 }];
  counters = new Counters();
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      received.push({ headers: request.headers, body });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === undefined || answer === 'hang') return;
      response.writeHead(answer.status, answer.headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await stopAll();
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await stores.close();
  removeFolder(folder);
});

async function stopAll(): Promise<void> {
  for (const deliverer of running.splice(0)) await deliverer.stop();
}

function start(
  options: { retrySchedule?: readonly number[]; notifiers?: string[]; timeout_ms?: number } = {},
): Deliverer {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  const deliverer = startDeliverer({
    records: stores.records,
    notifiers: (options.notifiers ?? ['chat']).map((id) => ({
      id,
      type: 'webhook' as const,
      url,
      secret: SECRET,
      timeout_ms: options.timeout_ms ?? 5_000,
    })),
    fetch: globalThis.fetch,
    clock: systemClock,
    counters,
    logger: silentLogger,
    retrySchedule: options.retrySchedule ?? [20, 20, 20],
  });
  running.push(deliverer);
  return deliverer;
}

const message = (key: string) => ({
  key,
  type: 'incident.notified',
  text: `about ${key}`,
  data: { incident: 'i1' },
});

async function deliveries(): Promise<Delivery[]> {
  const { records } = await stores.records.query<Delivery>('deliveries', { limit: 100 });
  return records.map(({ value }) => value);
}

async function waitForState(state: Delivery['state']): Promise<Delivery> {
  await waitUntil({
    what: `a delivery that is ${state}`,
    holds: async () => (await deliveries()).some((delivery) => delivery.state === state),
    timeout_ms: 20_000,
    interval_ms: 10,
  });
  return (await deliveries()).find((delivery) => delivery.state === state) as Delivery;
}

describe('deliveries', () => {
  test('arrive signed over what was sent', async () => {
    await start().enqueue(message('run-1:step-1'));
    const delivered = await waitForState('delivered');
    expect(received).toHaveLength(1);
    const [{ headers, body }] = received as [Received];
    expect(headers['webhook-id']).toBe(delivered.id);
    const timestamp = Number(headers['webhook-timestamp']);
    expect(headers['webhook-signature']).toBe(
      signWebhook({ id: delivered.id, timestamp, body, secret: SECRET }),
    );
    expect(JSON.parse(body)).toMatchObject({
      type: 'incident.notified',
      data: { text: 'about run-1:step-1', incident: 'i1' },
    });
    expect(counters.total('notify', 'delivered', 'chat')).toBe(1);
  });

  test('the same key is one message, each notifier gets its own', async () => {
    const deliverer = start({ notifiers: ['chat', 'mail'] });
    for (let time = 0; time < 3; time++) await deliverer.enqueue(message('k'));
    await waitUntil({
      what: 'both',
      holds: () => received.length === 2,
      timeout_ms: 20_000,
      interval_ms: 10,
    });
    expect(await deliveries()).toHaveLength(2);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(2);
  });

  test('are repeated with the same id and body until the receiver takes them', async () => {
    answers = [
      { status: 500 },
      { status: 429 },
      { status: 302, headers: { location: '/elsewhere' } },
      { status: 200 },
    ];
    await start().enqueue(message('k'));
    expect((await waitForState('delivered')).attempts).toBe(4);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(received.map(({ body }) => body)).size).toBe(1);
    expect(counters.total('notify', 'retried')).toBe(3);
  });

  test('are dead with the reason after the last attempt', async () => {
    answers = [{ status: 503 }];
    await start().enqueue(message('k'));
    const dead = await waitForState('dead');
    expect(dead).toMatchObject({ attempts: 4, last_error: 'the receiver answered 503' });
    expect(received).toHaveLength(4);
    expect(counters.total('notify', 'dead')).toBe(1);
  });

  test('stop at once when the receiver is gone for good (410)', async () => {
    answers = [{ status: 410 }];
    await start().enqueue(message('k'));
    expect((await waitForState('dead')).attempts).toBe(1);
    expect(received).toHaveLength(1);
  });

  test.each([
    ['seconds', () => '3600'],
    ['a date', () => new Date(Date.now() + 3_600_000).toUTCString()],
  ])('wait as long as Retry-After asks in %s', async (_, value) => {
    answers = [{ status: 429, headers: { 'retry-after': value() } }];
    await start().enqueue(message('k'));
    await waitUntil({
      what: 'the first attempt is noted',
      holds: async () => (await deliveries())[0]?.attempts === 1,
      timeout_ms: 20_000,
      interval_ms: 10,
    });
    const [delivery] = await deliveries();
    expect(Date.parse(delivery?.next_attempt ?? '')).toBeGreaterThan(Date.now() + 3_000_000);
    expect(received).toHaveLength(1);
  });

  test('a receiver cannot put a message off for ever', async () => {
    answers = [{ status: 429, headers: { 'retry-after': '99999999999999999999' } }];
    await start().enqueue(message('k'));
    await waitUntil({
      what: 'the first attempt is noted',
      holds: async () => (await deliveries())[0]?.attempts === 1,
      timeout_ms: 20_000,
      interval_ms: 10,
    });
    const [delivery] = await deliveries();
    expect(Date.parse(delivery?.next_attempt ?? '')).toBeLessThan(Date.now() + 2 * 86_400_000);
  });

  test('many that wait for the same receiver all arrive, each once', async () => {
    const deliverer = start();
    await Promise.all(Array.from({ length: 60 }, (_, at) => deliverer.enqueue(message(`k${at}`))));
    await waitUntil({
      what: 'all are delivered',
      holds: async () => (await deliveries()).every(({ state }) => state === 'delivered'),
      timeout_ms: 20_000,
      interval_ms: 20,
    });
    expect(received).toHaveLength(60);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(60);
  });

  test('a receiver that hangs or is not there counts as one that failed', async () => {
    answers = ['hang', { status: 204 }];
    await start({ timeout_ms: 200 }).enqueue(message('k'));
    await waitForState('delivered');
    expect(received).toHaveLength(2);
  });

  test('go on after a restart, with the same id', async () => {
    answers = ['hang'];
    await start().enqueue(message('k'));
    await waitUntil({
      what: 'sent',
      holds: () => received.length === 1,
      timeout_ms: 20_000,
      interval_ms: 10,
    });
    await stopAll();
    await stores.close();
    stores = await openStores(folder);
    answers = [{ status: 204 }];
    start();
    const delivered = await waitForState('delivered');
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual([delivered.id, delivered.id]);
  });

  test('a slow receiver does not hold up the others', async () => {
    answers = ['hang', { status: 204 }];
    const deliverer = start({ timeout_ms: 60_000 });
    await deliverer.enqueue(message('first'));
    await waitUntil({
      what: 'sent',
      holds: () => received.length === 1,
      timeout_ms: 20_000,
      interval_ms: 10,
    });
    await deliverer.enqueue(message('second'));
    expect((await waitForState('delivered')).notification.text).toBe('about second');
  });

  test('to a notifier that is no longer configured are dead, not lost', async () => {
    answers = ['hang'];
    await start().enqueue(message('k'));
    await waitUntil({
      what: 'sent',
      holds: () => received.length === 1,
      timeout_ms: 20_000,
      interval_ms: 10,
    });
    await stopAll();
    start({ notifiers: ['other'] });
    expect((await waitForState('dead')).last_error).toContain('no longer configured');
  });
});
