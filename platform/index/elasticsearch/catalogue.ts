// The indices of the cluster: templates, one index a segment made when first written, and what is known of each.
import type { Client } from '@elastic/elasticsearch';
import { PicketError } from '../../core/errors.ts';
import { answerOf, makeIndex, readFailure, statusOf } from '../../elasticsearch/connect.ts';
import type { SegmentInfo } from '../event-index.ts';
import { PERIODS, type Period, periodOf, type SegmentRoute, segmentName } from '../segment-name.ts';
import { eventMapping } from './fields.ts';

export interface IndexShape {
  readonly period: Period;
  readonly shards: number;
  readonly replicas: number;
  /** How soon what was written is found, as `1s`. */
  readonly refresh_interval: string;
  /** Most fields of one index; what comes beyond is kept and found, but not indexed by field. */
  readonly most_fields: number;
}

export const DEFAULT_SHAPE: IndexShape = {
  period: 'week',
  shards: 1,
  replicas: 1,
  refresh_interval: '1s',
  most_fields: 1_500,
};

/** What an index says of itself (`mappings._meta`). */
interface SegmentMeta {
  readonly tenant: string;
  readonly dataset: string;
  readonly jurisdiction: string;
  readonly period: string;
  /** How long its dataset's segments last: fixed with the first. */
  readonly lasts: Period;
}

/** Every index of events; templates and requests over all go by it. */
export const ALL_SEGMENTS = 'picket-*';

/** Reads all events of a tenant. No tenant has a dot in its name. */
export function tenantAlias(tenant: string): string {
  return `picket.${tenant}`;
}

/** Reads the events of one jurisdiction of a tenant, for Kibana and for rights by alias. */
function jurisdictionAlias(tenant: string, jurisdiction: string): string {
  return `picket.${tenant}.${jurisdiction}`;
}

/** Writing goes by an alias that must be there: an index that was dropped is not made again without its description. */
export function writeAlias(name: string): string {
  return `${name}.write`;
}

const MAPPING_TEMPLATE = 'picket-ecs';
const SETTINGS_TEMPLATE = 'picket-settings';
const INDEX_TEMPLATE = 'picket-events';

export class Catalogue {
  readonly #client: Client;
  readonly #shape: IndexShape;
  /** Segments known to be there; refreshed when one is missed. */
  readonly #known = new Set<string>();
  readonly #periods = new Map<string, Period>();
  readonly #making = new Map<string, Promise<void>>();

  constructor(client: Client, shape: IndexShape) {
    this.#client = client;
    this.#shape = shape;
  }

  /** Puts the templates there and learns of the indices that are. @throws what the client says */
  async open(): Promise<void> {
    const { shards, replicas, refresh_interval, most_fields } = this.#shape;
    await this.#client.cluster.putComponentTemplate({
      name: MAPPING_TEMPLATE,
      template: { mappings: eventMapping() },
    });
    await this.#client.cluster.putComponentTemplate({
      name: SETTINGS_TEMPLATE,
      template: {
        settings: {
          number_of_shards: shards,
          number_of_replicas: replicas,
          refresh_interval,
          codec: 'best_compression',
          mapping: { total_fields: { limit: most_fields, ignore_dynamic_beyond_limit: true } },
        },
      },
    });
    await this.#client.indices.putIndexTemplate({
      name: INDEX_TEMPLATE,
      index_patterns: [ALL_SEGMENTS],
      composed_of: [MAPPING_TEMPLATE, SETTINGS_TEMPLATE],
      priority: 500,
    });
    await this.#learn();
  }

  async #learn(): Promise<Map<string, SegmentMeta>> {
    const found = new Map<string, SegmentMeta>();
    const mappings = await answerOf(
      this.#client.indices.getMapping({
        index: ALL_SEGMENTS,
        filter_path: '*.mappings._meta',
        expand_wildcards: 'open',
      }),
    );
    for (const [name, { mappings: mapping }] of Object.entries(mappings)) {
      const meta = mapping._meta as SegmentMeta | undefined;
      if (meta?.tenant === undefined || !PERIODS.includes(meta.lasts)) continue;
      found.set(name, meta);
      this.#known.add(name);
      this.#periods.set(datasetKey(meta), meta.lasts);
    }
    for (const name of this.#known) if (!found.has(name)) this.#known.delete(name);
    return found;
  }

  /** The name of the segment of a route. @throws PicketError INDEX_ROUTE_INVALID */
  nameOf(route: SegmentRoute): string {
    return segmentName(route, this.#periodOf(route));
  }

  #periodOf(route: Pick<SegmentRoute, 'tenant' | 'dataset'>): Period {
    return this.#periods.get(datasetKey(route)) ?? this.#shape.period;
  }

  isKnown(name: string): boolean {
    return this.#known.has(name);
  }

  /** Makes the index of a route unless it is there; who asks while it is made waits for the same. @throws PicketError as readFailure */
  make(route: SegmentRoute): Promise<void> {
    const lasts = this.#periodOf(route);
    const name = segmentName(route, lasts);
    let making = this.#making.get(name);
    if (!making) {
      making = this.#make(name, route, lasts).finally(() => this.#making.delete(name));
      this.#making.set(name, making);
    }
    return making;
  }

  async #make(name: string, route: SegmentRoute, lasts: Period): Promise<void> {
    const { tenant, dataset, jurisdiction, time, judgement } = route;
    const meta: SegmentMeta = {
      tenant,
      dataset,
      jurisdiction,
      period: periodOf(lasts, time, judgement),
      lasts,
    };
    await makeIndex(this.#client, {
      index: name,
      aliases: {
        [tenantAlias(tenant)]: {},
        [jurisdictionAlias(tenant, jurisdiction)]: {},
        [writeAlias(name)]: { is_write_index: true },
      },
      mappings: { _meta: { ...meta } },
    });
    this.#known.add(name);
    this.#periods.set(datasetKey(meta), lasts);
  }

  /** Forgets an index that turned out not to be there. */
  forget(name: string): void {
    this.#known.delete(name);
  }

  async segments(): Promise<SegmentInfo[]> {
    const metas = await this.#learn();
    if (metas.size === 0) return [];
    const stats = await answerOf(
      this.#client.indices.stats({
        index: ALL_SEGMENTS,
        metric: ['docs', 'store'],
        filter_path: 'indices.*.primaries',
      }),
    );
    return [...metas]
      .map(([name, { tenant, dataset, jurisdiction, period }]) => {
        const primaries = stats.indices?.[name]?.primaries;
        return {
          name,
          tenant,
          dataset,
          jurisdiction,
          period,
          events: primaries?.docs?.count ?? 0,
          bytes: primaries?.store?.size_in_bytes ?? 0,
        };
      })
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Drops indices by name, those alone that say they are segments; returns how many events went. */
  async drop(names: readonly string[]): Promise<number> {
    const there = new Map((await this.segments()).map(({ name, events }) => [name, events]));
    let events = 0;
    for (const name of names) {
      const held = there.get(name);
      if (held === undefined) continue;
      try {
        await this.#client.indices.delete({ index: name });
      } catch (error) {
        if (statusOf(error) !== 404) throw readFailure(error);
        continue;
      }
      this.forget(name);
      events += held;
    }
    return events;
  }
}

function datasetKey({ tenant, dataset }: { tenant: string; dataset: string }): string {
  return `${tenant}\n${dataset}`;
}

/** What says that the index of a write is not there. */
export function isMissing(type: string | undefined): boolean {
  return type === 'index_not_found_exception';
}

/** @throws PicketError INDEX_ROUTE_INVALID */
export function routeOf(document: {
  tenant: string;
  dataset: string;
  jurisdiction: string;
  timestamp: string;
  time: SegmentRoute['judgement'];
}): SegmentRoute {
  const { tenant, dataset, jurisdiction, timestamp, time: judgement } = document;
  const time = Date.parse(timestamp);
  if (Number.isNaN(time))
    throw new PicketError({ code: 'INDEX_TIMESTAMP_INVALID', message: 'timestamp is no ISO 8601 time' });
  return { tenant, dataset, jurisdiction, time, judgement };
}
