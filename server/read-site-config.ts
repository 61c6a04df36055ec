// Reads a site's configuration file, with every path in it made absolute beside it.
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import type { ReceiverConfig, TlsFiles } from '../ingest/source-config.ts';
import { loadConfig } from '../platform/core/config.ts';
import { SiteConfig } from './site-config.ts';

/**
 * Paths of content stay as they are written: they may lie with the program as well (content-path.ts).
 * @throws ConfigError with every problem found
 */
export function readSiteConfig(options: {
  file: string;
  environment: Readonly<Record<string, string | undefined>>;
}): SiteConfig {
  const { file, environment } = options;
  const folder = dirname(resolve(file));
  const config = loadConfig({ file, schema: SiteConfig as z.ZodType<SiteConfig>, environment });
  const beside = (path: string): string => resolve(folder, path);
  const { listen, ingest, parent, respond, log, keys } = config;
  return {
    ...config,
    data: beside(config.data),
    ...(keys === undefined ? {} : { keys: beside(keys) }),
    bus: placeBus(config.bus, beside),
    ...(config.elasticsearch ? { elasticsearch: placeClientTls(config.elasticsearch, beside) } : {}),
    index: placeIndex(config.index, beside),
    listen: placeTls(listen, beside),
    ...(ingest ? { ingest: placeTls(ingest, beside) } : {}),
    ...(parent ? { parent: placeParent(parent, beside) } : {}),
    sources: config.sources.map((source) => ({
      ...source,
      receivers: source.receivers.map((receiver) => placeReceiver(receiver, beside)),
    })),
    ...(respond?.executor.type === 'file'
      ? { respond: { ...respond, executor: { type: 'file', path: beside(respond.executor.path) } } }
      : {}),
    ...(log.file === undefined ? {} : { log: { ...log, file: beside(log.file) } }),
  };
}

type Beside = (path: string) => string;

function placeBus(bus: SiteConfig['bus'], beside: Beside): SiteConfig['bus'] {
  return bus.engine === 'kafka' ? placeClientTls(bus, beside) : bus;
}

function placeIndex(index: SiteConfig['index'], beside: Beside): SiteConfig['index'] {
  if (index.engine !== 'elasticsearch') return index;
  const clusters = index.clusters.map((cluster) => ({
    ...cluster,
    connection: placeClientTls(cluster.connection, beside),
  }));
  return { ...index, clusters };
}

function placeParent(
  parent: NonNullable<SiteConfig['parent']>,
  beside: Beside,
): NonNullable<SiteConfig['parent']> {
  const { bundle_file, ingress } = parent;
  return {
    ...parent,
    ...(bundle_file === undefined ? {} : { bundle_file: beside(bundle_file) }),
    ...(ingress ? { ingress: placeClientTls(ingress, beside) } : {}),
  };
}

interface ClientFiles {
  ca_file?: string | undefined;
  certificate_file?: string | undefined;
  key_file?: string | undefined;
}

/** Of a connection to brokers or to a cluster. */
function placeClientTls<T extends { readonly tls?: ClientFiles | undefined }>(
  connection: T,
  beside: Beside,
): T {
  const { tls } = connection;
  if (!tls) return connection;
  const placed = { ...tls };
  for (const name of ['ca_file', 'certificate_file', 'key_file'] as const) {
    const path = tls[name];
    if (path !== undefined) placed[name] = beside(path);
  }
  return { ...connection, tls: placed };
}

function placeReceiver(receiver: ReceiverConfig, beside: Beside): ReceiverConfig {
  if (receiver.type === 'file') return { ...receiver, paths: receiver.paths.map(beside) };
  return receiver.type === 'tls-syslog' ? placeTls(receiver, beside) : receiver;
}

function placeTls<T extends { tls?: TlsFiles | undefined }>(listener: T, beside: Beside): T {
  const { tls } = listener;
  if (!tls) return listener;
  return {
    ...listener,
    tls: {
      certificate_file: beside(tls.certificate_file),
      key_file: beside(tls.key_file),
      ...(tls.client_ca_file === undefined ? {} : { client_ca_file: beside(tls.client_ca_file) }),
    },
  };
}
