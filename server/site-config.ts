// The configuration of one site: what `picket up --site FILE` reads and `picket check` judges.
import { z } from 'zod';
import { STATUSES } from '../detect/sigma/rule.ts';
import { SourceConfig, TlsFiles } from '../ingest/source-config.ts';
import { BusConfig, KafkaConnectionConfig } from '../platform/bus/bus-config.ts';
import { EntityType } from '../platform/core/entity.ts';
import { Jurisdiction, Level, SiteTier, Slug } from '../platform/core/names.ts';
import { parseNetwork } from '../platform/core/network.ts';
import { Criticality } from '../platform/core/risk.ts';
import {
  ElasticsearchConfig,
  IndexConfig,
  RecordsConfig,
} from '../platform/elasticsearch/elasticsearch-config.ts';
import { NotifierConfig } from '../respond/notify/registry.ts';

const Port = z.number().int().min(0).max(65_535);
const Host = z.string().min(1).default('127.0.0.1');

export const SiteConfig = z
  .strictObject({
    tenant: Slug,
    site: z.strictObject({
      id: Slug,
      name: z.string().min(1).max(200).optional(),
      tier: SiteTier,
      jurisdiction: Jurisdiction,
    }),
    /** Folder of everything that the site keeps. */
    data: z.string().min(1),
    /** Folder of the keys of the site and of its authority; the data folder when left out. */
    keys: z.string().min(1).optional(),
    /** What the stages of this site pass events to one another by. */
    bus: BusConfig.prefault({ engine: 'embedded' }),
    /** The cluster of what stands on Elasticsearch. */
    elasticsearch: ElasticsearchConfig.optional(),
    /** Where events are kept and searched. */
    index: IndexConfig.prefault({ engine: 'embedded' }),
    /** Where alerts, incidents and what else changes are kept. */
    records: RecordsConfig.prefault({ engine: 'embedded' }),
    /** The API and the page. Port 0 takes a free one. */
    listen: z.strictObject({
      host: Host,
      port: Port,
      tls: TlsFiles.omit({ client_ca_file: true }).optional(),
    }),
    /** The HTTP receivers (records and _bulk); none when left out. */
    ingest: z.strictObject({ host: Host, port: Port, tls: TlsFiles.optional() }).optional(),
    /** Where children call in; a centre and a region have one. */
    link: z
      .strictObject({
        host: Host,
        port: Port,
        names: z.array(z.string()).default([]),
        /** How children reach it; host and port when left out. */
        url: z.url({ protocol: /^https$/ }).optional(),
      })
      .optional(),
    /** How the site finds its parent: the text that `picket sites new` gave, or a file that holds it. */
    parent: z
      .strictObject({
        bundle: z.string().optional(),
        bundle_file: z.string().optional(),
        ingress: KafkaConnectionConfig.optional(),
      })
      .optional(),
    sources: z.array(SourceConfig).default([]),
    content: z
      .strictObject({
        /** Folders of Sigma rules, read whole. */
        rules: z.array(z.string()).default(['rules/sigma', 'rules/correlation']),
        pipelines: z.string().default('rules/pipelines'),
        playbooks: z.string().default('rules/playbooks'),
        investigation: z.string().default('rules/investigation'),
        residency: z.string().default('rules/residency'),
        entity_fields: z.string().default('rules/entities/entity-fields.yaml'),
      })
      .prefault({}),
    detect: z
      .strictObject({
        /** Folder of Sigma filters that hide matches; the API makes further ones in the site's records. */
        exceptions: z.string().min(1).optional(),
        gates: z
          .strictObject({
            level: Level.optional(),
            statuses: z.array(z.enum(STATUSES)).min(1).optional(),
            tags: z.array(z.string().min(1)).min(1).optional(),
          })
          .optional(),
      })
      .prefault({}),
    respond: z
      .strictObject({
        /** `file` writes the ruleset for others to load; `nft` puts it into this machine's kernel. */
        executor: z.discriminatedUnion('type', [
          z.strictObject({ type: z.literal('file'), path: z.string() }),
          z.strictObject({ type: z.literal('nft') }),
        ]),
        /** Addresses and networks that no action may touch. */
        protected_networks: z
          .array(
            z.string().refine((text) => parseNetwork(text) !== undefined, 'must be an address or a network'),
          )
          .default([]),
      })
      .optional(),
    notifiers: z.array(NotifierConfig).default([]),
    retention: z
      .array(
        z.strictObject({
          jurisdiction: Jurisdiction.optional(),
          /** The dataset, or all of a module as `windows.*`. */
          dataset: z
            .string()
            .regex(/^[a-z0-9_]+(?:\.[a-z0-9_]+)*(?:\.\*)?$/, 'must be a dataset or `<module>.*`')
            .optional(),
          days: z.number().int().min(1),
        }),
      )
      .default([]),
    assets: z
      .array(
        z.strictObject({
          type: EntityType,
          /** The entity's value, with `*` for any letters; case is ignored. */
          value: z.string().min(1),
          criticality: Criticality,
        }),
      )
      .default([]),
    metrics: z
      .strictObject({
        prometheus: z.strictObject({ host: Host, port: Port.default(9_464) }).optional(),
        otlp: z
          .strictObject({
            url: z.url({ protocol: /^https?$/ }),
            headers: z.record(z.string(), z.string()).default({}),
            interval_ms: z.number().int().min(1_000).default(60_000),
          })
          .optional(),
      })
      .prefault({}),
    log: z
      .strictObject({
        level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
        file: z.string().optional(),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    const seen = new Set<string>();
    for (const [at, { id }] of config.sources.entries()) {
      if (seen.has(id))
        context.addIssue({
          code: 'custom',
          path: ['sources', at, 'id'],
          message: `source ${id} is named twice`,
        });
      seen.add(id);
    }
    for (const store of ['index', 'records'] as const)
      if (config[store].engine === 'elasticsearch' && !config.elasticsearch)
        context.addIssue({
          code: 'custom',
          path: [store, 'engine'],
          message: 'needs `elasticsearch.nodes`: where the cluster is',
        });
    if (config.site.tier === 'centre' && config.parent) {
      context.addIssue({ code: 'custom', path: ['parent'], message: 'a centre has no parent' });
    }
    if (config.site.tier === 'edge' && config.link) {
      context.addIssue({
        code: 'custom',
        path: ['link'],
        message: 'an edge site has no children, so nothing may listen for them',
      });
    }
    if (config.bus.engine === 'kafka' && config.bus.ingress && !config.link) {
      context.addIssue({
        code: 'custom',
        path: ['bus', 'ingress'],
        message: 'needs `link`: sites enrol there before they hand anything in',
      });
    }
    for (const [at, { receivers, access }] of config.sources.entries()) {
      const http = receivers.some(({ type }) => type === 'http' || type === 'bulk');
      if (http && access.client_certificate && config.ingest?.tls?.client_ca_file === undefined) {
        context.addIssue({
          code: 'custom',
          path: ['sources', at, 'access', 'client_certificate'],
          message: 'needs ingest.tls.client_ca_file, which asks for the certificate',
        });
      }
    }
    for (const [path, message] of findPortClashes(config))
      context.addIssue({ code: 'custom', path, message });
    const needsHttp = config.sources.findIndex(({ receivers }) =>
      receivers.some(({ type }) => type === 'http' || type === 'bulk'),
    );
    if (needsHttp >= 0 && !config.ingest) {
      context.addIssue({
        code: 'custom',
        path: ['sources', needsHttp, 'receivers'],
        message: 'an http or bulk receiver needs `ingest` with a port',
      });
    }
  });
export type SiteConfig = z.infer<typeof SiteConfig>;

/** Listeners that would take one another's port, as key path and message. */
function findPortClashes(config: {
  readonly listen: Listener;
  readonly ingest?: Listener | undefined;
  readonly link?: Listener | undefined;
  readonly sources: readonly Pick<SourceConfig, 'receivers'>[];
}): [(string | number)[], string][] {
  const listeners: { path: (string | number)[]; at: string }[] = [];
  const add = (path: (string | number)[], { host, port }: Listener, protocol = 'tcp'): void => {
    if (port !== 0) listeners.push({ path: [...path, 'port'], at: `${protocol} ${host} ${port}` });
  };
  add(['listen'], config.listen);
  if (config.ingest) add(['ingest'], config.ingest);
  if (config.link) add(['link'], config.link);
  for (const [source, { receivers }] of config.sources.entries()) {
    for (const [at, receiver] of receivers.entries()) {
      if ('port' in receiver)
        add(['sources', source, 'receivers', at], receiver, receiver.type.startsWith('udp') ? 'udp' : 'tcp');
    }
  }
  return listeners.flatMap(({ path, at }, nth): [(string | number)[], string][] => {
    const first = listeners.findIndex((other) => other.at === at);
    const earlier = listeners[first]?.path.slice(0, -1).join('.');
    return first < nth ? [[path, `${earlier} listens on this port already`]] : [];
  });
}

interface Listener {
  readonly host: string;
  readonly port: number;
}
