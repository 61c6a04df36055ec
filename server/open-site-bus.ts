// Opens the bus that a site's configuration asks for: embedded in its data folder, or Kafka with a spool on this disk in front.
import { join } from 'node:path';
import type { Bus } from '../platform/bus/bus.ts';
import type { KafkaBusConfig, KafkaConnectionConfig } from '../platform/bus/bus-config.ts';
import { type KafkaBusSettings, openBus, openForeignBus } from '../platform/bus/open-bus.ts';
import { spoolFolder } from '../platform/bus/spool/spool-folder.ts';
import { openSpooledBus } from '../platform/bus/spool/spooled-bus.ts';
import type { Clock } from '../platform/core/clock.ts';
import type { Counters } from '../platform/core/counters.ts';
import type { Logger } from '../platform/core/log.ts';
import { TOPICS } from '../platform/core/topics.ts';
import { readClientTls } from './read-tls.ts';
import type { SiteConfig } from './site-config.ts';

/** @throws PicketError what openBus says, TLS_FILE; that the brokers are away is no reason not to start */
export async function openSiteBus(options: {
  config: SiteConfig;
  /** Folder of this process's own files. */
  folder: string;
  clock: Clock;
  counters: Counters;
  logger: Logger;
}): Promise<Bus> {
  const { config, folder, clock, counters, logger } = options;
  const { bus: settings } = config;
  if (settings.engine === 'embedded')
    return openBus({ engine: 'embedded', folder: join(folder, 'bus'), clock });
  const bus = await openBus({ ...kafkaSettings(settings, config.site.id), clock, logger, patient: true });
  try {
    return await openSpooledBus({
      bus,
      store: spoolFolder({ folder: join(folder, 'spool'), max_bytes: settings.spool.max_bytes, clock }),
      counters,
      logger,
    });
  } catch (error) {
    await bus.close();
    throw error;
  }
}

/** What the configuration says of brokers and topics, with the files of its TLS read. @throws PicketError TLS_FILE */
export function kafkaSettings(
  config: KafkaBusConfig,
  site: string,
): Pick<KafkaBusSettings, 'engine' | 'connection' | 'topics' | 'compression' | 'limits'> {
  const { topics, compression, delivery_timeout_ms } = config;
  return {
    engine: 'kafka',
    connection: readConnection(config, site),
    topics: {
      create: topics.create,
      ...(topics.replication_factor === undefined ? {} : { replication_factor: topics.replication_factor }),
      partitions: { [TOPICS.events.name]: topics.events_partitions },
    },
    compression,
    limits: { delivery_timeout_ms },
  };
}

/** The bus of a parent, for a site that hands its batches in there: it makes no topics and keeps no dead letters. */
export function openParentBus(options: {
  connection: KafkaConnectionConfig;
  site: string;
  clock: Clock;
  logger: Logger;
}): Promise<Bus> {
  const { connection, site, clock, logger } = options;
  return openForeignBus({
    connection: readConnection(connection, site),
    topics: { create: false },
    clock,
    logger,
  });
}

function readConnection(config: KafkaConnectionConfig, site: string): KafkaBusSettings['connection'] {
  const { brokers, client_id, tls, sasl } = config;
  return {
    brokers,
    client_id: client_id ?? `picket-${site}`,
    ...(tls
      ? {
          tls: {
            ...readClientTls(tls),
            ...(tls.server_name === undefined ? {} : { server_name: tls.server_name }),
          },
        }
      : {}),
    ...(sasl ? { sasl } : {}),
  };
}
