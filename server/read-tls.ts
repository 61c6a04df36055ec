// Reads the PEM files of a listener and says which of them is wrong, before anything listens.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { ListenerTls } from '../ingest/receivers/start-http-receivers.ts';
import type { TlsFiles } from '../ingest/source-config.ts';
import { describeError, PicketError } from '../platform/core/errors.ts';
import type { SiteConfig } from './site-config.ts';

/** @throws PicketError TLS_FILE with the file that cannot be read, is no PEM, or does not belong to the other */
export function readTls(files: TlsFiles): ListenerTls {
  const { certificate_file, key_file, client_ca_file } = files;
  const certificate = readCertificate(certificate_file);
  const key = readText(key_file);
  try {
    createSecureContext({ cert: certificate, key });
  } catch (cause) {
    throw fault(key_file, `no private key of ${certificate_file}: ${describeError(cause)}`, cause);
  }
  return {
    certificate,
    key,
    ...(client_ca_file === undefined ? {} : { client_ca: readCertificate(client_ca_file) }),
  };
}

export interface ClientTlsFiles {
  readonly ca_file?: string | undefined;
  readonly certificate_file?: string | undefined;
  readonly key_file?: string | undefined;
}

/** The PEM texts of a client's TLS settings. @throws PicketError TLS_FILE as readTls */
export function readClientTls(files: ClientTlsFiles): { ca?: string; certificate?: string; key?: string } {
  const { ca_file, certificate_file, key_file } = files;
  const own =
    certificate_file === undefined || key_file === undefined
      ? undefined
      : readTls({ certificate_file, key_file });
  return {
    ...(ca_file === undefined ? {} : { ca: readCertificate(ca_file) }),
    ...(own ? { certificate: own.certificate, key: own.key } : {}),
  };
}

/** Every place of a configuration where a listener's TLS files are named, by its key path. */
export function listTlsFiles(config: SiteConfig): { path: string; files: TlsFiles }[] {
  const { listen, ingest, sources } = config;
  return [
    ...(listen.tls ? [{ path: 'listen.tls', files: listen.tls }] : []),
    ...(ingest?.tls ? [{ path: 'ingest.tls', files: ingest.tls }] : []),
    ...sources.flatMap(({ receivers }, source) =>
      receivers.flatMap((receiver, at) =>
        receiver.type === 'tls-syslog'
          ? [{ path: `sources.${source}.receivers.${at}.tls`, files: receiver.tls }]
          : [],
      ),
    ),
  ];
}

/** Every place of a configuration where the TLS files of a client are named, by its key path. */
export function listClientTls(config: SiteConfig): { path: string; files: ClientTlsFiles }[] {
  const { bus, elasticsearch, index, parent } = config;
  const clusters = index.engine === 'elasticsearch' ? index.clusters : [];
  const places: [path: string, files: ClientTlsFiles | undefined][] = [
    ['bus.tls', bus.engine === 'kafka' ? bus.tls : undefined],
    ['elasticsearch.tls', elasticsearch?.tls],
    ...clusters.map(({ connection }, at): [string, ClientTlsFiles | undefined] => [
      `index.clusters.${at}.connection.tls`,
      connection.tls,
    ]),
    ['parent.ingress.tls', parent?.ingress?.tls],
  ];
  return places.flatMap(([path, files]) => (files ? [{ path, files }] : []));
}

function readCertificate(file: string): string {
  const text = readText(file);
  try {
    new X509Certificate(text).toString();
  } catch (cause) {
    throw fault(file, `no certificate in PEM: ${describeError(cause)}`, cause);
  }
  return text;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw fault(file, describeError(cause), cause);
  }
}

function fault(file: string, message: string, cause: unknown): PicketError {
  return new PicketError({ code: 'TLS_FILE', message, place: { file }, cause });
}
