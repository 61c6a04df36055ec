// What a running site tells Prometheus and an OpenTelemetry collector of itself.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { findFreePorts } from '../services/free-port.ts';
import { waitUntil } from '../services/wait-until.ts';
import { writeSite } from './site-files.ts';
import { makeFolder, runPicket, startPicket } from './start-picket.ts';

const FALCO = join(import.meta.dirname, '..', '..', 'demo', 'recordings', 'falco.ndjson');
const { folder, remove } = makeFolder();
const undo: (() => unknown)[] = [];
afterAll(async () => {
  for (const one of undo.reverse()) await one();
  remove();
});

describe('metrics', () => {
  test('count what became of records, at /metrics and by OTLP, and a port that is taken is told', async () => {
    const pushed: string[] = [];
    const collector = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        pushed.push(`${request.headers['x-key'] as string} ${Buffer.concat(parts).toString()}`);
        response.setHeader('content-type', 'application/json').end('{}');
      });
    });
    await new Promise<void>((listening) => collector.listen(0, '127.0.0.1', () => listening()));
    undo.push(() => collector.close());
    const { port: otlp } = collector.address() as AddressInfo;
    const [port] = (await findFreePorts(1)) as [number];
    const { file, data } = writeSite({
      folder,
      tier: 'centre',
      more: {
        metrics: {
          prometheus: { port },
          otlp: {
            url: `http://127.0.0.1:${otlp}/v1/metrics`,
            headers: { 'x-key': 'secret' },
            interval_ms: 1_000,
          },
        },
      },
    });
    const site = await startPicket(['up', '--site', file]);
    undo.push(() => site.stop());
    await runPicket(['replay', FALCO, '--source', 'falco', '--data', data]);
    const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    await waitUntil({
      what: 'all are indexed',
      timeout_ms: 20_000,
      interval_ms: 200,
      holds: async () =>
        (await scrape()).includes('picket_records_total{stage="index",reason="created",source="falco"} 19'),
    });
    const text = await scrape();
    for (const expected of [
      /^picket_bus_lag\{group="index",topic="picket.events"\} 0$/m,
      /^picket_ready 1$/m,
      /^picket_detect_state [1-9]\d*$/m,
      /^picket_disk_free [1-9]\d*$/m,
      /^process_cpu_time_total\{cpu_mode="user"\} \d/m,
      /^nodejs_eventloop_delay_p99 \d/m,
      /^target_info\{.*service_instance_id="centre".*picket_jurisdiction="eu-fr".*\} 1$/m,
    ])
      expect(text).toMatch(expected);
    await waitUntil({
      what: 'a collector was told',
      timeout_ms: 20_000,
      holds: () => pushed.some((body) => body.startsWith('secret ') && body.includes('picket.records')),
    });
    const other = writeSite({
      folder: join(folder, 'other'),
      tier: 'centre',
      more: { metrics: { prometheus: { port } } },
    });
    const end = await runPicket(['up', '--site', other.file]);
    expect(end.code).not.toBe(0);
    expect(end.stderr).toContain('METRICS_LISTEN');
  }, 90_000);
});
