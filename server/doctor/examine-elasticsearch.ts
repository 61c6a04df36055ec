// The cluster behind index and records: reachable, healthy, with room, with the right time.
import { describeError, errorCode } from '../../platform/core/errors.ts';
import {
  describeElasticsearch,
  type ElasticsearchState,
} from '../../platform/elasticsearch/describe-cluster.ts';
import type { ElasticsearchConfig } from '../../platform/elasticsearch/elasticsearch-config.ts';
import { elasticsearchConnection } from '../open-site-stores.ts';
import { type Finding, good, judgeSpace, problem, warning } from './finding.ts';

/** A clock that is further off than this makes events early or late. */
const CLOCK_OFF_MS = 5_000;
/** Share of the cluster's shards from which it is told. */
const MANY_SHARDS = 0.8;

export interface ExaminedCluster {
  readonly connection: ElasticsearchConfig;
  /** Whether events stand there, and the index of records where it does. */
  readonly events: boolean;
  readonly records: string | undefined;
}

/** `now`: ms since the epoch, when asked. */
export async function examineElasticsearch(cluster: ExaminedCluster, now: () => number): Promise<Finding[]> {
  const { connection, events, records } = cluster;
  const subject = `Elasticsearch at ${connection.nodes.join(', ')}`;
  let state: ElasticsearchState;
  try {
    state = await describeElasticsearch({
      connection: elasticsearchConnection(connection),
      indices: ['picket-*', ...(records === undefined ? [] : [records])],
    });
  } catch (error) {
    return [problem(subject, `${describeError(error)} [${errorCode(error)}]`, remedyOf(errorCode(error)))];
  }
  const answered = now();
  const { health, unassigned_shards, nodes, shards, most_shards, blocked, templates } = state;
  const status = `cluster ${state.cluster} is ${health}, ${nodes.length} nodes, ${unassigned_shards} shards without a place`;
  const findings = [
    health === 'red'
      ? problem(
          subject,
          status,
          'see `GET _cluster/allocation/explain`: some events cannot be read or written',
        )
      : health === 'yellow'
        ? warning(subject, status, 'add a node, or set `replicas: 0` where one node is all there is')
        : good(subject, status),
    ...nodes.map(({ name, disk_free, disk_total }) =>
      judgeSpace({
        subject: `disk of node ${name}`,
        free: disk_free,
        total: disk_total,
        remedy: 'add nodes or disks, or shorten `retention`: a full node makes its indices read-only',
      }),
    ),
    ...nodes.map(({ name, clock }) => judgeClock(name, clock - answered)),
  ];
  if (most_shards !== undefined) {
    const told = `${shards} of ${most_shards}`;
    findings.push(
      shards >= MANY_SHARDS * most_shards
        ? warning(
            'shards of the cluster',
            told,
            'take a longer `index.period`, fewer `index.shards`, or more nodes',
          )
        : good('shards of the cluster', told),
    );
  }
  for (const name of blocked)
    findings.push(
      problem(
        `index ${name}`,
        'takes no writes',
        'make room, then set `index.blocks.read_only_allow_delete` to null',
      ),
    );
  if (events)
    findings.push(
      templates.includes('picket-events')
        ? good('template picket-events', 'there')
        : good('template picket-events', 'not there yet: the first start makes it'),
    );
  return findings;
}

function judgeClock(node: string, off_ms: number): Finding {
  const subject = `clock of node ${node}`;
  const message = `${(Math.abs(off_ms) / 1_000).toFixed(1)} s ${off_ms < 0 ? 'behind' : 'ahead of'} this one`;
  return Math.abs(off_ms) > CLOCK_OFF_MS
    ? warning(subject, message, 'let both keep their time by NTP')
    : good(subject, message);
}

function remedyOf(code: string): string {
  if (code === 'ELASTICSEARCH_AUTHENTICATION')
    return 'compare `elasticsearch.username` or `elasticsearch.api_key` with the account in the cluster';
  if (code === 'ELASTICSEARCH_FORBIDDEN')
    return 'give the account `monitor`, `manage_index_templates` and all rights on `picket*`';
  return 'see whether the nodes run and `elasticsearch.nodes` names them as they are reached from here';
}
