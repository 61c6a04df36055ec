/** The Kubernetes objects that people of the story create. */
import { story } from './story.ts';

const { namespace } = story;

/** A namespace with the labels that this company gives. */
export function describeNamespace(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels: { 'factory.example/site': story.lyon.site } },
  };
}

/** The node; `kubeletPort` is where its kubelet answers on loopback. */
export function describeNode(kubeletPort: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: story.node, labels: { 'kubernetes.io/hostname': story.node } },
    status: {
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: story.node },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    },
  };
}

/** A deployment of one container. */
export function describeDeployment(options: { namespace: string; name: string; image: string }): object {
  const labels = { app: options.name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: options.name, namespace: options.namespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: options.name === story.deployment ? story.serviceAccount : 'default',
          containers: [
            {
              name: options.name,
              image: options.image,
              ports: [{ containerPort: 8080 }],
              resources: { requests: { cpu: '100m', memory: '128Mi' } },
            },
          ],
        },
      },
    },
  };
}

/** The pod of the vulnerable deployment, as its replica set's controller would make it. */
export function describePod(image: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: story.pod,
      namespace,
      labels: { app: story.deployment, 'pod-template-hash': '7d9c5b8f6d' },
    },
    spec: {
      serviceAccountName: story.serviceAccount,
      nodeName: story.node,
      containers: [{ name: story.deployment, image, ports: [{ containerPort: 8080 }] }],
    },
  };
}

/** A pod that owns its node: privileged, in the host's namespaces, with the host's root mounted. */
export function describePrivilegedPod(): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'node-debug', namespace, labels: { app: 'node-debug' } },
    spec: {
      hostPID: true,
      hostNetwork: true,
      nodeName: story.node,
      containers: [
        {
          name: 'shell',
          image: 'docker.io/library/alpine:3.20',
          command: ['sleep', '86400'],
          securityContext: { privileged: true },
          volumeMounts: [{ name: 'host', mountPath: '/host' }],
        },
      ],
      volumes: [{ name: 'host', hostPath: { path: '/', type: 'Directory' } }],
    },
  };
}

/** Gives the gateway's service account everything. */
export function describeAdminBinding(): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'hmi-gateway-metrics' },
    subjects: [{ kind: 'ServiceAccount', name: story.serviceAccount, namespace }],
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  };
}

/** A role of a namespace and its binding to a user or service account. */
export function describeRole(options: {
  namespace: string;
  name: string;
  rules: readonly object[];
  subject: object;
}): { role: object; binding: object } {
  const { name, rules, subject } = options;
  return {
    role: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name, namespace: options.namespace },
      rules,
    },
    binding: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name, namespace: options.namespace },
      subjects: [subject],
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
    },
  };
}

/** A secret; its body never reaches the audit log at level Metadata. */
export function describeSecret(options: {
  namespace: string;
  name: string;
  data: Record<string, string>;
}): object {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: options.name, namespace: options.namespace },
    type: 'Opaque',
    stringData: options.data,
  };
}

/** An event as a kubelet reports it; what the intruder deletes later. */
export function describeEvent(options: {
  name: string;
  pod: string;
  reason: string;
  message: string;
  at: Date;
}): object {
  const at = options.at.toISOString();
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: options.name, namespace },
    involvedObject: { kind: 'Pod', name: options.pod, namespace, apiVersion: 'v1' },
    reason: options.reason,
    message: options.message,
    type: 'Normal',
    source: { component: 'kubelet', host: story.node },
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
}
