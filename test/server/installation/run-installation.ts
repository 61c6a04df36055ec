// One site as several processes on a real Kafka and a real Elasticsearch, each of which can be killed and started again.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Alert } from '../../../platform/core/alert.ts';
import type { StreamingClient } from '../../../server/commands/api-client.ts';
import { findFreePorts } from '../../services/free-port.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { onServers, writeSite } from '../site-files.ts';
import { clientOf, type RunningPicket, startPicket } from '../start-picket.ts';
import { type LoadRecord, RULES } from './audit-load.ts';

/** Records of one request. */
const AT_ONCE = 25;

export interface Installation {
  readonly data: string;
  /** Starts a process of these roles, by its name. */
  start(name: string, role: string): Promise<void>;
  kill(name: string): Promise<void>;
  stop(name: string): Promise<number | undefined>;
  running(): string[];
  /** Why a process is not ready; undefined when it does not answer. */
  readiness(name: string): Promise<readonly string[] | undefined>;
  /** Hands the records in, in order and over so long, each until it was acknowledged, whatever is killed meanwhile. */
  send(records: readonly LoadRecord[], options: { over_ms: number }): Promise<void>;
  /** How often records were refused for now (429). */
  refused(): number;
  /** The names of the records of a round that the index has, each as often as it has it. */
  indexed(round: string): Promise<string[]>;
  alerts(): Promise<Alert[]>;
  call: StreamingClient['call'];
  /** Records of events, signals and alerts that are not worked yet, as a metric of any process tells. */
  lag(): Promise<number>;
  end(): Promise<void>;
}

/** Writes the configuration of a site of the load's rules; without servers it is one on the embedded engines. */
export async function makeInstallation(options: {
  folder: string;
  servers?: { broker: string; elasticsearch: string; account?: { username: string; password: string } };
  /** Of every process. */
  environment?: Readonly<Record<string, string>>;
}): Promise<Installation> {
  const { folder, servers } = options;
  const [ingestPort] = (await findFreePorts(1)) as [number];
  const rules = join(folder, 'rules');
  mkdirSync(rules, { recursive: true });
  writeFileSync(join(rules, 'load.yml'), RULES);
  const { file, data } = writeSite({
    folder,
    tier: 'centre',
    more: {
      ingest: { port: ingestPort },
      sources: [
        {
          id: 'cluster',
          format: 'kubernetes-audit',
          receivers: [{ type: 'http' }],
          access: { addresses: ['127.0.0.0/8'] },
          rate_per_s: 100_000,
          // More than the bus takes, so that its limit is met.
          max_record_bytes: 30_000_000,
          parameters: { cluster: 'load' },
        },
      ],
      content: { rules: [rules] },
      ...(servers ? onServers(servers) : {}),
    },
  });
  const processes = new Map<string, { picket: RunningPicket; probe: string }>();
  const take = (name: string): RunningPicket => {
    const found = processes.get(name);
    if (!found) throw new Error(`no process ${name}`);
    processes.delete(name);
    return found.picket;
  };
  let refused = 0;
  const post = async (part: readonly LoadRecord[]): Promise<void> => {
    const body = part.map(({ line }) => `${line}\n`).join('');
    const url = `http://127.0.0.1:${ingestPort}/ingest/v1/cluster`;
    await waitUntil({
      what: 'the records are acknowledged',
      timeout_ms: 400_000,
      interval_ms: 250,
      holds: async () => {
        try {
          const response = await fetch(url, {
            method: 'POST',
            headers: { 'content-type': 'application/x-ndjson' },
            body,
          });
          await response.text();
          if (response.status === 429) refused++;
          if (response.status !== 200 && response.status !== 429 && response.status < 500)
            throw new Error(`refused with ${response.status}`);
          return response.status === 200;
        } catch (error) {
          // It is down: the sender keeps the records and tries again.
          if (error instanceof TypeError) return false;
          throw error;
        }
      },
    });
  };
  const call: StreamingClient['call'] = (...args) => clientOf(data).call(...args);
  return {
    data,
    async start(name, role) {
      const [port] = (await findFreePorts(1)) as [number];
      const picket = await startPicket(
        ['up', '--site', file, ...(role === 'all' ? [] : ['--role', role, '--instance', name])],
        {
          PICKET_CONFIG__metrics__prometheus__port: String(port),
          PICKET_CONFIG__log__file: join(folder, `${name}.log`),
          ...options.environment,
        },
      );
      processes.set(name, { picket, probe: `http://127.0.0.1:${port}` });
    },
    kill: (name) => take(name).kill(),
    stop: (name) => take(name).stop(),
    running: () => [...processes.keys()],
    async readiness(name) {
      const probe = processes.get(name)?.probe;
      if (probe === undefined) return undefined;
      const response = await fetch(`${probe}/readyz`);
      return ((await response.json()) as { reasons?: string[] }).reasons ?? [];
    },
    async send(records, { over_ms }) {
      const parts = Math.ceil(records.length / AT_ONCE);
      const began = performance.now();
      for (let at = 0; at < parts; at++) {
        await post(records.slice(at * AT_ONCE, (at + 1) * AT_ONCE));
        await sleep(Math.max(0, began + ((at + 1) * over_ms) / parts - performance.now()));
      }
    },
    refused: () => refused,
    async indexed(round) {
      const names: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await call<{
          events: { orchestrator?: { resource?: { name?: string } } }[];
          unanswered: string[];
          cursor?: string;
        }>('POST', '/api/v1/search', {
          query: `orchestrator.resource.name: ${round}-*`,
          limit: 1_000,
          ...(cursor === undefined ? {} : { cursor }),
        });
        if (page.unanswered.length > 0) throw new Error(`unanswered: ${page.unanswered.join(', ')}`);
        names.push(...page.events.map(({ orchestrator }) => orchestrator?.resource?.name ?? ''));
        cursor = page.cursor;
      } while (cursor !== undefined);
      return names;
    },
    async alerts() {
      const all: Alert[] = [];
      let cursor: string | undefined;
      do {
        const page = await call<{ alerts: Alert[]; cursor?: string }>(
          'GET',
          `/api/v1/alerts?limit=1000${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
        );
        all.push(...page.alerts);
        cursor = page.cursor;
      } while (cursor !== undefined);
      return all;
    },
    call,
    async lag() {
      const [first] = processes.values();
      const text = await (await fetch(`${first?.probe}/metrics`)).text();
      let sum = 0;
      for (const [, value] of text.matchAll(/^picket_bus_lag\{.*?\} (\S+)$/gm)) sum += Number(value);
      return sum;
    },
    async end() {
      for (const name of processes.keys()) await take(name).stop();
    },
  };
}
