// An embedded centre with alerts, incidents, postures and dead letters, moved to real Kafka and Elasticsearch through kill -9, and taken up there.
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Alert } from '../../../platform/core/alert.ts';
import { type Elasticsearch, startElasticsearch } from '../../services/elasticsearch.ts';
import { findFreePorts } from '../../services/free-port.ts';
import { type Kafka, startKafka } from '../../services/kafka.ts';
import { isRealRun, requireReal } from '../../services/require-real.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { onServers, writeSite } from '../site-files.ts';
import {
  clientOf,
  type Finished,
  makeFolder,
  type RunningPicket,
  runPicket,
  startPicket,
} from '../start-picket.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const RECORDINGS = join(ROOT, 'demo', 'recordings');
const PROGRAM = join(ROOT, 'server', 'picket.ts');
const { folder, remove } = makeFolder();
/** Events of one host beside those of the recordings, so that there are many blocks. */
const MADE = 20_000;

interface Seen {
  readonly events: number;
  readonly datasets: unknown;
  readonly alerts: readonly Alert[];
  readonly incidents: readonly { id: string; alerts: readonly { id: string }[] }[];
  readonly sites: readonly { id: string }[];
  readonly letters: readonly { code: string; replayed: boolean }[];
}

interface Report {
  readonly faults: number;
  readonly finished_before: readonly string[];
  readonly records?: { created: number; same: number; conflicts: number };
  readonly events?: {
    verified: readonly {
      dataset: string;
      events: number;
      found: number;
      compared: number;
      differing: number;
    }[];
  };
  readonly bus?: { dead_letters: number; signals: number };
}

describe('picket migrate', { timeout: 480_000 }, () => {
  let kafka: Kafka;
  let elasticsearch: Elasticsearch;
  let site: RunningPicket | undefined;
  let file = '';
  let data = '';
  const more = async (): Promise<Record<string, unknown>> => ({
    link: { port: (await findFreePorts(1))[0] },
    sources: [
      { id: 'falco', format: 'falco' },
      { id: 'kubernetes', format: 'kubernetes-audit', parameters: { cluster: 'lyon' } },
      { id: 'windows', format: 'windows' },
      { id: 'ecs', format: 'ecs' },
    ],
  });
  beforeAll(async () => {
    if (!isRealRun()) return;
    [kafka, elasticsearch] = await Promise.all([startKafka(), startElasticsearch()]);
    ({ file, data } = writeSite({ folder, tier: 'centre', more: await more() }));
  }, 240_000);
  beforeEach((context) => requireReal(context, 'java', 'kafka', 'jdk', 'elasticsearch'));
  afterAll(async () => {
    await site?.stop();
    await elasticsearch?.stop();
    await kafka?.stop();
    remove();
  });

  const see = async (): Promise<Seen> => {
    const api = clientOf(data);
    const [{ count }, { values }, { alerts }, { incidents }, { sites }, { dead_letters }] = await Promise.all(
      [
        api.call<{ count: number }>('POST', '/api/v1/search/count', {}),
        api.call<{ values: unknown }>('POST', '/api/v1/search/top-values', {
          field: 'event.dataset',
          limit: 10,
        }),
        api.call<{ alerts: Alert[] }>('GET', '/api/v1/alerts?limit=1000'),
        api.call<{ incidents: Seen['incidents'] }>('GET', '/api/v1/incidents?limit=1000'),
        api.call<{ sites: Seen['sites'] }>('GET', '/api/v1/sites'),
        api.call<{ dead_letters: Seen['letters'] }>('GET', '/api/v1/dead-letters'),
      ],
    );
    return { events: count, datasets: values, alerts, incidents, sites, letters: dead_letters };
  };
  /** Sees what stands when nothing has moved for a while. */
  const seeStill = async (least: number): Promise<Seen> => {
    let before = '';
    let seen = await see();
    await waitUntil({
      what: `${least} events and what follows stand still`,
      timeout_ms: 120_000,
      interval_ms: 3_000,
      holds: async () => {
        seen = await see();
        const now = JSON.stringify(summary(seen));
        const still = now === before && seen.events >= least;
        before = now;
        return still;
      },
    });
    return seen;
  };
  const replay = async (recording: string, source: string): Promise<void> => {
    const end = await runPicket(['replay', recording, '--source', source, '--data', data, '--json']);
    expect(end.stderr).toBe('');
  };
  /** Runs it; when it says something that fits, `act` comes, after so many ms. */
  const migrateUntil = (
    said: RegExp,
    wait_ms: number,
    act: (child: ChildProcess) => unknown,
  ): Promise<Finished> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [PROGRAM, 'migrate', '--site', file, '--json'], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [stdout, stderr, acted] = ['', '', false];
      child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()));
      child.stderr.on('data', (piece: Buffer) => {
        stderr += piece.toString();
        if (acted || !said.test(stderr)) return;
        acted = true;
        setTimeout(() => act(child), wait_ms);
      });
      child.once('close', (code) => resolve({ code: code ?? undefined, stdout, stderr }));
    });

  test('ends with every record and event once after kills at any point, and the site goes on where it was', async () => {
    site = await startPicket(['up', '--site', file]);
    const made = join(folder, 'made.ndjson');
    writeFileSync(
      made,
      Array.from({ length: MADE }, (_, at) => `${JSON.stringify(madeEvent(at))}\n`).join(''),
    );
    const broken = join(folder, 'broken.ndjson');
    writeFileSync(broken, '{"truncated":\n');
    await replay(join(RECORDINGS, 'falco.ndjson'), 'falco');
    await replay(join(RECORDINGS, 'kubernetes-audit.ndjson'), 'kubernetes');
    await replay(made, 'ecs');
    await runPicket(['replay', broken, '--source', 'falco', '--data', data]);
    // A first one is fed in again and marked, a second one is not.
    await runPicket(['dead-letters', 'replay', '--data', data]);
    await runPicket(['sites', 'new', 'lyon', '--tier', 'edge', '--jurisdiction', 'eu-fr', '--data', data]);
    const first = await seeStill(MADE + 200);
    expect(first.alerts.length).toBeGreaterThan(3);
    expect(first.incidents.length).toBeGreaterThan(0);
    await clientOf(data).call('PATCH', `/api/v1/alerts/${first.alerts[0]?.id}`, { status: 'acknowledged' });
    const before = await seeStill(MADE + 200);
    // Without a farewell: what stages had not worked waits on the bus.
    await site.kill();
    site = undefined;

    writeSite({
      folder,
      tier: 'centre',
      more: {
        ...(await more()),
        ...onServers({ broker: kafka.broker, elasticsearch: elasticsearch.url }),
        // With as many partitions as there are unless someone says otherwise.
        bus: { engine: 'kafka', brokers: [kafka.broker], topics: { replication_factor: 1 } },
      },
    });
    const preview = await runPicket(['migrate', '--site', file, '--dry-run', '--json']);
    const { findings } = JSON.parse(preview.stdout) as { findings: { state: string }[] };
    expect(findings.filter(({ state }) => state === 'problem')).toEqual([]);
    expect(preview.code).toBe(0);
    // Killed as each step begins or ends, and in the middle of the long one. What is finished is not begun again.
    const steps = ['signals: moving', 'signals: \\d', 'dead letters: \\d', 'records: moving', 'records: \\d'];
    const last = 'events: .* to move';
    const kill = (child: ChildProcess) => child.kill('SIGKILL');
    for (const at of steps.keys()) {
      const here = new RegExp([...steps.slice(at), last].join('|'));
      expect((await migrateUntil(here, 7 * at, kill)).code).toBeUndefined();
    }
    expect((await migrateUntil(new RegExp(last), 0, (child) => child.kill('SIGINT'))).stderr).toContain(
      'MIGRATE_INTERRUPTED',
    );
    for (const wait of [150, 300]) await migrateUntil(new RegExp(last), wait, kill);
    const end = await migrateUntil(new RegExp(last), 100, async () => {
      await elasticsearch.kill();
      await elasticsearch.start();
    });
    const report = JSON.parse(end.stdout) as Report;
    expect({ code: end.code, faults: report.faults }).toEqual({ code: 0, faults: 0 });
    const again = JSON.parse((await runPicket(['migrate', '--site', file, '--json'])).stdout) as Report;
    expect(again.finished_before).toEqual(['bus', 'records', 'events']);

    site = await startPicket(['up', '--site', file]);
    const after = await seeStill(MADE + 200);
    expect(summary(after)).toEqual(summary(before));

    // The same records once more are known; new ones are detected.
    await replay(join(RECORDINGS, 'falco.ndjson'), 'falco');
    await replay(made, 'ecs');
    const repeated = await seeStill(MADE + 200);
    expect(summary(repeated)).toEqual(summary(before));
    await replay(join(RECORDINGS, 'windows.ndjson'), 'windows');
    const more_alerts = await seeStill(before.events + 1);
    const ids = new Set(more_alerts.alerts.map(({ id }) => id));
    expect(ids.size).toBe(more_alerts.alerts.length);
    expect(ids.size).toBeGreaterThan(before.alerts.length);
    for (const { id } of before.alerts) expect(ids).toContain(id);
  });
});

/** What a person sees, without what counts work. */
function summary({ events, datasets, alerts, incidents, sites, letters }: Seen) {
  return {
    events,
    datasets,
    alerts: alerts.map((alert) => ({ ...alert, revision: undefined })).sort((a, b) => (a.id < b.id ? -1 : 1)),
    incidents: incidents
      .map(({ id, alerts: of }) => ({ id, alerts: of.map((alert) => alert.id).sort() }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    sites: sites.map(({ id }) => id),
    letters: letters.map(({ code, replayed }) => ({ code, replayed })),
  };
}

function madeEvent(at: number): object {
  const day = Date.UTC(2026, 10, 1 + (at % 21));
  return {
    '@timestamp': new Date(day + at * 1_000).toISOString(),
    event: {
      kind: 'event',
      category: ['process'],
      type: ['info'],
      dataset: 'system.syslog',
      module: 'system',
    },
    host: { name: `host-${at % 50}` },
    process: { name: 'cron', pid: at },
    message: `(root) CMD (run-parts /etc/cron.hourly) number ${at}`,
  };
}
