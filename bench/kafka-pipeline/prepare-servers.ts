// Fills picket.events once, and puts broker and cluster back to where every round begins.
import kafkajs from 'kafkajs';
import { CORRELATE_GROUP } from '../../detect/worker/start-correlating.ts';
import { DETECT_GROUP } from '../../detect/worker/start-detector.ts';
import type { Bus } from '../../platform/bus/bus.ts';
import { type EventHeaders, TOPICS } from '../../platform/core/topics.ts';
import { connectElasticsearch } from '../../platform/elasticsearch/connect.ts';
import { INDEX_GROUP } from '../../platform/index/write-events.ts';
import { eventMaker } from './make-events.ts';
import { openPipelineIndex } from './start-role.ts';

const CHUNK = 1_000;

export interface Filled {
  /** Of each dataset the headers of one event. */
  readonly routes: ReadonlyMap<string, EventHeaders>;
  readonly bytes_an_event: number;
}

/** Events of the last hours, so that all are of one week's indices or two. */
export async function fillTopic(options: {
  bus: Bus;
  events: number;
  progress: (line: string) => void;
}): Promise<Filled> {
  const { bus, events, progress } = options;
  await bus.ensureTopics([TOPICS.events]);
  const make = eventMaker(Date.now() - events);
  const routes = new Map<string, EventHeaders>();
  let bytes = 0;
  for (let at = 0; at < events; at += CHUNK) {
    const messages = make(Math.min(CHUNK, events - at));
    for (const { headers, value } of messages) {
      const route = headers as unknown as EventHeaders;
      routes.set(route.dataset, route);
      bytes += value.length;
    }
    await bus.produce(TOPICS.events, messages);
    if (at % (20 * CHUNK) === 0) progress(`${at} of ${events} events in the topic`);
  }
  return { routes, bytes_an_event: Math.round(bytes / events) };
}

/** No group has read anything, and no signal was ever found. */
export async function forgetWork(broker: string): Promise<void> {
  const admin = new kafkajs.Kafka({
    clientId: 'bench-admin',
    brokers: [broker],
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    const { groups } = await admin.listGroups();
    const ours = new Set([INDEX_GROUP, DETECT_GROUP, CORRELATE_GROUP]);
    const there = groups.map(({ groupId }) => groupId).filter((group) => ours.has(group));
    if (there.length > 0) await admin.deleteGroups(there);
    const topics = await admin.listTopics();
    const derived: string[] = [TOPICS.signals.name, TOPICS.alerts.name].filter((name) =>
      topics.includes(name),
    );
    if (derived.length > 0) await admin.deleteTopics({ topics: derived });
    while ((await admin.listTopics()).some((name) => derived.includes(name)))
      await new Promise((resolve) => setTimeout(resolve, 100));
  } finally {
    await admin.disconnect();
  }
}

/** Puts the templates there and makes an index a dataset, as the index writer's are made. */
export async function makeBareIndices(
  url: string,
  datasets: Iterable<string>,
): Promise<Record<string, string>> {
  await (await openPipelineIndex(url)).close();
  const client = connectElasticsearch({ nodes: [url] });
  try {
    const names = [...datasets].map((dataset): [string, string] => [dataset, `picket-bare-${dataset}`]);
    for (const [, index] of names) await client.indices.create({ index });
    return Object.fromEntries(names);
  } finally {
    await client.close();
  }
}

/** The index writer's own indices, made beforehand like the bare ones: an event of each dataset is in them then. */
export async function makeOwnIndices(url: string, routes: Iterable<EventHeaders>): Promise<void> {
  const index = await openPipelineIndex(url);
  try {
    await index.write(
      [...routes].map(({ tenant, dataset, jurisdiction, timestamp }) => ({
        id: `made-beforehand-${dataset}`,
        tenant,
        dataset,
        jurisdiction,
        timestamp,
        time: 'ok',
        body: Buffer.from(JSON.stringify({ '@timestamp': timestamp })),
      })),
    );
  } finally {
    await index.close();
  }
}

export interface Written {
  /** Events in the cluster, each once. */
  readonly count: number;
  /** What its shards did for them: bulk operations, and documents that failed (and came again, or were left out). */
  readonly shard_bulks: number;
  readonly failed: number;
  /** Requests turned away for want of room, since the node began. */
  readonly turned_away: number;
}

/** What the cluster has of a round; then drops it. */
export async function countAndDrop(url: string): Promise<Written> {
  const client = connectElasticsearch({ nodes: [url] });
  try {
    const names = Object.keys(await client.indices.get({ index: 'picket-*' }));
    await client.indices.refresh({ index: names });
    const { count } = await client.count({ index: names });
    const { _all } = await client.indices.stats({ index: names, metric: ['bulk', 'indexing'] });
    const { nodes } = await client.nodes.stats({ metric: 'indexing_pressure' });
    await client.indices.delete({ index: names });
    return {
      count,
      shard_bulks: _all.primaries?.bulk?.total_operations ?? 0,
      failed: _all.primaries?.indexing?.index_failed ?? 0,
      turned_away: Object.values(nodes).reduce(
        (all, node) => all + (node.indexing_pressure?.memory?.total?.coordinating_rejections ?? 0),
        0,
      ),
    };
  } finally {
    await client.close();
  }
}
