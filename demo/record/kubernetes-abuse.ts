/** Records test/fixtures/kubernetes-audit/abuse-samples.ndjson: what an intruder or a careless engineer asks of a real kube-apiserver, and what honest people ask beside it. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { type KubernetesUser, startKubeApiserver } from '../../test/services/kube-apiserver.ts';
import { createKubeClient, type KubeRequest } from './kube-client.ts';
import { startKubelet } from './kubelet.ts';
import { type AbuseStep, abuseSteps, people } from './kubernetes-abuse-steps.ts';
import { story } from './story.ts';

const target = join(
  import.meta.dirname,
  '..',
  '..',
  'test',
  'fixtures',
  'kubernetes-audit',
  'abuse-samples.ndjson',
);

/** Bodies of requests, never of answers: the answer to a token request is the token. Values of secrets and configmaps stay out. */
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: ['system:apiserver', 'picket-admin']
  - level: None
    nonResourceURLs: ['/livez*', '/readyz*', '/healthz*', '/openapi/*', '/api', '/apis*']
  - level: Metadata
    resources: [{ group: '', resources: [secrets, configmaps] }]
  - level: Request
`;

const users: readonly KubernetesUser[] = Object.values(people).map(({ name, token, groups }) => ({
  name,
  token,
  groups,
}));

const SPDY = { connection: 'Upgrade', upgrade: 'SPDY/3.1', 'x-stream-protocol-version': 'v4.channel.k8s.io' };

/** A CertificateSigningRequest whose key nobody keeps. */
async function makeRequest({ name, subject, signer }: NonNullable<AbuseStep['request']>): Promise<object> {
  const args = ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-subj', subject];
  const { stdout } = await execa('openssl', args, { timeout: 30_000 });
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: {
      request: Buffer.from(`${stdout}\n`).toString('base64'),
      signerName: signer,
      usages: ['digital signature', 'client auth'],
    },
  };
}

/** Asks everything once, in order, and keeps the audit log byte for byte. */
export async function recordKubernetesAbuse(): Promise<void> {
  const server = await startKubeApiserver({ users, auditPolicy });
  const stops = [server.stop];
  try {
    const call = createKubeClient({ url: server.url, ca: await readFile(server.caFile, 'utf8') });
    const ca = await readFile(server.caFile, 'utf8');
    const key = await readFile(join(dirname(server.caFile), 'tls.key'), 'utf8');
    const kubelet = await startKubelet({ cert: ca, key });
    stops.push(kubelet.stop);
    const admin = { token: server.token, userAgent: 'kubectl' };
    // Without its host name, which nothing here resolves: the API server takes the address.
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: story.node },
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
      },
    };
    await call({ ...admin, method: 'POST', path: '/api/v1/nodes', body: node });
    await call({ ...admin, method: 'PUT', path: `/api/v1/nodes/${story.node}/status`, body: node });
    let accountToken = '';
    const ask = async (step: AbuseStep): Promise<void> => {
      const { method, path, as, agent, address, patch, impersonate, upgrade } = step;
      const body = step.request ? await makeRequest(step.request) : step.body;
      const token = as === 'account' ? accountToken : as === 'admin' ? server.token : people[as].token;
      const headers: Record<string, string> = {
        'x-forwarded-for': address,
        ...(upgrade ? SPDY : {}),
        ...impersonate,
      };
      const request: KubeRequest = { method, path, token, userAgent: agent, headers };
      const answer = await call({
        ...request,
        ...(body === undefined ? {} : { body }),
        ...(patch ? { contentType: 'application/strategic-merge-patch+json' } : {}),
      });
      const { status } = (answer.body ?? {}) as { status?: { token?: string } };
      if (step.keepToken && status?.token !== undefined) accountToken = status.token;
      process.stdout.write(`${answer.status} ${as} ${method} ${path}\n`);
    };
    for (const step of abuseSteps) await ask(step);
    await sleep(1_500);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, await readFile(server.auditLogPath));
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

if (import.meta.main) await recordKubernetesAbuse();
