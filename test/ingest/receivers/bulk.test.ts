import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { startHttpReceivers } from '../../../ingest/receivers/start-http-receivers.ts';
import type { SourceConfigInput } from '../../../ingest/source-config.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { findFreePorts } from '../../services/free-port.ts';
import { requireReal } from '../../services/require-real.ts';
import { startRsyslog } from '../../services/rsyslog.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { linesOf } from '../normalise-text.ts';
import { type RunningIntake, startIntake } from '../start-intake.ts';

const TOKEN = 'a-token-of-the-plant';
const basic = (user: string, password = TOKEN): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

let open: { receiver: { port: number; close: () => Promise<void> }; running: RunningIntake } | undefined;
afterEach(async () => {
  await open?.receiver.close();
  await open?.running.close();
  open = undefined;
});

const SOURCES: readonly SourceConfigInput[] = [
  {
    id: 'winlog',
    format: 'windows',
    receivers: [{ type: 'bulk', indices: ['winlogbeat-*'] }],
    access: { token: TOKEN },
  },
  { id: 'generic', format: 'ecs', receivers: [{ type: 'bulk' }], access: { token: TOKEN } },
  {
    id: 'audit',
    format: 'kubernetes-audit',
    receivers: [{ type: 'bulk', record_field: 'message' }],
    access: { token: `${TOKEN}-of-filebeat` },
  },
];

async function start(sources = SOURCES): Promise<{ url: string; port: number; running: RunningIntake }> {
  const running = await startIntake(sources);
  const receiver = await startHttpReceivers({
    host: '127.0.0.1',
    port: 0,
    intake: running.intake,
    clock: systemClock,
    logger: silentLogger,
  });
  open = { receiver, running };
  return { url: `http://127.0.0.1:${receiver.port}`, port: receiver.port, running };
}

interface BulkAnswer {
  errors: boolean;
  items: Record<string, { status: number; _id: string; error?: { type: string } }>[];
}

async function bulk(
  url: string,
  lines: readonly string[],
  headers: Record<string, string> = basic('beats'),
): Promise<BulkAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    body: `${lines.join('\n')}\n`,
    headers: { 'content-type': 'application/x-ndjson', ...headers },
  });
  expect(response.status).toBe(200);
  return (await response.json()) as BulkAnswer;
}

describe('the Elasticsearch-compatible front', () => {
  test.each([
    '/',
    '/_license',
    '/_xpack',
    '/_cluster/health',
    '/_index_template/winlogbeat',
    '/_ilm/policy/filebeat',
    '/_ingest/pipeline/x',
    '/_data_stream/logs',
  ])('answers %s as a shipper asks at its start, and says it is Elasticsearch', async (path) => {
    const { url } = await start();
    const response = await fetch(`${url}${path}`, { headers: basic('beats') });
    expect([response.status, response.headers.get('x-elastic-product')]).toEqual([200, 'Elasticsearch']);
  });

  test('HEAD / and PUT of templates are fine; a stranger gets 401 everywhere', async () => {
    const { url } = await start();
    expect((await fetch(url, { method: 'HEAD', headers: basic('beats') })).status).toBe(200);
    const put = await fetch(`${url}/_index_template/a`, {
      method: 'PUT',
      body: '{}',
      headers: basic('beats'),
    });
    expect(await put.json()).toEqual({ acknowledged: true });
    for (const path of ['/', '/_bulk', '/_license']) {
      expect(
        (
          await fetch(`${url}${path}`, {
            method: path === '/_bulk' ? 'POST' : 'GET',
            headers: basic('x', 'wrong'),
          })
        ).status,
      ).toBe(401);
    }
  });

  test('takes a batch as Filebeat sends it: create actions, gzip, one status an item', async () => {
    const { url, running } = await start();
    const lines = [
      '{"create":{"_index":"filebeat-9.2.4"}}',
      '{"@timestamp":"2026-11-20T00:00:00.000Z","message":"one"}',
      '{"create":{"_index":"filebeat-9.2.4"}}',
      '{"message":',
      '{"index":{"_id":"own"}}',
      '{"message":"three"}',
    ];
    const response = await fetch(`${url}/_bulk?filter_path=errors%2Citems`, {
      method: 'POST',
      body: gzipSync(`${lines.join('\n')}\n`),
      headers: { ...basic('beats'), 'content-encoding': 'gzip', 'content-type': 'application/json' },
    });
    const answer = (await response.json()) as BulkAnswer;
    expect(
      answer.items.map((item) => Object.entries(item).map(([action, { status }]) => [action, status])[0]),
    ).toEqual([
      ['create', 201],
      ['create', 400],
      ['index', 201],
    ]);
    expect(answer.errors).toBe(true);
    expect(await running.events()).toHaveLength(2);
    expect(await running.deadLetters()).toHaveLength(1);
  });

  test('credentials and index name choose the source', async () => {
    const { url, running } = await start();
    const windows = linesOf('test/fixtures/windows/security-datasets.ndjson')[0] as string;
    await bulk(`${url}/winlogbeat-8.0/_bulk`, ['{"create":{}}', windows]);
    await bulk(
      `${url}/_bulk`,
      ['{"create":{"_index":"winlogbeat-1"}}', '{"message":"as ecs"}'],
      basic('generic'),
    );
    const audit = linesOf('demo/recordings/kubernetes-audit.ndjson')[0] as string;
    await bulk(
      `${url}/_bulk`,
      ['{"create":{"_index":"x"}}', JSON.stringify({ message: audit, log: { offset: 0 } })],
      {
        authorization: `ApiKey ${Buffer.from(`id:${TOKEN}-of-filebeat`).toString('base64')}`,
      },
    );
    const sources = (await running.events()).map(({ picket }) => picket.source.id);
    expect(sources.sort()).toEqual(['audit', 'generic', 'winlog']);
  });

  test('the same document sent twice is one event; the sender’s own id makes two of two alike', async () => {
    const { url, running } = await start();
    const lines = ['{"create":{}}', '{"message":"again"}'];
    await bulk(`${url}/_bulk`, lines);
    await bulk(`${url}/_bulk`, lines);
    await bulk(`${url}/_bulk`, [
      '{"create":{"_id":"1"}}',
      '{"message":"alike"}',
      '{"create":{"_id":"2"}}',
      '{"message":"alike"}',
    ]);
    expect(new Set((await running.events()).map(({ event }) => event.id)).size).toBe(3);
  });

  test('updates and deletes are refused an item at a time, a broken frame as a whole', async () => {
    const { url } = await start();
    const answer = await bulk(`${url}/_bulk`, [
      '{"delete":{"_id":"1"}}',
      '{"update":{"_id":"1"}}',
      '{"doc":{}}',
      '{"create":{}}',
      '{"a":1}',
    ]);
    expect(answer.items.map((item) => Object.values(item)[0]?.status)).toEqual([400, 400, 201]);
    const broken = await fetch(`${url}/_bulk`, {
      method: 'POST',
      body: 'nonsense\n',
      headers: basic('beats'),
    });
    expect([broken.status, ((await broken.json()) as { error: { type: string } }).error.type]).toEqual([
      400,
      'bulk_invalid',
    ]);
  });

  test('items above the rate are told to come again', async () => {
    const { url } = await start([
      {
        id: 'slow',
        format: 'ecs',
        receivers: [{ type: 'bulk' }],
        access: { token: TOKEN },
        rate_per_s: 0.1,
        burst_records: 1,
      },
    ]);
    await bulk(`${url}/_bulk`, ['{"create":{}}', '{"a":1}']);
    const answer = await bulk(`${url}/_bulk`, ['{"create":{}}', '{"a":2}']);
    expect(answer.items[0]?.['create']).toMatchObject({
      status: 429,
      error: { type: 'es_rejected_execution_exception' },
    });
  });
});

describe('a real rsyslog', () => {
  test('sends what it receives through omelasticsearch', { timeout: 60_000 }, async (context) => {
    requireReal(context, 'rsyslogd', 'rsyslog-elasticsearch');
    const { port, running } = await start();
    const [listen] = (await findFreePorts(1)) as [number];
    const rsyslog = await startRsyslog({
      ready_port: listen,
      config: `
module(load="imtcp")
module(load="omelasticsearch")
input(type="imtcp" port="${listen}" address="127.0.0.1" ruleset="out")
template(name="ecs" type="list" option.jsonf="on") {
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host.hostname" name="hostname" format="jsonf")
  property(outname="process.name" name="programname" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}
ruleset(name="out") {
  action(type="omelasticsearch" server="127.0.0.1" serverport="${port}" template="ecs" searchIndex="rsyslog"
         searchType="" bulkmode="on" uid="generic" pwd="${TOKEN}" usehttps="off" action.resumeRetryCount="-1" action.resumeInterval="1")
}`,
    });
    try {
      const socket = connect({ host: '127.0.0.1', port: listen });
      for (let at = 0; at < 50; at++)
        socket.write(`<13>2026-11-23T20:00:${String(at).padStart(2, '0')}.000Z plant-7 plc[1]: line ${at}\n`);
      socket.end();
      await waitUntil({
        what: 'rsyslog delivered',
        timeout_ms: 20_000,
        holds: async () => (await running.events()).length >= 50,
      }).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${rsyslog.said()}`);
      });
      const events = await running.events();
      expect(new Set(events.map(({ event }) => event.id)).size).toBe(50);
      expect(events[0]).toMatchObject({
        host: { hostname: 'plant-7' },
        process: { name: 'plc' },
        picket: { source: { id: 'generic' } },
      });
    } finally {
      await rsyslog.stop();
    }
  });
});
