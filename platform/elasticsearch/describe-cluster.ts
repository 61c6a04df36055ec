// What stands on the other side: the cluster's health, room and clocks, and what Picket has there. For `picket doctor`.
import { connectElasticsearch, type ElasticsearchConnection, readFailure, statusOf } from './connect.ts';

export interface ElasticsearchState {
  readonly cluster: string;
  readonly health: 'green' | 'yellow' | 'red';
  readonly unassigned_shards: number;
  readonly shards: number;
  /** As many as the cluster takes; undefined when it does not say. */
  readonly most_shards: number | undefined;
  readonly nodes: readonly {
    readonly name: string;
    /** Its clock when it answered, ms since the epoch. */
    readonly clock: number;
    readonly disk_total: number;
    readonly disk_free: number;
  }[];
  /** Indices of Picket that take no writes. */
  readonly blocked: readonly string[];
  /** Templates of Picket that are there. */
  readonly templates: readonly string[];
}

/** Looks and changes nothing. @throws PicketError as readFailure */
export async function describeElasticsearch(options: {
  connection: ElasticsearchConnection;
  /** Patterns of the indices that are Picket's. */
  indices: readonly string[];
}): Promise<ElasticsearchState> {
  const client = connectElasticsearch(options.connection);
  try {
    const health = await client.cluster.health();
    const nodes = await client.nodes.stats({ metric: 'fs' });
    const settings = await client.cluster.getSettings({ include_defaults: true, flat_settings: true });
    const blocks = await client.indices.getSettings({
      index: [...options.indices],
      name: 'index.blocks.*',
      flat_settings: true,
      allow_no_indices: true,
      ignore_unavailable: true,
    });
    const templates = await client.indices.getIndexTemplate({ name: 'picket-*' }).catch((error: unknown) => {
      // A cluster that Picket never wrote to says so by 404.
      if (statusOf(error) === 404) return { index_templates: [] };
      throw error;
    });
    const perNode = [settings.transient, settings.persistent, settings.defaults]
      .map((values) =>
        Number((values as Record<string, unknown> | undefined)?.['cluster.max_shards_per_node']),
      )
      .find((value) => Number.isFinite(value));
    return {
      cluster: health.cluster_name,
      health: health.status.toLowerCase() as ElasticsearchState['health'],
      unassigned_shards: health.unassigned_shards,
      shards: health.active_shards,
      most_shards: perNode === undefined ? undefined : perNode * health.number_of_data_nodes,
      nodes: Object.values(nodes.nodes).map(({ name, timestamp, fs }) => ({
        name: name ?? '',
        clock: timestamp ?? 0,
        disk_total: fs?.total?.total_in_bytes ?? 0,
        disk_free: fs?.total?.available_in_bytes ?? 0,
      })),
      blocked: Object.entries(blocks)
        .filter(([, { settings: values }]) => Object.keys(values ?? {}).length > 0)
        .map(([name]) => name),
      templates: templates.index_templates.map(({ name }) => name),
    };
  } catch (error) {
    throw readFailure(error);
  } finally {
    await client.close();
  }
}

/** What tells one cluster from another, however its nodes are reached. @throws PicketError as readFailure */
export async function readClusterUuid(connection: ElasticsearchConnection): Promise<string> {
  const client = connectElasticsearch(connection);
  try {
    const state = await client.cluster.state({ metric: 'version', filter_path: 'cluster_uuid' });
    return String((state as { cluster_uuid?: string }).cluster_uuid);
  } catch (error) {
    throw readFailure(error);
  } finally {
    await client.close();
  }
}
