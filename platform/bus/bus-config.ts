// The configuration of a site's bus: embedded in its data folder, or Kafka.
import { z } from 'zod';

const GIB = 1024 ** 3;

const EmbeddedBusConfig = z.strictObject({ engine: z.literal('embedded') });

/** How brokers are reached and an account is proved to them. */
const CONNECTION = {
  brokers: z
    .array(z.string().regex(/^(?:\[[0-9a-fA-F:]+\]|[^:\s/]+):\d{1,5}$/, 'must be `host:port`'))
    .min(1),
  client_id: z.string().min(1).optional(),
  tls: z
    .strictObject({
      ca_file: z.string().optional(),
      certificate_file: z.string().optional(),
      key_file: z.string().optional(),
      server_name: z.string().optional(),
    })
    .refine(
      ({ certificate_file, key_file }) => (certificate_file === undefined) === (key_file === undefined),
      {
        message: 'certificate_file and key_file go together',
      },
    )
    .optional(),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
      username: z.string().min(1),
      password: z.string().min(1),
    })
    .optional(),
};

/** The Kafka of a parent, into which a site hands its batches. */
export const KafkaConnectionConfig = z.strictObject(CONNECTION);
export type KafkaConnectionConfig = z.infer<typeof KafkaConnectionConfig>;

const KafkaBusConfig = z.strictObject({
  engine: z.literal('kafka'),
  ...CONNECTION,
  topics: z
    .strictObject({
      create: z.boolean().default(true),
      replication_factor: z.number().int().min(1).max(32).optional(),
      events_partitions: z.number().int().min(1).max(10_000).default(24),
    })
    .prefault({}),
  ingress: z.boolean().default(false),
  compression: z.enum(['zstd', 'none']).default('zstd'),
  delivery_timeout_ms: z.number().int().min(500).default(5_000),
  spool: z
    .strictObject({
      max_bytes: z
        .number()
        .int()
        .min(16 * 1024 ** 2)
        .default(8 * GIB),
    })
    .prefault({}),
});

export const BusConfig = z.discriminatedUnion('engine', [EmbeddedBusConfig, KafkaBusConfig]);
export type BusConfig = z.infer<typeof BusConfig>;
export type KafkaBusConfig = Extract<BusConfig, { engine: 'kafka' }>;
