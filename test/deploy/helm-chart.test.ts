// The Helm chart: rendered by the real Helm, every object taken by a real kube-apiserver's dry run, and its configuration by our own schema.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readSiteConfig } from '../../server/read-site-config.ts';
import { ROLES } from '../../server/roles/role.ts';
import { type KubeApiserver, startKubeApiserver } from '../services/kube-apiserver.ts';
import { requireProgram } from '../services/programs.ts';
import { isRealRun, requireReal } from '../services/require-real.ts';

const CHART = join(import.meta.dirname, '..', '..', 'deploy', 'helm', 'picket');

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Record<string, string>;
  readonly spec?: {
    template?: {
      metadata: object;
      spec: { containers: { args: string[] }[] };
    };
  };
}

const EDGE = {
  mode: 'whole',
  link: { enabled: false },
  environmentSecret: 'picket-bundle',
  site: {
    site: { id: 'lyon', name: 'Lyon', tier: 'edge', jurisdiction: 'eu-fr' },
    bus: null,
    elasticsearch: null,
    index: null,
    records: null,
    parent: { bundle: { $env: 'PICKET_BUNDLE' } },
  },
};
const EVERYTHING = {
  image: { repository: 'registry.example/soc/picket', tag: '1.2.3', pullPolicy: 'Always' },
  imagePullSecrets: [{ name: 'pull' }],
  environmentSecret: 'picket-environment',
  files: [{ name: 'kafka-tls', secret: 'picket-kafka-tls' }],
  rules: { existingClaim: 'picket-rules' },
  link: { names: ['centre.example'], url: 'https://centre.example:8443' },
  api: { ingress: { enabled: true, className: 'nginx', host: 'picket.example', tlsSecret: 'picket-tls' } },
  storageClassName: 'fast',
  podAnnotations: { 'example.org/owner': 'soc' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'soc', operator: 'Exists', effect: 'NoSchedule' }],
  priorityClassName: 'high',
  networkPolicy: { apiFrom: [{ namespaceSelector: { matchLabels: { team: 'soc' } } }] },
};

describe('the Helm chart', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'picket-helm-'));
  let server: KubeApiserver;
  beforeAll(async () => {
    if (!isRealRun()) return;
    server = await startKubeApiserver();
    // As strict as Kubernetes can be about pods.
    await put('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: {
        name: 'soc',
        labels: {
          'pod-security.kubernetes.io/enforce': 'restricted',
          'pod-security.kubernetes.io/warn': 'restricted',
        },
      },
    });
  }, 120_000);
  beforeEach((context) => requireReal(context, 'helm', 'etcd', 'kube-apiserver', 'openssl'));
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const helm = (args: readonly string[]) =>
    execa(requireProgram('helm'), args, {
      reject: false,
      timeout: 60_000,
      env: { HOME: folder, HELM_CACHE_HOME: folder, HELM_CONFIG_HOME: folder, HELM_DATA_HOME: folder },
    });

  const valuesFile = (values: object): string => {
    const file = join(folder, 'values.json');
    writeFileSync(file, JSON.stringify(values));
    return file;
  };

  async function render(values: object): Promise<Manifest[]> {
    const { exitCode, stdout, stderr } = await helm([
      'template',
      'picket',
      CHART,
      '--namespace=soc',
      '--kube-version=1.34.2',
      '--values',
      valuesFile(values),
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    return (loadAll(stdout) as (Manifest | null)[]).filter((one) => one !== null);
  }

  /** What the API server says of an object that it would create: status, warnings and message. */
  function put(
    path: string,
    body: object,
  ): Promise<{ status: number; warning: string | undefined; message: string | undefined }> {
    return new Promise((resolve, reject) => {
      const asked = request(
        `${server.url}${path}`,
        {
          method: 'POST',
          ca: readFileSync(server.caFile),
          headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
        },
        (response) => {
          let text = '';
          response.on('data', (piece: Buffer) => (text += piece.toString()));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              warning: response.headers['warning'] as string | undefined,
              message: (JSON.parse(text) as { message?: string }).message,
            }),
          );
        },
      );
      asked.on('error', reject);
      asked.end(JSON.stringify(body));
    });
  }

  const PLURALS: Readonly<Record<string, string>> = {
    NetworkPolicy: 'networkpolicies',
    Ingress: 'ingresses',
  };
  const dryRun = (manifest: Manifest) => {
    const { apiVersion, kind } = manifest;
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const plural = PLURALS[kind] ?? `${kind.toLowerCase()}s`;
    return put(`${root}/namespaces/soc/${plural}?dryRun=All&fieldValidation=Strict`, manifest);
  };

  test('passes its own linter', async () => {
    const { exitCode, stdout } = await helm(['lint', '--strict', CHART]);
    expect(stdout).toContain('0 chart(s) failed');
    expect(exitCode).toBe(0);
  });

  test.each([
    ['a centre by roles', {}],
    ['an edge site in one process', EDGE],
    ['a centre with everything that can be set', EVERYTHING],
  ])(
    '%s is taken by the API server without a warning, pods under the restricted standard',
    async (_, values) => {
      const manifests = await render(values);
      expect(manifests.length).toBeGreaterThan(5);
      for (const manifest of manifests) {
        const name = `${manifest.kind} ${manifest.metadata.name}`;
        expect({ name, ...(await dryRun(manifest)) }).toMatchObject({
          name,
          status: 201,
          warning: undefined,
        });
        const template = manifest.spec?.template;
        if (!template) continue;
        const pod = { apiVersion: 'v1', kind: 'Pod', ...structuredClone(template) } as unknown as Manifest & {
          spec: { volumes: object[]; priorityClassName?: string };
          metadata: { name: string };
        };
        pod.metadata.name = manifest.metadata.name;
        // What the controller adds of its own; a class of priority is a thing of the cluster.
        pod.spec.volumes.push({ name: 'state', emptyDir: {} });
        delete pod.spec.priorityClassName;
        expect({ name, ...(await dryRun(pod)) }).toMatchObject({ name, status: 201, warning: undefined });
      }
    },
  );

  test.each([
    ['a centre by roles', {}, { PICKET_ES_PASSWORD: 'x' }],
    ['an edge site in one process', EDGE, { PICKET_BUNDLE: 'x' }],
    ['a centre with everything that can be set', EVERYTHING, { PICKET_ES_PASSWORD: 'x' }],
  ])('the configuration of %s is one that Picket takes', async (_, values, environment) => {
    const manifests = await render(values);
    const text = manifests.find(({ kind }) => kind === 'ConfigMap')?.data?.['site.yaml'] ?? '';
    const file = join(folder, 'site.yaml');
    writeFileSync(file, text);
    const config = readSiteConfig({ file, environment });
    expect(config.data).toBe('/var/lib/picket/data');
    expect(config.metrics.prometheus).toEqual({ host: '0.0.0.0', port: 9464 });
  });

  test('runs every role that the program has, each process under the name of its pod', async () => {
    const manifests = await render({});
    const args = manifests.flatMap(({ spec }) => spec?.template?.spec.containers[0]?.args ?? []);
    const roles = args.filter((_, at) => args[at - 1] === '--role');
    expect(roles.sort()).toEqual([...ROLES].sort());
    expect(args.filter((_, at) => args[at - 1] === '--instance')).toEqual(ROLES.map(() => '$(POD_NAME)'));
  });

  test.each([
    ['an unknown key', { replicas: 3 }],
    ['a role that there is not', { roles: { correlate: { replicas: 1, storage: '1Gi' } } }],
    ['several whole sites with one identity', { mode: 'whole', roles: { all: { replicas: 2 } } }],
    ['a mode that there is not', { mode: 'edge' }],
    ['a data folder', { site: { data: '/data' } }],
  ])('refuses %s in its values', async (_, values) => {
    const { exitCode, stderr } = await helm(['template', 'picket', CHART, '--values', valuesFile(values)]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("values don't meet the specifications of the schema");
  });
});
