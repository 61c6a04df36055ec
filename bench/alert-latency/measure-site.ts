// One site under load: recorded audit events by HTTP at a fixed pace, and how long each alert takes to be told over the API.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePorts } from '../../test/services/free-port.ts';
import { followAlerts } from './follow-alerts.ts';
import { makeRequests } from './make-requests.ts';
import { type Answered, sendAtRate } from './send-at-rate.ts';

/** Seconds that are sent first and not counted. */
const WARM_UP_S = 5;
/** Real senders hand over what they gathered: ten requests a second. */
const REQUESTS_PER_S = 10;
/** One event in so many matches, each for a key of its own: an alert of its own. */
const PROBE_EVERY = 100;
const PROBE_RULE_ID = '4f6b7f0a-2a1c-4f2e-9d52-6f3f0c8e7a10';
const PROGRAM = join(import.meta.dirname, '../..');

export interface Load {
  /** Events a second. */
  readonly rate: number;
  /** Seconds that are counted. */
  readonly seconds: number;
}

/** Servers in place of the embedded engines. */
export interface Servers {
  /** `host:port` of a broker. */
  readonly broker: string;
  readonly elasticsearch: string;
}

export interface Measured {
  readonly p50: number;
  readonly p99: number;
  /** Events a second that were sent. */
  readonly rate: number;
  readonly rss_mib: number;
  readonly lost: number;
}

export interface MeasuredSite {
  /** Requests, to their answer. */
  readonly answered: Measured;
  /** Probes, from the sending of their request to the change told over server-sent events. */
  readonly alerts: Measured;
  readonly count: number;
}

/** A bare server that parses and syncs the same requests. */
export async function measureBound(folder: string, load: Load): Promise<Measured> {
  const child = fork(join(import.meta.dirname, 'bound-server.ts'), [join(folder, 'bound.log')]);
  try {
    const [url] = (await once(child, 'message')) as [string];
    const sent = await sendAtRate({ url, requests: requestsOf(load), per_second: REQUESTS_PER_S });
    const counted = sent.slice(WARM_UP_S * REQUESTS_PER_S);
    const rss_mib = await residentMiB(child);
    return { ...describe(counted.map(({ took_ms }) => took_ms)), rate: rateOf(sent, load), rss_mib, lost: 0 };
  } finally {
    await endChild(child);
  }
}

/** @throws Error when the site does not start or refuses a request */
export async function measureSite(options: {
  /** Of this measurement alone. */
  folder: string;
  load: Load;
  servers?: Servers;
  /** Where the site's CPU profile goes, if anywhere. */
  profile: string | undefined;
}): Promise<MeasuredSite> {
  const { folder, load, servers, profile } = options;
  const [ingestPort] = (await findFreePorts(1)) as [number];
  const configFile = await writeSite({ folder, ingestPort, servers });
  const child = fork(join(PROGRAM, 'server', 'picket.ts'), ['up', '--site', configFile], {
    execArgv: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`],
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
    const sent = await sendAtRate({ url, requests: requestsOf(load), per_second: REQUESTS_PER_S });
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
    const rate = rateOf(sent, load);
    return {
      answered: { ...answered, rate, rss_mib, lost: 0 },
      alerts: { ...describe(delays), rate, rss_mib, lost },
      count: delays.length,
    };
  } finally {
    await endChild(child);
  }
}

function requestsOf({ rate, seconds }: Load) {
  return makeRequests({
    recording: join(PROGRAM, 'demo', 'recordings', 'kubernetes-audit.ndjson'),
    count: (seconds + WARM_UP_S) * REQUESTS_PER_S,
    events_each: Math.round(rate / REQUESTS_PER_S),
    probe_every: PROBE_EVERY,
  });
}

/** A site without parent, with the rules of `rules/` and one of the bench's own, which the probes match. */
async function writeSite(options: {
  folder: string;
  ingestPort: number;
  servers: Servers | undefined;
}): Promise<string> {
  const { folder, ingestPort, servers } = options;
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
    site: { id: 'bench-site', tier: servers ? 'centre' : 'edge', jurisdiction: 'eu-fr' },
    data,
    ...(servers
      ? {
          bus: { engine: 'kafka', brokers: [servers.broker] },
          elasticsearch: { nodes: [servers.elasticsearch] },
          index: { engine: 'elasticsearch', replicas: 0 },
          records: { engine: 'elasticsearch', replicas: 0 },
        }
      : {}),
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
function rateOf(sent: readonly Answered[], { rate }: Load): number {
  const first = sent[0]?.began_ms ?? 0;
  const last = Math.max(...sent.map(({ began_ms, took_ms }) => began_ms + took_ms));
  return (sent.length * Math.round(rate / REQUESTS_PER_S)) / ((last - first) / 1_000);
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
