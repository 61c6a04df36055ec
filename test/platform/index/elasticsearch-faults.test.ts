// The index on Elasticsearch when things go wrong there: killed, read-only, too small for a request, and fed with hostile events.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../../../platform/bus/bus.ts';
import { openBus } from '../../../platform/bus/open-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { equals } from '../../../platform/core/expression/expression.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import type { ElasticsearchConnection } from '../../../platform/elasticsearch/connect.ts';
import type { EventIndex } from '../../../platform/index/event-index.ts';
import { openIndex } from '../../../platform/index/open-index.ts';
import { startIndexWriter } from '../../../platform/index/write-events.ts';
import { type Elasticsearch, startElasticsearch } from '../../services/elasticsearch.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { sampleDocument } from './sample-events.ts';

const clock = systemClock;
/** Of `analyst`: a published vector of bcrypt (https://en.wikipedia.org/wiki/Bcrypt, Description). */
const PASSWORD = 'abc123xyz';
const HASH = '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW';

describe('the index on Elasticsearch in trouble', { timeout: 180_000 }, () => {
  let server: Elasticsearch;
  const undo: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    if (isRealRun())
      server = await startElasticsearch({
        users: { analyst: HASH },
        // Small, so that a batch of ordinary size is too much for one request.
        settings: ['http.max_content_length: 256kb'],
      });
  }, 180_000);
  beforeEach((context) => requireReal(context, 'jdk', 'elasticsearch'));
  afterEach(async () => {
    for (const one of undo.splice(0).reverse()) await one();
  });
  afterAll(() => server?.stop());

  const open = async (more: Partial<ElasticsearchConnection> = {}): Promise<EventIndex> => {
    const index = await openIndex({
      engine: 'elasticsearch',
      connection: {
        nodes: [server.url],
        username: 'analyst',
        password: PASSWORD,
        request_timeout_ms: 5_000,
        ...more,
      },
      clock,
      shape: { replicas: 0 },
      limits: { attempts: 3 },
    });
    undo.push(() => index.close());
    return index;
  };

  const ask = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${server.url}${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`analyst:${PASSWORD}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return (await answer.json()) as Record<string, unknown>;
  };

  async function openBusWith(tenant: string, events: number, size = 500): Promise<Bus> {
    const folder = mkdtempSync(join(tmpdir(), 'picket-index-faults-'));
    const bus = await openBus({ engine: 'embedded', folder, clock });
    undo.push(async () => {
      await bus.close();
      rmSync(folder, { recursive: true, force: true });
    });
    await bus.ensureTopics([TOPICS.events, TOPICS.deadLetters]);
    for (let at = 0; at < events; at += 500)
      await bus.produce(
        TOPICS.events,
        Array.from({ length: Math.min(500, events - at) }, (_, n) => {
          const { body, time, ...document } = sampleDocument(`e${at + n}`, {
            tenant,
            fields: { message: 'x'.repeat(size) },
          });
          return {
            key: `s${n % 7}`,
            value: body,
            headers: { ...document, time, class: 'host-audit', site: 'plant-1', source: 's' },
          };
        }),
      );
    return bus;
  }

  function startWriting(bus: Bus, index: EventIndex): Counters {
    const counters = new Counters();
    const writer = startIndexWriter({ bus, index, counters, logger: silentLogger, max_records: 200 });
    undo.push(() => writer.stop());
    return counters;
  }

  const done = (counters: Counters): number =>
    counters.total('index', 'created') + counters.total('index', 'duplicate');

  /** Every id that was sent is there once. */
  async function expectAll(tenant: string, events: number): Promise<void> {
    await ask('POST', '/picket-*/_refresh');
    const ids = new Set<string>();
    let hits = 0;
    for (let cursor: string | undefined; ; ) {
      const index = await open();
      const page = await index.search({ tenant, limit: 5_000, ...(cursor === undefined ? {} : { cursor }) });
      for (const { event } of page.hits) ids.add(event.id);
      hits += page.hits.length;
      if (page.cursor === undefined) break;
      cursor = page.cursor;
    }
    expect(hits).toBe(events);
    expect(ids.size).toBe(events);
  }

  it('says when it is not known there, and when nobody answers', async () => {
    await expect(open({ password: 'wrong' })).rejects.toMatchObject({ code: 'ELASTICSEARCH_AUTHENTICATION' });
    await expect(open({ nodes: ['http://127.0.0.1:9'] })).rejects.toMatchObject({
      code: 'ELASTICSEARCH_UNAVAILABLE',
    });
  });

  it('many writes at once wait for their turn here and go together: no more than four requests are at the cluster', async () => {
    let underWay = 0;
    let most = 0;
    let bulks = 0;
    const between = createServer((request, response) => {
      const isBulk = request.url?.startsWith('/_bulk') === true;
      if (isBulk) {
        bulks++;
        most = Math.max(most, ++underWay);
      }
      const asked = forward(
        `${server.url}${request.url ?? ''}`,
        { method: request.method ?? 'GET', headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          // Long enough that the others are there as well.
          setTimeout(() => {
            if (isBulk) underWay--;
            answer.pipe(response);
          }, 50);
        },
      );
      request.pipe(asked);
    });
    await new Promise<void>((listening) => between.listen(0, '127.0.0.1', listening));
    undo.push(() => new Promise((closed) => between.close(closed)));
    const { port } = between.address() as AddressInfo;
    const index = await open({ nodes: [`http://127.0.0.1:${port}`] });
    const outcomes = await Promise.all(
      Array.from({ length: 16 }, (_, nth) => index.write([sampleDocument(`m${nth}`, { tenant: 'many' })])),
    );
    expect(outcomes.flat().map(({ result }) => result)).toEqual(Array.from({ length: 16 }, () => 'created'));
    expect(most).toBe(4);
    // What waited went together.
    expect(bulks).toBeLessThan(16);
  });

  it('a node killed under load and started again: every event is there once', async () => {
    const events = 3_000;
    const bus = await openBusWith('killed', events);
    const counters = startWriting(bus, await open());
    await waitUntil({ what: 'some are written', timeout_ms: 60_000, holds: () => done(counters) > 500 });
    await server.kill();
    expect(done(counters)).toBeLessThan(events);
    await clock.sleep(2_000);
    await server.start();
    await waitUntil({ what: 'all are written', timeout_ms: 90_000, holds: () => done(counters) === events });
    await expectAll('killed', events);
    expect((await bus.bounds(TOPICS.deadLetters))[0]?.next).toBe(0);
  });

  it('an index that takes no writes holds the writer up until it does, and nothing is lost', async () => {
    const index = await open();
    await index.write([sampleDocument('first', { tenant: 'blocked' })]);
    await ask('PUT', '/picket-blocked-*/_settings', { 'index.blocks.read_only_allow_delete': true });
    const bus = await openBusWith('blocked', 500);
    const counters = startWriting(bus, index);
    await clock.sleep(3_000);
    expect(done(counters)).toBe(0);
    expect((await bus.lag('index'))[TOPICS.events.name] ?? 500).toBe(500);
    await ask('PUT', '/picket-blocked-*/_settings', { 'index.blocks.read_only_allow_delete': null });
    await waitUntil({ what: 'all are written', timeout_ms: 60_000, holds: () => done(counters) === 500 });
    await expectAll('blocked', 501);
  });

  it('makes an index again that was deleted by hand, with its aliases', async () => {
    const index = await open();
    await index.write([sampleDocument('before', { tenant: 'deleted' })]);
    await ask('DELETE', '/picket-deleted-windows.security-eu-fr-2026-w47');
    expect(await index.write([sampleDocument('after', { tenant: 'deleted' })])).toEqual([
      { result: 'created' },
    ]);
    await expectAll('deleted', 1);
  });

  it('parts a request that is too large, and refuses the one event that is', async () => {
    const index = await open();
    const large = { message: 'y'.repeat(300_000) };
    const documents = Array.from({ length: 900 }, (_, n) =>
      sampleDocument(`d${n}`, { tenant: 'large', fields: n === 450 ? large : { message: 'x'.repeat(800) } }),
    );
    const outcomes = await index.write(documents);
    expect(outcomes[450]).toMatchObject({ result: 'rejected', code: 'INDEX_EVENT_TOO_LARGE' });
    expect(outcomes.filter(({ result }) => result === 'created')).toHaveLength(899);
  });

  it('keeps its mapping bounded and every event findable, whatever fields they have', async () => {
    const index = await open();
    const many = (from: number) =>
      Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`f${from + n}`, `v${from + n}`]));
    const deep: Record<string, unknown> = { leaf: 'bottom' };
    const nested = Array.from({ length: 60 }).reduce<Record<string, unknown>>(
      (inner) => ({ a: inner }),
      deep,
    );
    const hostile: Record<string, unknown>[] = [
      { labels: many(0) },
      { labels: many(3_000) },
      { user: 'a user that is no object' },
      { host: { name: { first: 'no', last: 'text' } } },
      { '': 'empty', ' ': 'blank', '..': 'dots', _id: 'mine' },
      { nested },
      { process: { pid: 'not a number' }, source: { ip: '999.1.1.1' } },
    ];
    const documents = hostile.map((fields, n) => sampleDocument(`h${n}`, { tenant: 'hostile', fields }));
    expect((await index.write(documents)).map(({ result }) => result)).toEqual(hostile.map(() => 'created'));
    await ask('POST', '/picket-*/_refresh');
    const mapping = JSON.stringify(await ask('GET', '/picket-hostile-*/_mapping'));
    expect(mapping.match(/"type":"keyword"/g)?.length ?? 0).toBeLessThan(1_500);
    const find = async (field: string, value: string): Promise<string[]> =>
      (await index.search({ tenant: 'hostile', limit: 10, where: equals(field, value) })).hits.map(
        ({ event }) => event.id,
      );
    expect(await find('labels.f2999', 'v2999')).toEqual(['h0']);
    expect(await find('labels.f5999', 'V5999')).toEqual(['h1']);
    expect(await find('user', 'a user that is no object')).toEqual(['h2']);
    expect(await find('host.name.last', 'text')).toEqual(['h3']);
    expect(await find('_id', 'mine')).toEqual(['h4']);
    expect(await find(`nested${'.a'.repeat(60)}.leaf`, 'bottom')).toEqual(['h5']);
    expect(await find('source.ip', '999.1.1.1')).toEqual(['h6']);
    const top = await index.topValues({ tenant: 'hostile', field: '_id', limit: 5 });
    expect(top).toEqual({ values: [{ value: 'mine', count: 1 }], exact: true });
    expect(await index.get({ tenant: 'hostile', id: 'h4' })).toMatchObject(hostile[4] as object);
  });
});
