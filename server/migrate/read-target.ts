// Says which clusters and brokers a configuration leads to, so that progress noted for one is not taken for another.
import { describeBus } from '../../platform/bus/open-bus.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';
import { readClusterUuid } from '../../platform/elasticsearch/describe-cluster.ts';
import type { ElasticsearchConfig } from '../../platform/elasticsearch/elasticsearch-config.ts';
import { kafkaSettings } from '../open-site-bus.ts';
import { elasticsearchConnection } from '../open-site-stores.ts';
import type { SiteConfig } from '../site-config.ts';
import type { OldStores } from './open-old-stores.ts';
import type { Progress } from './open-progress.ts';

/**
 * Notes where each part goes, or compares it with what an earlier run noted.
 * @throws PicketError MIGRATE_TARGET when it went elsewhere, and what brokers and clusters say when they are asked
 */
export async function holdToTarget(options: {
  config: SiteConfig;
  old: OldStores;
  progress: Progress;
  logger: Logger;
}): Promise<void> {
  const { config, old, progress, logger } = options;
  const { bus, index, records } = config;
  const uuid = (connection: ElasticsearchConfig): Promise<string> =>
    readClusterUuid(elasticsearchConnection(connection));
  const targets: [string, string][] = [];
  if (old.records && records.engine === 'elasticsearch')
    targets.push(['records', `${await uuid(config.elasticsearch as ElasticsearchConfig)}/${records.index}`]);
  if (old.events && index.engine === 'elasticsearch') {
    const clusters = [await uuid(config.elasticsearch as ElasticsearchConfig)];
    for (const { jurisdictions, connection } of index.clusters)
      clusters.push(`${[...jurisdictions].sort().join(',')} on ${await uuid(connection)}`);
    targets.push(['events', clusters.sort().join('; ')]);
  }
  if (old.bus && bus.engine === 'kafka') {
    const state = await describeBus({ ...kafkaSettings(bus, config.site.id), logger });
    targets.push(['bus', state.engine === 'kafka' ? state.cluster_id : '']);
  }
  for (const [part, target] of targets) {
    const noted = progress.get(`target/${part}`) as string | undefined;
    if (noted !== undefined && noted !== target)
      throw new PicketError({
        code: 'MIGRATE_TARGET',
        message: `an earlier run began to move ${part} to ${noted}, this configuration leads to ${target}: --restart begins anew`,
      });
    await progress.set(`target/${part}`, target);
  }
}
