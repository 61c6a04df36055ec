/** Records test/fixtures/kubernetes-audit/rule-samples.ndjson: requests that rules speak of and the story does not hold. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubernetesUser, startKubeApiserver } from '../../test/services/kube-apiserver.ts';
import { createKubeClient } from './kube-client.ts';

const target = join(
  import.meta.dirname,
  '..',
  '..',
  'test',
  'fixtures',
  'kubernetes-audit',
  'rule-samples.ndjson',
);

/** Bodies of requests, never of answers: the answer to a token request is the token. */
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: ['system:apiserver']
  - level: None
    nonResourceURLs: ['/livez*', '/readyz*', '/healthz*', '/openapi/*', '/api', '/apis*']
  - level: Metadata
    resources: [{ group: '', resources: [secrets, configmaps] }]
  - level: Request
`;

const users: readonly KubernetesUser[] = [
  { name: 'marie.durand', token: 'marie', groups: ['line-operators', 'system:authenticated'] },
  { name: 'system:node:lyon-edge-01', token: 'node', groups: ['system:nodes', 'system:authenticated'] },
];

const container = { name: 'main', image: 'registry.factory.example/telemetry-agent:2.0.3' };
const podOf = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'line-1' },
  spec: { containers: [container], ...spec },
});
const rbac = (kind: string, name: string, rest: object): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  metadata: { name },
  ...rest,
});
const tokenRequest = (expirationSeconds: number): object => ({
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenRequest',
  spec: { expirationSeconds },
});

/** Method, path, body, and who asks when it is not the administrator. */
type Step = readonly [
  string,
  string,
  (object | undefined)?,
  { as?: string | null; impersonate?: string; patch?: boolean }?,
];

const pods = '/api/v1/namespaces/line-1/pods';
const roles = '/apis/rbac.authorization.k8s.io/v1';
const steps: readonly Step[] = [
  ['POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'line-1' } }],
  [
    'POST',
    '/api/v1/namespaces/line-1/serviceaccounts',
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'telemetry-agent' } },
  ],
  ['POST', pods, podOf('telemetry-agent', {})],
  ['POST', pods, podOf('host-process-view', { hostPID: true })],
  ['POST', pods, podOf('host-network', { hostNetwork: true })],
  ['POST', pods, podOf('log-reader', { volumes: [{ name: 'logs', hostPath: { path: '/var/log/pods' } }] })],
  [
    'POST',
    pods,
    podOf('socket-user', {
      volumes: [{ name: 'socket', hostPath: { path: '/run/containerd/containerd.sock' } }],
    }),
  ],
  [
    'PATCH',
    `${pods}/telemetry-agent/ephemeralcontainers`,
    { spec: { ephemeralContainers: [{ name: 'debugger', image: 'docker.io/library/busybox:1.37' }] } },
    { patch: true },
  ],
  ['GET', `${pods}/telemetry-agent/log`, undefined],
  ['POST', `${pods}/telemetry-agent/portforward`, undefined],
  ['POST', `${pods}/telemetry-agent/attach?container=main&stdin=true`, undefined],
  [
    'POST',
    `${roles}/clusterroles`,
    rbac('ClusterRole', 'everything', { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] }),
  ],
  [
    'POST',
    `${roles}/clusterroles`,
    rbac('ClusterRole', 'pod-viewer', {
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
    }),
  ],
  [
    'POST',
    `${roles}/clusterrolebindings`,
    rbac('ClusterRoleBinding', 'operators-view-pods', {
      subjects: [{ kind: 'Group', name: 'line-operators', apiGroup: 'rbac.authorization.k8s.io' }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'pod-viewer' },
    }),
  ],
  [
    'POST',
    `${roles}/clusterrolebindings`,
    rbac('ClusterRoleBinding', 'anyone-views-pods', {
      subjects: [{ kind: 'User', name: 'system:anonymous', apiGroup: 'rbac.authorization.k8s.io' }],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'pod-viewer' },
    }),
  ],
  ['GET', pods, undefined, { as: 'marie' }],
  ['GET', pods, undefined, { as: null }],
  ['GET', '/version', undefined, { as: null }],
  ['GET', '/api/v1/namespaces/line-1/pods', undefined, { impersonate: 'system:kube-controller-manager' }],
  ['POST', '/api/v1/namespaces/line-1/serviceaccounts/telemetry-agent/token', tokenRequest(31_536_000)],
  ['POST', '/api/v1/namespaces/line-1/serviceaccounts/telemetry-agent/token', tokenRequest(3607)],
  ['GET', '/api/v1/nodes/lyon-edge-01/proxy/pods', undefined],
  ['GET', '/api/v1/nodes', undefined],
  [
    'POST',
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'sidecar-injector' },
      webhooks: [
        {
          name: 'inject.factory.example',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Ignore',
          clientConfig: { url: 'https://inject.factory.example/mutate' },
          rules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] },
          ],
        },
      ],
    },
  ],
  ['GET', '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', undefined],
  [
    'POST',
    '/apis/batch/v1/namespaces/line-1/cronjobs',
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'rotate' },
      spec: {
        schedule: '*/5 * * * *',
        jobTemplate: {
          spec: { template: { spec: { restartPolicy: 'Never', containers: [container] } } },
        },
      },
    },
  ],
  [
    'POST',
    '/apis/networking.k8s.io/v1/namespaces/line-1/networkpolicies',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'deny-egress' },
      spec: { podSelector: {}, policyTypes: ['Egress'] },
    },
  ],
  ['DELETE', '/apis/networking.k8s.io/v1/namespaces/line-1/networkpolicies/deny-egress', undefined],
];

/** Asks everything once and keeps the audit log, byte for byte. */
export async function recordKubernetesSamples(): Promise<void> {
  const server = await startKubeApiserver({ users, auditPolicy });
  try {
    const call = createKubeClient({ url: server.url, ca: await readFile(server.caFile, 'utf8') });
    for (const [method, path, body, asked] of steps) {
      const token = asked?.as === null ? {} : { token: asked?.as ?? server.token };
      const answer = await call({
        method: method as 'GET' | 'POST' | 'PATCH' | 'DELETE',
        path,
        ...(body === undefined ? {} : { body }),
        ...token,
        userAgent: 'kubectl/v1.34.1 (linux/amd64) kubernetes/93248f9',
        ...(asked?.impersonate === undefined ? {} : { headers: { 'impersonate-user': asked.impersonate } }),
        ...(asked?.patch ? { contentType: 'application/strategic-merge-patch+json' } : {}),
      });
      process.stdout.write(`${answer.status} ${method} ${path}\n`);
    }
    await sleep(1_000);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, await readFile(server.auditLogPath));
  } finally {
    await server.stop();
  }
}

if (import.meta.main) await recordKubernetesSamples();
