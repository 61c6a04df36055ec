// Publishes how the site is doing as OpenTelemetry metrics: at /metrics for Prometheus, and by OTLP.
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, type MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { INCIDENT_GROUP } from '../detect/incidents/start-incident-builder.ts';
import { CORRELATE_GROUP } from '../detect/worker/start-correlating.ts';
import { DETECT_GROUP } from '../detect/worker/start-detector.ts';
import { describeError, PicketError } from '../platform/core/errors.ts';
import { INDEX_GROUP } from '../platform/index/write-events.ts';
import { INGRESS_GROUP } from '../platform/link/take-ingress.ts';
import { UPLINK_GROUP } from '../platform/link/uplink.ts';
import type { OpenSite } from './open-site.ts';
import { readVersion } from './version.ts';

/** Consumer groups whose lag is told: every stage that must keep up. */
const GROUPS = [INDEX_GROUP, DETECT_GROUP, CORRELATE_GROUP, INCIDENT_GROUP, UPLINK_GROUP, INGRESS_GROUP];

interface Measured extends Pick<OpenSite, 'config' | 'bus' | 'counters' | 'process' | 'folder'> {
  /** Why this process is not ready; empty when it is. */
  readonly unready: () => readonly string[];
}

/**
 * Begins to publish what `metrics` of the configuration says; the listener of /metrics answers /livez and /readyz too.
 * @throws PicketError METRICS_LISTEN when the port of /metrics cannot be had
 */
export async function publishMetrics(site: Measured): Promise<{ close(): Promise<void> }> {
  const { prometheus, otlp } = site.config.metrics;
  const readers: MetricReader[] = [];
  let server: Server | undefined;
  if (prometheus) {
    const exporter = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
    readers.push(exporter);
    server = createServer((request, response) => {
      const path = request.url?.split('?')[0];
      if (path === '/metrics') exporter.getMetricsRequestHandler(request, response);
      else answerProbe({ path, response, unready: site.unready });
    });
    try {
      await listen(server, prometheus);
    } catch (cause) {
      const message = `/metrics cannot listen on ${prometheus.host}:${prometheus.port}: ${describeError(cause)}`;
      throw new PicketError({ code: 'METRICS_LISTEN', message, cause });
    }
  }
  if (otlp) {
    const { url, headers, interval_ms } = otlp;
    readers.push(
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url, headers }),
        exportIntervalMillis: interval_ms,
        exportTimeoutMillis: Math.min(interval_ms, 10_000),
      }),
    );
  }
  const { tenant, site: place } = site.config;
  const provider = new MeterProvider({
    // Semantic conventions of OpenTelemetry for services.
    resource: resourceFromAttributes({
      'service.name': 'picket',
      'service.namespace': tenant,
      'service.instance.id': site.process === undefined ? place.id : `${place.id}/${site.process}`,
      'service.version': readVersion(),
      'picket.site.tier': place.tier,
      'picket.jurisdiction': place.jurisdiction,
    }),
    readers,
  });
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  observe(provider.getMeter('picket'), site, delay);
  return {
    async close() {
      delay.disable();
      server?.closeAllConnections();
      server?.close();
      await provider.shutdown();
    },
  };
}

async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  server.listen({ host, port });
  await once(server, 'listening');
}

/** For processes that serve no API. */
function answerProbe(options: {
  path: string | undefined;
  response: ServerResponse;
  unready: Measured['unready'];
}): void {
  const { path, response, unready } = options;
  const answer = (status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  if (path === '/livez') return answer(200, { status: 'ok' });
  if (path !== '/readyz') return answer(404, { status: 'not found' });
  const reasons = unready();
  return answer(reasons.length === 0 ? 200 : 503, {
    status: reasons.length === 0 ? 'ok' : 'not ready',
    reasons,
  });
}

/** Names in dots; Prometheus sees `picket_records_total` and so on. All are read when asked for. */
function observe(meter: Meter, site: Measured, delay: ReturnType<typeof monitorEventLoopDelay>): void {
  const { bus, counters, config } = site;
  meter
    .createObservableCounter('picket.records', {
      description:
        'What became of records, events and signals, by stage and reason (docs/architecture.md, Conservation)',
    })
    .addCallback((result) => {
      for (const { stage, reason, source, count } of counters.snapshot())
        result.observe(count, { stage, reason, ...(source === undefined ? {} : { source }) });
    });
  meter
    .createObservableGauge('picket.bus.lag', {
      description: 'Records that a consumer group has not worked yet',
    })
    .addCallback(async (result) => {
      for (const group of GROUPS) {
        // A bus that is away has no lag to tell; that it is away is told by readiness.
        const lag = await bus.lag(group).catch(() => ({}));
        for (const [topic, records] of Object.entries<number>(lag)) result.observe(records, { group, topic });
      }
    });
  meter
    .createObservableGauge('picket.ready', {
      description: '1 when the site takes records, else 0 (/readyz has the reasons)',
    })
    .addCallback((result) => result.observe(site.unready().length === 0 ? 1 : 0));
  meter
    .createObservableGauge('picket.detect.state', {
      description: 'Stores of correlation on disk',
      unit: 'By',
    })
    .addCallback((result) => result.observe(sizeOf(join(site.folder, 'detect'))));
  const handOvers = (reason: string): number => counters.total('detect', reason);
  meter
    .createObservableCounter('picket.detect.handover', {
      description: 'Partitions of signals that this process took over and worked up to where they stood',
    })
    .addCallback((result) => result.observe(handOvers('hand-over')));
  meter
    .createObservableCounter('picket.detect.handover.time', {
      description: 'How long these took in all: from being assigned to sending alerts',
      unit: 's',
    })
    .addCallback((result) => result.observe(handOvers('hand-over-ms') / 1_000));
  meter
    .createObservableGauge('picket.disk.free', {
      description: 'Free space where the data folder is',
      unit: 'By',
    })
    .addCallback(async (result) => {
      const { bavail, bsize } = await statfs(config.data);
      result.observe(bavail * bsize);
    });
  meter
    .createObservableGauge('process.memory.usage', { description: 'Resident set size', unit: 'By' })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  meter
    .createObservableCounter('process.cpu.time', { description: 'CPU time of all threads', unit: 's' })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe(user / 1e6, { 'cpu.mode': 'user' });
      result.observe(system / 1e6, { 'cpu.mode': 'system' });
    });
  meter
    .createObservableGauge('nodejs.eventloop.delay.p99', { description: 'Since the last reading', unit: 's' })
    .addCallback((result) => {
      result.observe(delay.percentile(99) / 1e9);
      delay.reset();
    });
}

/** Bytes of the files of a folder and its folders. */
function sizeOf(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    // A file may go between the listing and the look at it.
    bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
