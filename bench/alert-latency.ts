// Record in to alert out on one process: embedded engines, and Kafka with Elasticsearch, against a bare server that parses and syncs.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startElasticsearch } from '../test/services/elasticsearch.ts';
import { install } from '../test/services/install.ts';
import { startKafka } from '../test/services/kafka.ts';
import {
  type Load,
  type Measured,
  type MeasuredSite,
  measureBound,
  measureSite,
} from './alert-latency/measure-site.ts';

export const description =
  'record in to alert told over the API on one process, p50 and p99: embedded engines, then Kafka and Elasticsearch, against parsing and syncing alone (PICKET_BENCH_RATE, default 2,000 events/s; PICKET_BENCH_SECONDS; PICKET_BENCH_ENGINES)';

const LOAD: Load = {
  rate: wholeNumber('PICKET_BENCH_RATE', 2_000),
  seconds: wholeNumber('PICKET_BENCH_SECONDS', 20),
};
const ENGINES = (process.env['PICKET_BENCH_ENGINES'] ?? 'embedded,kafka').split(',');
/** With this set, the sites' CPU profiles are left there. */
const PROFILE = process.env['PICKET_BENCH_PROFILE'];

export async function run({ progress }: { progress: (line: string) => void }) {
  const folder = await mkdtemp(join(tmpdir(), 'picket-latency-'));
  const pace = `${LOAD.rate} events/s for ${LOAD.seconds} s`;
  try {
    progress(`bound: JSON.parse and fdatasync, ${pace}`);
    const bound = await measureBound(folder, LOAD);
    const table = [row('bound: request answered', bound)];
    const figures: Record<string, number> = {
      bound_p50_ms: round2(bound.p50),
      bound_p99_ms: round2(bound.p99),
    };
    if (ENGINES.includes('embedded')) {
      progress(`embedded engines, one edge process, ${pace}`);
      const embedded = await measureSite({
        folder: await subfolder(folder, 'embedded'),
        load: LOAD,
        profile: PROFILE,
      });
      table.push(...rows('embedded', embedded));
      Object.assign(figures, figuresOf('embedded', embedded), {
        p50_ratio: round2(embedded.alerts.p50 / bound.p50),
        p99_ratio: round2(embedded.alerts.p99 / bound.p99),
      });
    }
    if (ENGINES.includes('kafka')) {
      progress(`Kafka and Elasticsearch, one centre process, ${pace}`);
      const kafka = await measureOnServers(folder);
      table.push(...rows('kafka', kafka));
      Object.assign(figures, figuresOf('kafka', kafka));
    }
    return { table, figures: { ...figures, seconds: LOAD.seconds } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureOnServers(folder: string): Promise<MeasuredSite> {
  await install(['kafka', 'elasticsearch']);
  const kafka = await startKafka();
  try {
    const elasticsearch = await startElasticsearch();
    try {
      return await measureSite({
        folder: await subfolder(folder, 'kafka'),
        load: LOAD,
        servers: { broker: kafka.broker, elasticsearch: elasticsearch.url },
        profile: PROFILE,
      });
    } finally {
      await elasticsearch.stop();
    }
  } finally {
    await kafka.stop();
  }
}

async function subfolder(folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  return path;
}

function rows(engine: string, { answered, alerts }: MeasuredSite) {
  return [row(`${engine}: request answered`, answered), row(`${engine}: alert told`, alerts)];
}

function row(name: string, measured: Measured) {
  return {
    what: name,
    'p50 ms': round2(measured.p50),
    'p99 ms': round2(measured.p99),
    'events/s': Math.round(measured.rate),
    'rss MiB': Math.round(measured.rss_mib),
    'late or lost': measured.lost,
  };
}

function figuresOf(engine: string, { answered, alerts, count }: MeasuredSite): Record<string, number> {
  return {
    [`${engine}_p50_ms`]: round2(alerts.p50),
    [`${engine}_p99_ms`]: round2(alerts.p99),
    [`${engine}_accepted_p50_ms`]: round2(answered.p50),
    [`${engine}_accepted_p99_ms`]: round2(answered.p99),
    [`${engine}_events_per_s`]: Math.round(alerts.rate),
    [`${engine}_alerts`]: count,
    [`${engine}_alerts_missing`]: alerts.lost,
    [`${engine}_rss_mib`]: Math.round(alerts.rss_mib),
  };
}

function wholeNumber(name: string, standard: number): number {
  const value = Number(process.env[name] ?? standard);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a whole number above 0`);
  return value;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
