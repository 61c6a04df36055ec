// Record in to alert out on one edge process, against a bare server that only parses and syncs the same requests.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../test/services/free-port.ts';
import { followAlerts } from './alert-latency/follow-alerts.ts';
import { makeRequests } from './alert-latency/make-requests.ts';
import { type Answered, sendAtRate } from './alert-latency/send-at-rate.ts';

export const description =
  'record in to alert out on one edge process (embedded engines), p50 and p99, against parsing and syncing alone';

/** Events a second and seconds measured; the first `WARM_UP_S` are sent and not counted. */
const RATE = wholeNumber('PICKET_BENCH_RATE', 1_000);
const SECONDS = wholeNumber('PICKET_BENCH_SECONDS', 20);
const WARM_UP_S = 5;
/** Real senders hand over what they gathered: ten requests a second. */
const REQUESTS_PER_S = 10;
/** One event in so many matches, each for a key of its own: an alert of its own. */
const PROBE_EVERY = 100;
const PROBE_RULE_ID = '4f6b7f0a-2a1c-4f2e-9d52-6f3f0c8e7a10';
/** With this set, the site's CPU profile is left there. */
const PROFILE_FOLDER = process.env['PICKET_BENCH_PROFILE'];
const PROGRAM = join(import.meta.dirname, '..');

export async function run({ progress }: { progress: (line: string) => void }) {
  const folder = await mkdtemp(join(tmpdir(), 'picket-latency-'));
  try {
    progress(`bound: JSON.parse and fdatasync, ${RATE} events/s for ${SECONDS} s`);
    const bound = await measureBound(folder);
    progress(`picket: one edge process, ${RATE} events/s for ${SECONDS} s`);
    const site = await measureSite(folder);
    const row = (name: string, measured: Measured) => ({
      what: name,
      'p50 ms': round2(measured.p50),
      'p99 ms': round2(measured.p99),
      'events/s': Math.round(measured.rate),
      'rss MiB': Math.round(measured.rss_mib),
      'late or lost': measured.lost,
    });
    return {
      table: [
        row('bound: request answered', bound),
        row('picket: request answered', site.answered),
        row('picket: alert told', site.alerts),
      ],
      figures: {
        embedded_p50_ms: round2(site.alerts.p50),
        embedded_p99_ms: round2(site.alerts.p99),
        accepted_p50_ms: round2(site.answered.p50),
        accepted_p99_ms: round2(site.answered.p99),
        bound_p50_ms: round2(bound.p50),
        bound_p99_ms: round2(bound.p99),
        p50_ratio: round2(site.alerts.p50 / bound.p50),
        p99_ratio: round2(site.alerts.p99 / bound.p99),
        events_per_s: Math.round(site.alerts.rate),
        alerts: site.count,
        alerts_missing: site.alerts.lost,
        rss_mib: Math.round(site.alerts.rss_mib),
        seconds: SECONDS,
      },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Measured {
  readonly p50: number;
  readonly p99: number;
  /** Events a second that were sent. */
  readonly rate: number;
  readonly rss_mib: number;
  readonly lost: number;
}

async function measureBound(folder: string): Promise<Measured> {
  const child = fork(join(import.meta.dirname, 'alert-latency', 'bound-server.ts'), [
    join(folder, 'bound.log'),
  ]);
  try {
    const [url] = (await once(child, 'message')) as [string];
    const sent = await sendAtRate({ url, requests: requests(), per_second: REQUESTS_PER_S });
    const counted = sent.slice(WARM_UP_S * REQUESTS_PER_S);
    const rss_mib = await residentMiB(child);
    return { ...describe(counted.map(({ took_ms }) => took_ms)), rate: rateOf(sent), rss_mib, lost: 0 };
  } finally {
    await endChild(child);
  }
}

async function measureSite(folder: string): Promise<{ answered: Measured; alerts: Measured; count: number }> {
  const [ingestPort] = (await findFreePorts(1)) as [number];
  const configFile = await writeSite(folder, ingestPort);
  const child = fork(join(PROGRAM, 'server', 'picket.ts'), ['up', '--site', configFile], {
    execArgv: PROFILE_FOLDER === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${PROFILE_FOLDER}`],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  try {
    const [message] = (await once(child, 'message')) as [{ type: string; message?: string }];
    if (message.type !== 'ready') throw new Error(`the site did not start: ${message.message}`);
    const address = JSON.parse(await readFile(join(folder, 'data', 'api.json'), 'utf8')) as {
      url: string;
      token: string;
    };
    const follower = await followAlerts(address);
    const url = `http://127.0.0.1:${ingestPort}/ingest/v1/cluster`;
    const sent = await sendAtRate({ url, requests: requests(), per_second: REQUESTS_PER_S });
    const rss_mib = await residentMiB(child);
    // What is still under way has a moment to come; what has not by then counts as missing.
    await sleep(3_000);
    const told = await follower.finish(PROBE_RULE_ID);
    const warm = WARM_UP_S * REQUESTS_PER_S;
    const delays: number[] = [];
    let lost = 0;
    for (const [at, request] of sent.entries()) {
      if (at < warm) continue;
      for (const probe of request.probes) {
        const at_ms = told.get(probe);
        if (at_ms === undefined) lost++;
        else delays.push(at_ms - request.began_ms);
      }
    }
    const answered = describe(sent.slice(warm).map(({ took_ms }) => took_ms));
    const rate = rateOf(sent);
    return {
      answered: { ...answered, rate, rss_mib, lost: 0 },
      alerts: { ...describe(delays), rate, rss_mib, lost },
      count: delays.length,
    };
  } finally {
    await endChild(child);
  }
}

function requests() {
  return makeRequests({
    recording: join(PROGRAM, 'demo', 'recordings', 'kubernetes-audit.ndjson'),
    count: (SECONDS + WARM_UP_S) * REQUESTS_PER_S,
    events_each: Math.round(RATE / REQUESTS_PER_S),
    probe_every: PROBE_EVERY,
  });
}

/** An edge site with the rules of `rules/` and one of the bench's own, which the probes match. */
async function writeSite(folder: string, ingestPort: number): Promise<string> {
  const rules = join(folder, 'probe-rules');
  await mkdir(rules, { recursive: true });
  await writeFile(
    join(rules, 'probe.yml'),
    `title: Probe of the latency bench
id: ${PROBE_RULE_ID}
status: test
description: A secret whose name the bench made up is read.
logsource: { product: kubernetes, service: audit }
detection:
  selection: { verb: get, objectRef.resource: secrets, objectRef.name|startswith: probe- }
  condition: selection
level: medium
`,
  );
  const data = join(folder, 'data');
  const file = join(folder, 'site.yaml');
  const configuration = {
    tenant: 'bench',
    site: { id: 'bench-edge', tier: 'edge', jurisdiction: 'eu-fr' },
    data,
    listen: { port: 0 },
    ingest: { port: ingestPort },
    sources: [
      {
        id: 'cluster',
        format: 'kubernetes-audit',
        receivers: [{ type: 'http' }],
        access: { addresses: ['127.0.0.0/8'] },
        rate_per_s: 1_000_000,
        parameters: { cluster: 'bench' },
      },
    ],
    content: { rules: [join(PROGRAM, 'rules', 'sigma'), join(PROGRAM, 'rules', 'correlation'), rules] },
    log: { level: 'info', file: join(data, 'picket.log') },
  };
  await writeFile(file, JSON.stringify(configuration));
  return file;
}

function describe(values: readonly number[]): { p50: number; p99: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (rank: number): number => sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/** Events a second from the first request's beginning to the last one's answer. */
function rateOf(sent: readonly Answered[]): number {
  const first = sent[0]?.began_ms ?? 0;
  const last = Math.max(...sent.map(({ began_ms, took_ms }) => began_ms + took_ms));
  return (sent.length * Math.round(RATE / REQUESTS_PER_S)) / ((last - first) / 1_000);
}

/** Memory that the process holds now, from Linux's /proc; NaN elsewhere. */
async function residentMiB(child: ChildProcess): Promise<number> {
  try {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
  } catch {
    return Number.NaN;
  }
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

function wholeNumber(name: string, standard: number): number {
  const value = Number(process.env[name] ?? standard);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a whole number above 0`);
  return value;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
