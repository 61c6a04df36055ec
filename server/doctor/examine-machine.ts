// The site's own machine: room on the disk of its data, and certificates that run out.
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeError } from '../../platform/core/errors.ts';
import { listClientTls, listTlsFiles } from '../read-tls.ts';
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

/** Every certificate file of the configuration, at `now` (ms since the epoch). */
export function examineCertificates(config: SiteConfig, now: number): Finding[] {
  const files = [...listTlsFiles(config), ...listClientTls(config)].flatMap(({ path, files: named }) =>
    ['ca_file' in named ? named.ca_file : undefined, named.certificate_file]
      .filter((file) => file !== undefined)
      .map((file) => [path, file] as const),
  );
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
