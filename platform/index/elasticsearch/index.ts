// The index on Elasticsearch: one index a segment, ECS mapped, for as many processes as write and ask.
import type { Client } from '@elastic/elasticsearch';
import type { Clock } from '../../core/clock.ts';
import {
  connectElasticsearch,
  type ElasticsearchConnection,
  readFailure,
} from '../../elasticsearch/connect.ts';
import type { EventIndex } from '../event-index.ts';
import { countEvents, histogramOf, topValuesOf } from './aggregate.ts';
import { Catalogue, DEFAULT_SHAPE, type IndexShape } from './catalogue.ts';
import { getEvent, searchPage } from './search.ts';
import { BulkWriter, DEFAULT_WRITE_LIMITS, type WriteLimits } from './write.ts';

export interface ElasticsearchIndexOptions {
  readonly connection: ElasticsearchConnection;
  readonly clock: Clock;
  /** Of indices that are made from now on. */
  readonly shape?: Partial<IndexShape>;
  readonly limits?: Partial<WriteLimits>;
}

/**
 * Puts its templates into the cluster and opens the index there.
 * @throws PicketError ELASTICSEARCH_UNAVAILABLE, ELASTICSEARCH_AUTHENTICATION, ELASTICSEARCH_FORBIDDEN, ELASTICSEARCH_REFUSED
 */
export async function openElasticsearchIndex(options: ElasticsearchIndexOptions): Promise<EventIndex> {
  const client = connectElasticsearch(options.connection);
  const catalogue = new Catalogue(client, { ...DEFAULT_SHAPE, ...options.shape });
  try {
    await catalogue.open();
  } catch (error) {
    await client.close();
    throw readFailure(error);
  }
  const limits = { ...DEFAULT_WRITE_LIMITS, ...options.limits };
  const writer = new BulkWriter({ client, catalogue, clock: options.clock, limits });
  return overCluster({ client, catalogue, writer });
}

function overCluster(parts: { client: Client; catalogue: Catalogue; writer: BulkWriter }): EventIndex {
  const { client, catalogue, writer } = parts;
  return {
    write: (documents) => writer.write(documents),
    search: (request) => searchPage(client, request),
    count: (scope) => countEvents(client, scope),
    histogram: (request) => histogramOf(client, request),
    topValues: (request) => topValuesOf(client, request),
    get: (request) => getEvent(client, request),
    segments: () => catalogue.segments(),
    dropSegments: (names) => catalogue.drop(names),
    close: () => client.close(),
  };
}
