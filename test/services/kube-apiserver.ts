/** Runs a real kube-apiserver over a real etcd on free loopback ports, with audit to a file or a webhook. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { findFreePorts } from './free-port.ts';
import { requireProgram } from './programs.ts';
import { type RunningProcess, startProcess } from './running-process.ts';
import { waitUntil } from './wait-until.ts';

/** A person or program with a static token. */
export interface KubernetesUser {
  name: string;
  token: string;
  groups: readonly string[];
}

export interface KubeApiserver {
  /** `https://127.0.0.1:<port>` */
  url: string;
  /** The token of `picket-admin`, a member of system:masters. */
  token: string;
  /** The certificate (PEM) that the server's certificate is checked against. */
  caFile: string;
  /** JSON lines, one audit.k8s.io/v1 Event each; written unless a webhook was asked for. */
  auditLogPath: string;
  stop: () => Promise<void>;
}

/** Everything at RequestResponse, except bodies of secrets and the server's own chatter. */
export const defaultAuditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: ['system:apiserver']
  - level: None
    nonResourceURLs: ['/livez*', '/readyz*', '/healthz*', '/openapi/*']
  - level: Metadata
    resources: [{ group: '', resources: [secrets, configmaps, serviceaccounts/token] }]
  - level: RequestResponse
`;

const adminToken = 'picket-admin-token';

async function writeCertificate(folder: string): Promise<{ certificate: string; key: string }> {
  const certificate = join(folder, 'tls.crt');
  const key = join(folder, 'tls.key');
  const openssl = requireProgram('openssl');
  const subject = [
    '-subj',
    '/CN=picket-test-apiserver',
    '-addext',
    'subjectAltName=IP:127.0.0.1,DNS:localhost',
  ];
  await execa(
    openssl,
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '30',
      '-keyout',
      key,
      '-out',
      certificate,
      ...subject,
    ],
    { timeout: 30_000 },
  );
  await execa(openssl, ['genrsa', '-out', join(folder, 'service-account.key'), '2048'], { timeout: 30_000 });
  return { certificate, key };
}

async function answers(url: string, ca: string): Promise<boolean> {
  const { hostname, port, pathname } = new URL(url);
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${adminToken}` };
    const asked = request({ hostname, port, path: pathname, ca, headers, timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('error', () => resolve(false));
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}

async function auditArguments(
  folder: string,
  webhookUrl: string | undefined,
  webhook: { token?: string | undefined; caFile?: string | undefined },
): Promise<string[]> {
  const { token: webhookToken, caFile } = webhook;
  if (webhookUrl === undefined) return [`--audit-log-path=${join(folder, 'audit.log')}`];
  const path = join(folder, 'audit-webhook.json');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'picket',
        cluster: { server: webhookUrl, ...(caFile === undefined ? {} : { 'certificate-authority': caFile }) },
      },
    ],
    ...(webhookToken === undefined ? {} : { users: [{ name: 'apiserver', user: { token: webhookToken } }] }),
    contexts: [
      {
        name: 'picket',
        context: { cluster: 'picket', user: webhookToken === undefined ? '' : 'apiserver' },
      },
    ],
    'current-context': 'picket',
  };
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return [`--audit-webhook-config-file=${path}`, '--audit-webhook-batch-max-wait=200ms'];
}

/**
 * Starts etcd and kube-apiserver; ready in a few seconds. Needs etcd, kube-apiserver and openssl.
 * Rejects with the end of their output when one ends early or is not ready within `timeout_ms` (60 s).
 */
export async function startKubeApiserver(
  options: {
    users?: readonly KubernetesUser[];
    auditPolicy?: string;
    auditWebhookUrl?: string;
    /** Sent to the webhook as Bearer, from the `users` of its kubeconfig; Kubernetes sends it over https only. */
    auditWebhookToken?: string;
    /** What the webhook's own certificate is checked against. */
    auditWebhookCaFile?: string;
    timeout_ms?: number;
    signal?: AbortSignal;
  } = {},
): Promise<KubeApiserver> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-kube-'));
  const processes: RunningProcess[] = [];
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const stop = async (): Promise<void> => {
    for (const running of processes.reverse()) await running.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [clientPort, peerPort, port] = (await findFreePorts(3)) as [number, number, number];
    const { certificate, key } = await writeCertificate(folder);
    const ca = await readFile(certificate, 'utf8');
    const users = [
      { name: 'picket-admin', token: adminToken, groups: ['system:masters'] },
      ...(options.users ?? []),
    ];
    const rows = users.map(({ token, name, groups }) => `${token},${name},${name},"${groups.join(',')}"\n`);
    await writeFile(join(folder, 'tokens.csv'), rows.join(''), { mode: 0o600 });
    await writeFile(join(folder, 'audit-policy.yaml'), options.auditPolicy ?? defaultAuditPolicy);
    const etcdUrl = `http://127.0.0.1:${clientPort}`;
    const peerUrl = `http://127.0.0.1:${peerPort}`;
    processes.push(
      startProcess({
        file: requireProgram('etcd'),
        args: [
          `--data-dir=${join(folder, 'etcd')}`,
          `--listen-client-urls=${etcdUrl}`,
          `--advertise-client-urls=${etcdUrl}`,
          `--listen-peer-urls=${peerUrl}`,
          `--initial-advertise-peer-urls=${peerUrl}`,
          `--initial-cluster=default=${peerUrl}`,
        ],
        ...signal,
      }),
      startProcess({
        file: requireProgram('kube-apiserver'),
        args: [
          `--etcd-servers=${etcdUrl}`,
          '--bind-address=127.0.0.1',
          `--secure-port=${port}`,
          `--tls-cert-file=${certificate}`,
          `--tls-private-key-file=${key}`,
          `--service-account-key-file=${join(folder, 'service-account.key')}`,
          `--service-account-signing-key-file=${join(folder, 'service-account.key')}`,
          '--service-account-issuer=https://kubernetes.default.svc',
          '--service-cluster-ip-range=10.96.0.0/16',
          `--token-auth-file=${join(folder, 'tokens.csv')}`,
          '--authorization-mode=RBAC',
          '--allow-privileged=true',
          '--disable-admission-plugins=ServiceAccount',
          `--audit-policy-file=${join(folder, 'audit-policy.yaml')}`,
          ...(await auditArguments(folder, options.auditWebhookUrl, {
            token: options.auditWebhookToken,
            caFile: options.auditWebhookCaFile,
          })),
        ],
        ...signal,
      }),
    );
    const url = `https://127.0.0.1:${port}`;
    await waitUntil({
      what: 'kube-apiserver is ready',
      timeout_ms: options.timeout_ms ?? 60_000,
      ...signal,
      holds: async () => {
        const fallen = processes.find((running) => running.ended());
        if (fallen !== undefined) throw new Error(`ended early:\n${fallen.said()}`);
        return answers(`${url}/readyz`, ca);
      },
    });
    return { url, token: adminToken, caFile: certificate, auditLogPath: join(folder, 'audit.log'), stop };
  } catch (error) {
    const said = processes.map((running) => running.said().slice(-2_000)).join('\n');
    await stop();
    throw new Error(`kube-apiserver did not start\n${said}`, { cause: error });
  }
}
