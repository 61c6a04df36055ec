// The configuration of a site's Elasticsearch: where the cluster is, and which of the site's stores stand there.
import { z } from 'zod';
import { Jurisdiction } from '../core/names.ts';
import { PERIODS } from '../index/segment-name.ts';

/** How a cluster is reached and an account is proved to it. */
export const ElasticsearchConfig = z
  .strictObject({
    nodes: z.array(z.url({ protocol: /^https?$/ })).min(1),
    username: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    api_key: z.string().min(1).optional(),
    tls: z
      .strictObject({
        ca_file: z.string().optional(),
        certificate_file: z.string().optional(),
        key_file: z.string().optional(),
      })
      .refine(
        ({ certificate_file, key_file }) => (certificate_file === undefined) === (key_file === undefined),
        { message: 'certificate_file and key_file go together' },
      )
      .optional(),
    request_timeout_ms: z.number().int().min(1_000).default(30_000),
  })
  .refine(({ username, password }) => (username === undefined) === (password === undefined), {
    message: 'username and password go together',
  })
  .refine(({ username, api_key }) => username === undefined || api_key === undefined, {
    message: 'username and api_key exclude one another',
  });
export type ElasticsearchConfig = z.infer<typeof ElasticsearchConfig>;

const Replicas = z.number().int().min(0).max(10).default(1);

export const IndexConfig = z.discriminatedUnion('engine', [
  z.strictObject({ engine: z.literal('embedded') }),
  z.strictObject({
    engine: z.literal('elasticsearch'),
    period: z.enum(PERIODS).default('week'),
    shards: z.number().int().min(1).max(64).default(1),
    replicas: Replicas,
    refresh_interval: z
      .string()
      .regex(/^\d+(?:ms|s|m)$/, 'must be a time as `1s`')
      .default('1s'),
    most_fields: z.number().int().min(500).max(50_000).default(1_500),
    /** Events of these jurisdictions stand on clusters of their own. */
    clusters: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(100),
          jurisdictions: z.array(Jurisdiction).min(1),
          connection: ElasticsearchConfig,
        }),
      )
      .default([])
      .refine(
        (clusters) => {
          const all = clusters.flatMap(({ jurisdictions }) => jurisdictions);
          return new Set(all).size === all.length;
        },
        { message: 'a jurisdiction has one cluster' },
      ),
  }),
]);

export const RecordsConfig = z.discriminatedUnion('engine', [
  z.strictObject({ engine: z.literal('embedded') }),
  z.strictObject({
    engine: z.literal('elasticsearch'),
    /** Installations that share a cluster have an index each. */
    index: z
      .string()
      .regex(/^[a-z][a-z0-9_.]{0,99}$/, 'must be a name of lower-case letters, digits, `_` and `.`')
      .default('picket_records'),
    replicas: Replicas,
  }),
]);
