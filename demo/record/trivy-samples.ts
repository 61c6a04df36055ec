/** Records test/fixtures/trivy/folder-samples.json: the real Trivy scans a repository with the faults that rules speak of. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runTrivy } from '../../test/services/trivy.ts';

const target = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'trivy', 'folder-samples.json');

/** Made up, and put together here so that scanners do not find them in this repository. */
const gitToken = ['ghp', '_', 'R4nd0mL00kingT0kenThatIsN0ne4567890x'].join('');

const dockerfile = `FROM debian:latest
RUN apt-get update && apt-get install -y openssh-server sudo
EXPOSE 22 8080
ENV HISTORIAN_PASSWORD=changeme
ADD https://downloads.example.org/agent.tar.gz /opt/agent.tar.gz
CMD ["/usr/sbin/sshd", "-D"]
`;

const manifests = `apiVersion: apps/v1
kind: DaemonSet
metadata: { name: node-agent, namespace: line-1 }
spec:
  selector: { matchLabels: { app: node-agent } }
  template:
    metadata: { labels: { app: node-agent } }
    spec:
      hostPID: true
      hostNetwork: true
      containers:
        - name: main
          image: docker.io/library/alpine:latest
          securityContext: { privileged: true }
          volumeMounts: [{ name: socket, mountPath: /var/run/docker.sock }]
      volumes:
        - { name: socket, hostPath: { path: /var/run/docker.sock } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: everything }
rules:
  - { apiGroups: ['*'], resources: ['*'], verbs: ['*'] }
  - { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list'] }
---
apiVersion: v1
kind: Pod
metadata: { name: careful, namespace: line-1 }
spec:
  automountServiceAccountToken: false
  containers:
    - name: main
      image: registry.factory.example/telemetry-agent:2.0.3
      securityContext: { runAsNonRoot: true, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false }
`;

export async function recordTrivySamples(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-trivy-samples-'));
  try {
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
    const files: Readonly<Record<string, string>> = {
      Dockerfile: dockerfile,
      'deploy/line-1.yaml': manifests,
      'keys/gateway.pem': privateKey,
      'scripts/release.sh': `export GITHUB_TOKEN=${gitToken}\n`,
    };
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    const report = JSON.parse(await runTrivy({ target: { folder } })) as { ArtifactName: string };
    report.ArtifactName = 'line-1';
    await writeFile(target, `${JSON.stringify(report)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await recordTrivySamples();
