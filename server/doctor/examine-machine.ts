// The site's own machine: room on the disk of its data, and certificates that run out.
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeError } from '../../platform/core/errors.ts';
import { listTlsFiles } from '../read-tls.ts';
import type { SiteConfig } from '../site-config.ts';
import { type Finding, good, judgeSpace, problem, warning } from './finding.ts';

const DAY_MS = 86_400_000;
/** Certificates that end sooner are told. */
const SOON_MS = 30 * DAY_MS;

export async function examineDisk({ data }: SiteConfig): Promise<Finding> {
  // Before the first start the folder is not there yet: its disk is that of the folder around it.
  let folder = data;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, blocks, bsize } = await statfs(folder);
  return judgeSpace({
    subject: `disk of ${data}`,
    free: bavail * bsize,
    total: blocks * bsize,
    remedy: 'make room, shorten `retention`, or move `data` to a larger disk',
  });
}

type TlsClient =
  | { readonly ca_file?: string | undefined; readonly certificate_file?: string | undefined }
  | undefined;

/** Every certificate file of the configuration, at `now` (ms since the epoch). */
export function examineCertificates(config: SiteConfig, now: number): Finding[] {
  const { bus, elasticsearch, index, parent } = config;
  const clients: [string, TlsClient][] = [
    ['bus.tls', bus.engine === 'kafka' ? bus.tls : undefined],
    ['elasticsearch.tls', elasticsearch?.tls],
    ...(index.engine === 'elasticsearch'
      ? index.clusters.map(({ name, connection }): [string, TlsClient] => [
          `index.clusters ${name}`,
          connection.tls,
        ])
      : []),
    ['parent.ingress.tls', parent?.ingress?.tls],
  ];
  const files = [
    ...listTlsFiles(config).map(({ path, files: { certificate_file } }) => [path, certificate_file] as const),
    ...clients.flatMap(([path, tls]) =>
      [tls?.ca_file, tls?.certificate_file]
        .filter((file) => file !== undefined)
        .map((file) => [path, file] as const),
    ),
  ];
  return files.map(([path, file]) => examineCertificate(`certificate ${file} (${path})`, file, now));
}

function examineCertificate(subject: string, file: string, now: number): Finding {
  const remedy = 'put a new certificate there and start the site again';
  let ends: number;
  try {
    ends = Date.parse(new X509Certificate(readFileSync(file)).validTo);
  } catch (error) {
    return problem(
      subject,
      describeError(error),
      'name a file with a certificate in PEM that this user may read',
    );
  }
  const day = new Date(ends).toISOString().slice(0, 10);
  if (ends <= now) return problem(subject, `ended on ${day}`, remedy);
  return ends - now < SOON_MS
    ? warning(subject, `ends on ${day}`, remedy)
    : good(subject, `good until ${day}`);
}
