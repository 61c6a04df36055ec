/** Proves that each real component that other tests lean on starts, does its one thing, and ends. */
import { createSocket } from 'node:dgram';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { chromiumLaunch } from '../services/chromium.ts';
import { findFreePorts } from '../services/free-port.ts';
import { startKubeApiserver } from '../services/kube-apiserver.ts';
import { exportFlows } from '../services/pmacct.ts';
import { requireProgram } from '../services/programs.ts';
import { requireReal } from '../services/require-real.ts';
import { startRsyslog } from '../services/rsyslog.ts';
import { runTrivy } from '../services/trivy.ts';
import { waitUntil } from '../services/wait-until.ts';

async function getText(url: string, ca: string, token: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { ca, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

async function collectBodies(): Promise<{ url: string; bodies: string[]; close: () => void }> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push(Buffer.concat(chunks).toString('utf8'));
      response.end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, bodies, close: () => server.close() };
}

describe('the real components', () => {
  test('kube-apiserver answers over TLS and writes its audit log', { timeout: 120_000 }, async (context) => {
    requireReal(context, 'etcd', 'kube-apiserver', 'openssl');
    const server = await startKubeApiserver();
    try {
      const ca = await readFile(server.caFile, 'utf8');
      const answer: unknown = JSON.parse(await getText(`${server.url}/api/v1/namespaces`, ca, server.token));
      expect(answer).toMatchObject({ kind: 'NamespaceList' });
      await waitUntil({
        what: 'the audit log names the request',
        timeout_ms: 5_000,
        holds: async () => (await readFile(server.auditLogPath, 'utf8')).includes('/api/v1/namespaces'),
      });
    } finally {
      await server.stop();
    }
  });

  test('kube-apiserver sends its audit events to a webhook', { timeout: 120_000 }, async (context) => {
    requireReal(context, 'etcd', 'kube-apiserver', 'openssl');
    const hook = await collectBodies();
    const server = await startKubeApiserver({ auditWebhookUrl: hook.url });
    try {
      const ca = await readFile(server.caFile, 'utf8');
      await getText(`${server.url}/api/v1/pods`, ca, server.token);
      await waitUntil({
        what: 'the webhook was called',
        timeout_ms: 15_000,
        holds: () => hook.bodies.some((body) => body.includes('/api/v1/pods') && body.includes('EventList')),
      });
      expect(hook.bodies[0]).toContain('"kind":"EventList"');
    } finally {
      await server.stop();
      hook.close();
    }
  });

  test('rsyslogd takes a line over TCP and sends it on to an Elasticsearch bulk address', {
    timeout: 60_000,
  }, async (context) => {
    requireReal(context, 'rsyslogd', 'rsyslog-elasticsearch');
    const hook = await collectBodies();
    const [port] = (await findFreePorts(1)) as [number];
    const bulk = new URL(hook.url).port;
    const rsyslog = await startRsyslog({
      ready_port: port,
      config: `module(load="imtcp")
module(load="omelasticsearch")
input(type="imtcp" port="${port}" address="127.0.0.1")
template(name="doc" type="string" string="{\\"message\\":\\"%msg:::json%\\"}")
action(type="omelasticsearch" server="127.0.0.1" serverport="${bulk}" template="doc" bulkmode="on" searchType="")`,
    });
    try {
      const socket = createConnection({ host: '127.0.0.1', port });
      socket.end('<34>1 2026-01-01T00:00:00Z host app - - - picket was here\n');
      await waitUntil({
        what: 'rsyslog sent a bulk request',
        timeout_ms: 20_000,
        holds: () => hook.bodies.some((body) => body.includes('picket was here')),
      });
      expect(hook.bodies.join('')).toContain('{"index":');
    } finally {
      await rsyslog.stop();
      hook.close();
    }
  });

  for (const version of [5, 9, 10] as const) {
    test(`pmacctd exports the flows of a pcap as version ${version}`, {
      timeout: 60_000,
    }, async (context) => {
      requireReal(context, 'pmacctd', 'pcaps');
      const socket = createSocket('udp4');
      const versions: number[] = [];
      socket.on('message', (datagram) => versions.push(datagram.readUInt16BE(0)));
      await new Promise<void>((resolve) => {
        socket.bind(0, '127.0.0.1', resolve);
      });
      try {
        const { port } = socket.address();
        await exportFlows({
          pcapFile: requireProgram('pcaps'),
          version,
          receiver: { host: '127.0.0.1', port },
        });
        await waitUntil({ what: 'a datagram came', timeout_ms: 5_000, holds: () => versions.length > 0 });
        expect(new Set(versions)).toEqual(new Set([version]));
      } finally {
        socket.close();
      }
    });
  }

  test('Trivy finds a secret in a folder', { timeout: 120_000 }, async (context) => {
    requireReal(context, 'trivy');
    const folder = await mkdtemp(join(tmpdir(), 'picket-trivy-'));
    try {
      // A made-up key of the right shape, put together here so that no scanner finds it in our own source.
      const key = ['AKIA', 'QYLPMN5HFIQR7XYA'].join('');
      await writeFile(join(folder, 'deploy.sh'), `export AWS_ACCESS_KEY_ID=${key}\n`);
      const report: unknown = JSON.parse(await runTrivy({ target: { folder } }));
      expect(report).toMatchObject({ SchemaVersion: 2, Results: [{ Class: 'secret' }] });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('Chromium renders a page', { timeout: 90_000 }, async (context) => {
    requireReal(context, 'chromium');
    const { executablePath, args } = chromiumLaunch();
    const page = 'data:text/html,<p id="a"></p><script>a.textContent=6*7</script>';
    const { stdout } = await execa(executablePath, [...args, '--dump-dom', page], { timeout: 60_000 });
    expect(stdout).toContain('<p id="a">42</p>');
  });

  test('nft checks a ruleset without loading it', { timeout: 60_000 }, async (context) => {
    requireReal(context, 'nft');
    const ruleset = 'table inet picket_test {\n  set deny { type ipv4_addr; flags timeout; }\n}\n';
    const checked = await execa(requireProgram('nft'), ['-c', '-f', '-'], {
      input: ruleset,
      timeout: 10_000,
    });
    expect(checked.exitCode).toBe(0);
  });
});
