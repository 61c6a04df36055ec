// Opens the index and the records that a site's configuration asks for: in its data folder, or on Elasticsearch.
import { join } from 'node:path';
import type { Clock } from '../platform/core/clock.ts';
import type { Logger } from '../platform/core/log.ts';
import type { ElasticsearchConnection } from '../platform/elasticsearch/connect.ts';
import type { ElasticsearchConfig } from '../platform/elasticsearch/elasticsearch-config.ts';
import type { EventIndex } from '../platform/index/event-index.ts';
import { federateIndex, type IndexPlace } from '../platform/index/federated-index.ts';
import { openIndex } from '../platform/index/open-index.ts';
import { openRecords } from '../platform/records/open-records.ts';
import type { RecordStore } from '../platform/records/record-store.ts';
import { readClientTls } from './read-tls.ts';
import type { SiteConfig } from './site-config.ts';

interface Opening {
  readonly config: SiteConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** @throws PicketError what openRecords says, TLS_FILE */
export function openSiteRecords({ config, clock, logger }: Opening): Promise<RecordStore> {
  const { records, data } = config;
  if (records.engine === 'embedded')
    return openRecords({ engine: 'embedded', folder: join(data, 'records'), clock });
  const { index, replicas } = records;
  const connection = elasticsearchConnection(config.elasticsearch as ElasticsearchConfig);
  return openRecords({ engine: 'elasticsearch', connection, clock, logger, index, replicas });
}

/** With `clusters` one index over all of them. @throws PicketError what openIndex says, TLS_FILE */
export async function openSiteIndex({ config, clock, logger }: Opening): Promise<EventIndex> {
  const { index, data } = config;
  if (index.engine === 'embedded') return openIndex({ engine: 'embedded', folder: join(data, 'index') });
  const { engine, clusters, ...shape } = index;
  const open = (connection: ElasticsearchConfig): Promise<EventIndex> =>
    openIndex({ engine, connection: elasticsearchConnection(connection), clock, shape });
  const main = await open(config.elasticsearch as ElasticsearchConfig);
  if (clusters.length === 0) return main;
  const places: IndexPlace[] = [{ name: 'elasticsearch', index: main }];
  try {
    for (const { name, jurisdictions, connection } of clusters)
      places.push({ name, jurisdictions, index: await open(connection) });
  } catch (error) {
    await Promise.all(places.map((place) => place.index.close()));
    throw error;
  }
  return federateIndex({ places, logger });
}

/** The cluster as the configuration names it, with the files of its TLS read. @throws PicketError TLS_FILE */
export function elasticsearchConnection(config: ElasticsearchConfig): ElasticsearchConnection {
  const { nodes, username, password, api_key, tls, request_timeout_ms } = config;
  return {
    nodes,
    request_timeout_ms,
    ...(username === undefined || password === undefined ? {} : { username, password }),
    ...(api_key === undefined ? {} : { api_key }),
    ...(tls ? { tls: readClientTls(tls) } : {}),
  };
}
