// Every source adapter; a test holds this list equal to the folders of ingest/sources.
import type { SourceAdapter } from './source.ts';
import { ecsAdapter } from './sources/ecs/index.ts';
import { falcoAdapter } from './sources/falco/index.ts';
import { kubernetesAuditAdapter } from './sources/kubernetes-audit/index.ts';
import { netflowAdapter } from './sources/netflow/index.ts';
import { syslogAdapter } from './sources/syslog/index.ts';
import { tetragonAdapter } from './sources/tetragon/index.ts';
import { trivyAdapter } from './sources/trivy/index.ts';
import { windowsAdapter } from './sources/windows/index.ts';

/** In the order in which documentation shows them. */
export const SOURCE_ADAPTERS: readonly SourceAdapter[] = [
  kubernetesAuditAdapter,
  windowsAdapter,
  syslogAdapter,
  netflowAdapter,
  falcoAdapter,
  tetragonAdapter,
  trivyAdapter,
  ecsAdapter,
];

/** The adapter of a format, or undefined. */
export function findAdapter(id: string): SourceAdapter | undefined {
  return SOURCE_ADAPTERS.find((adapter) => adapter.id === id);
}
