// A centre on Kafka: records in by HTTP become alerts, and the same ones, also when broker and program are killed on the way.
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { writeSite } from '../server/site-files.ts';
import { clientOf, makeFolder, type RunningPicket, startPicket } from '../server/start-picket.ts';
import { findFreePorts } from '../services/free-port.ts';
import { type Kafka, startKafka } from '../services/kafka.ts';
import { requireReal } from '../services/require-real.ts';
import { waitUntil } from '../services/wait-until.ts';
import { readSite, type SiteState, WITHOUT_SITE_EVENTS } from './demo-state.ts';

const RECORDINGS = join(import.meta.dirname, '..', '..', 'demo', 'recordings');
const TOKEN = 'the-token-of-all-sources';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

interface Centre {
  readonly data: string;
  readonly ingest: string;
  start(): Promise<RunningPicket>;
}

async function makeCentre(bus?: Readonly<Record<string, unknown>>): Promise<Centre> {
  const { folder, remove } = makeFolder();
  undo.push(remove);
  const [port] = (await findFreePorts(1)) as [number];
  const source = (id: string, format: string, parameters = {}) => ({
    id,
    format,
    receivers: [{ type: 'http' }],
    access: { token: TOKEN },
    parameters,
  });
  const { file, data } = writeSite({
    folder,
    tier: 'centre',
    more: {
      ingest: { port },
      sources: [
        source('falco', 'falco'),
        source('kubernetes', 'kubernetes-audit', { cluster: 'lyon' }),
        source('ecs', 'ecs'),
      ],
      ...(bus ? { bus } : {}),
    },
  });
  return {
    data,
    ingest: `http://127.0.0.1:${port}/ingest/v1`,
    async start() {
      const running = await startPicket(['up', '--site', file]);
      undo.push(() => running.stop());
      return running;
    },
  };
}

function kafkaBus(kafka: Kafka, more: Readonly<Record<string, unknown>> = {}) {
  return { engine: 'kafka', brokers: [kafka.broker], topics: { events_partitions: 6 }, ...more };
}

function post(centre: Centre, source: string, body: string): Promise<Response> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/x-ndjson' };
  return fetch(`${centre.ingest}/${source}`, { method: 'POST', headers, body });
}

/** Sends lines of a recording, ten a request, each of which must be taken. */
async function feed(centre: Centre, source: string, lines: readonly string[]): Promise<void> {
  for (let at = 0; at < lines.length; at += 10) {
    const answer = await post(centre, source, lines.slice(at, at + 10).join('\n'));
    expect(answer.status).toBe(200);
  }
}

function readLines(file: string): string[] {
  return readFileSync(join(RECORDINGS, file), 'utf8').trim().split('\n');
}

function countEvents(data: string): Promise<number> {
  return clientOf(data)
    .call<{ count: number }>('POST', '/api/v1/search/count', { query: WITHOUT_SITE_EVENTS })
    .then(({ count }) => count);
}

/** Events and alerts once they stay the same. */
async function settle(data: string, holds: (state: SiteState) => boolean): Promise<SiteState> {
  let state: SiteState | undefined;
  let before = '';
  await waitUntil({
    what: 'the centre has worked all',
    timeout_ms: 120_000,
    interval_ms: 1_000,
    holds: async () => {
      const now = await readSite(data);
      const same = JSON.stringify(now) === before;
      before = JSON.stringify(now);
      state = now;
      return same && holds(now);
    },
  });
  return state as SiteState;
}

describe('a centre on Kafka', { timeout: 300_000 }, () => {
  test('raises the alerts of an undisturbed embedded centre, with the broker and then itself killed half way', async (context) => {
    requireReal(context, 'java', 'kafka');
    const falco = readLines('falco.ndjson');
    const audit = readLines('kubernetes-audit.ndjson');

    const reference = await makeCentre();
    const undisturbed = await reference.start();
    await feed(reference, 'falco', falco);
    await feed(reference, 'kubernetes', audit);
    const wanted = await settle(reference.data, ({ alerts }) => alerts.length > 0);
    await undisturbed.stop();
    expect(wanted.events.length).toBeGreaterThan(100);

    const kafka = await startKafka();
    undo.push(() => kafka.stop());
    const centre = await makeCentre(kafkaBus(kafka));
    // Ids of events are keyed: with the keys of the other centre they can be compared.
    cpSync(join(reference.data, 'identity'), join(centre.data, 'identity'), { recursive: true });
    const first = await centre.start();
    await feed(centre, 'falco', falco.slice(0, 10));
    await feed(centre, 'kubernetes', audit.slice(0, 60));
    await waitUntil({
      what: 'some of it is indexed',
      timeout_ms: 60_000,
      holds: async () => (await countEvents(centre.data)) > 0,
    });
    await kafka.kill();
    await feed(centre, 'falco', falco.slice(10));
    await feed(centre, 'kubernetes', audit.slice(60, 120));
    await first.kill();
    await centre.start();
    await feed(centre, 'kubernetes', audit.slice(120));
    await kafka.start();
    const state = await settle(centre.data, ({ events }) => events.length >= wanted.events.length);
    expect(state.events).toEqual(wanted.events);
    expect(state.alerts).toEqual(wanted.alerts);
    expect(state.partition).toEqual(wanted.partition);
    expect(state.deadLetters).toEqual(wanted.deadLetters);
  });

  test('answers 429 with Retry-After when the spool is near its bound, and loses nothing of what it took', async (context) => {
    requireReal(context, 'java', 'kafka');
    const kafka = await startKafka();
    undo.push(() => kafka.stop());
    const centre = await makeCentre(kafkaBus(kafka, { spool: { max_bytes: 16 * 1024 ** 2 } }));
    await centre.start();
    await kafka.kill();
    const padding = Buffer.alloc(50_000, 'x').toString();
    let taken = 0;
    let refused: Response | undefined;
    for (let nth = 0; nth < 1_000 && !refused; nth++) {
      const event = {
        '@timestamp': new Date().toISOString(),
        event: { id: `spooled-${nth}`, dataset: 'test.spool' },
        message: `${nth} ${padding}`,
      };
      const answer = await post(centre, 'ecs', JSON.stringify(event));
      if (answer.status === 200) taken++;
      else refused = answer;
    }
    expect(taken).toBeGreaterThan(20);
    expect(refused?.status).toBe(429);
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    await kafka.start();
    await waitUntil({
      what: 'what was taken is indexed',
      timeout_ms: 90_000,
      holds: async () => (await countEvents(centre.data)) >= taken,
    });
    const { events } = await readSite(centre.data);
    expect(events).toHaveLength(taken);
    await waitUntil({
      what: 'senders may come again',
      timeout_ms: 30_000,
      holds: async () => (await post(centre, 'ecs', '')).status !== 429,
    });
  });
});
