/** Real senders through real receivers and the real intake onto a real bus: what was sent stands there once. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { startNetflowUdpReceiver } from '../../ingest/receivers/netflow-udp.ts';
import { startHttpReceivers } from '../../ingest/receivers/start-http-receivers.ts';
import { systemClock } from '../../platform/core/clock.ts';
import { readText } from '../../platform/core/fields.ts';
import { silentLogger } from '../../platform/core/log.ts';
import { type RunningIntake, startIntake } from '../ingest/start-intake.ts';
import { startKubeApiserver } from '../services/kube-apiserver.ts';
import { exportFlows } from '../services/pmacct.ts';
import { requireProgram } from '../services/programs.ts';
import { requireReal } from '../services/require-real.ts';
import { waitUntil } from '../services/wait-until.ts';

let running: RunningIntake | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const TOKEN = 'the-token-of-the-cluster';
const REQUESTS = 40;

/** One request to kube-apiserver; resolves with the status. */
function ask(options: { url: string; ca: string; token: string; body?: string }): Promise<number> {
  const { url, ca, token, body } = options;
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const asked = request(url, { ca, headers, method: body ? 'POST' : 'GET' }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

describe('from real senders to the bus', () => {
  test('kube-apiserver’s audit webhook, with the token of its kubeconfig: every request is one event', {
    timeout: 120_000,
  }, async (context) => {
    requireReal(context, 'etcd', 'kube-apiserver', 'openssl');
    running = await startIntake([
      {
        id: 'cluster-audit',
        format: 'kubernetes-audit',
        receivers: [{ type: 'http' }],
        access: { token: TOKEN },
        parameters: { cluster: 'plant-7' },
      },
    ]);
    const started = running;
    const { intake, counters } = started;
    const folder = await mkdtemp(join(tmpdir(), 'picket-webhook-'));
    const caFile = join(folder, 'tls.crt');
    const keyFile = join(folder, 'tls.key');
    const subject = ['-subj', '/CN=picket', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const made = [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      keyFile,
      '-out',
      caFile,
    ];
    await execa(requireProgram('openssl'), [...made, ...subject], { timeout: 30_000 });
    const http = await startHttpReceivers({
      host: '127.0.0.1',
      port: 0,
      tls: { certificate: await readFile(caFile, 'utf8'), key: await readFile(keyFile, 'utf8') },
      intake,
      clock: systemClock,
      logger: silentLogger,
    });
    const cluster = await startKubeApiserver({
      auditWebhookUrl: `https://127.0.0.1:${http.port}/ingest/v1/cluster-audit`,
      auditWebhookToken: TOKEN,
      auditWebhookCaFile: caFile,
    });
    try {
      const ca = await readFile(cluster.caFile, 'utf8');
      const asked: string[] = [];
      for (let nth = 0; nth < REQUESTS; nth++) {
        const path = `/api/v1/namespaces/default/configmaps?labelSelector=nth%3D${nth}`;
        expect(await ask({ url: cluster.url + path, ca, token: cluster.token })).toBe(200);
        asked.push(path);
      }
      const path = '/api/v1/namespaces/default/pods';
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'shell' } };
      const spec = {
        containers: [{ name: 'shell', image: 'alpine:3.10', securityContext: { privileged: true } }],
      };
      const body = JSON.stringify({ ...pod, spec });
      expect(await ask({ url: cluster.url + path, ca, token: cluster.token, body })).toBe(201);
      asked.push(path);
      const found = async (): Promise<string[]> =>
        (await started.events()).map((event) => readText(event, 'url.original') ?? '');
      await waitUntil({
        what: 'every request came as an event',
        timeout_ms: 30_000,
        holds: async () => {
          const uris = await found();
          return asked.every((uri) => uris.includes(uri));
        },
      });
      const uris = await found();
      expect(asked.map((uri) => uris.filter((one) => one === uri).length)).toEqual(asked.map(() => 1));
      const all = await started.events();
      expect(new Set(all.map(({ event }) => event.id)).size).toBe(all.length);
      const creation = all.find((event) => readText(event, 'url.original') === path);
      expect(creation).toMatchObject({
        event: { action: 'create', outcome: 'success' },
        user: { name: 'picket-admin' },
        orchestrator: { cluster: { name: 'plant-7' }, resource: { type: 'pods' } },
        container: { image: { name: 'alpine:3.10' } },
        picket: { time: 'ok', class: 'control-plane-audit' },
      });
      expect(await started.deadLetters()).toEqual([]);
      expect(counters.total('receive', 'dropped:unauthorised')).toBe(0);
    } finally {
      await cluster.stop();
      await http.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  for (const version of [5, 9, 10] as const) {
    test(`pmacctd’s export of a capture, version ${version}: each of its ten flows is one event`, {
      timeout: 60_000,
    }, async (context) => {
      requireReal(context, 'pmacctd', 'pcaps');
      running = await startIntake([
        {
          id: 'router',
          format: 'netflow',
          receivers: [{ type: 'udp-netflow', port: 2055 }],
          access: { addresses: ['127.0.0.1'] },
        },
      ]);
      const started = running;
      const { intake, counters } = started;
      const source = intake.sources.get('router');
      const receiver = await startNetflowUdpReceiver({
        intake,
        sourceId: 'router',
        host: '127.0.0.1',
        port: 0,
        addresses: ['127.0.0.1'],
        limiter: source?.limiter,
        max_record_bytes: source?.max_record_bytes ?? 0,
        clock: systemClock,
      });
      try {
        await exportFlows({
          pcapFile: requireProgram('pcaps'),
          version,
          receiver: { host: '127.0.0.1', port: receiver.port },
        });
        await waitUntil({
          what: 'ten flows stand on the bus',
          timeout_ms: 10_000,
          holds: async () => (await started.events()).length >= 10,
        });
        const all = await started.events();
        expect(all).toHaveLength(10);
        expect(new Set(all.map(({ event }) => event.id)).size).toBe(10);
        expect(all.every((event) => readText(event, 'network.community_id') !== undefined)).toBe(true);
        expect(all.every(({ picket }) => picket.source.peer === '127.0.0.1')).toBe(true);
        expect(await started.deadLetters()).toEqual([]);
        const rejected = counters.snapshot().filter(({ reason }) => /^(rejected|dropped)/.test(reason));
        expect(rejected).toEqual([]);
      } finally {
        await receiver.close();
      }
    });
  }
});
