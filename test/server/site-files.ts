// Writes the configuration of a centre or an edge site that a test runs by itself.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump } from 'js-yaml';

/** What a configuration says of real servers of one node each. */
export function onServers(servers: {
  broker: string;
  elasticsearch: string;
  /** By which Elasticsearch knows the site. */
  account?: { username: string; password: string };
}): Record<string, unknown> {
  return {
    bus: {
      engine: 'kafka',
      brokers: [servers.broker],
      topics: { replication_factor: 1, events_partitions: 4 },
    },
    elasticsearch: { nodes: [servers.elasticsearch], ...servers.account },
    index: { engine: 'elasticsearch', replicas: 0 },
    records: { engine: 'elasticsearch', replicas: 0 },
  };
}

/** A site in `folder`: `site.yaml` beside its data folder `data`. `more` is laid over the configuration. */
export function writeSite(options: {
  folder: string;
  tier: 'centre' | 'edge';
  id?: string;
  port?: number;
  more?: Readonly<Record<string, unknown>>;
}): { file: string; data: string } {
  const { folder, tier, id = tier === 'centre' ? 'centre' : 'lyon', port = 0, more = {} } = options;
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'site.yaml');
  const configuration = {
    tenant: 'acme',
    site: { id, tier, jurisdiction: 'eu-fr' },
    data: 'data',
    listen: { port },
    log: { level: 'info', file: join(folder, 'picket.log') },
    sources: [
      { id: 'falco', format: 'falco' },
      { id: 'kubernetes', format: 'kubernetes-audit', parameters: { cluster: 'lyon' } },
      { id: 'trivy', format: 'trivy' },
      { id: 'ecs', format: 'ecs' },
    ],
    ...more,
  };
  writeFileSync(file, dump(configuration), { mode: 0o600 });
  return { file, data: join(folder, 'data') };
}
