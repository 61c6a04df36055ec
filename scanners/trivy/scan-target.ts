// Scans an image tarball or a folder with Trivy and gives its JSON report, without any network.
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { PicketError } from '../../platform/core/errors.ts';

/** An image as `docker save` or `skopeo copy … docker-archive:` writes it, or a file or folder. */
export interface ScanTarget {
  readonly kind: 'image' | 'filesystem';
  readonly path: string;
}

export type Scanner = 'vuln' | 'secret' | 'misconfig';

export interface ScanReport {
  /** Trivy's JSON report (schema version 2), as it wrote it. */
  readonly report: Buffer;
  /** What was looked for: vulnerabilities only where the cache folder holds their database. */
  readonly scanners: readonly Scanner[];
}

/** A report larger than this is refused; no receiver would take it. */
const REPORT_LIMIT_BYTES = 256 * 1024 * 1024;
/** How much of what Trivy said last stands in an error. */
const COMPLAINT_LINES = 5;

/**
 * Runs Trivy with nothing fetched: no database, checks or version update, no telemetry. Findings are no failure.
 * `cacheFolder` is Trivy's `--cache-dir`; vulnerabilities are looked for when it holds `db/trivy.db`.
 * @throws PicketError TRIVY_MISSING, TRIVY_FAILED (with its last lines), TRIVY_TIMEOUT, TRIVY_CANCELLED
 */
export async function scanTarget(options: {
  /** Path of the program, or its name on PATH. */
  trivy: string;
  target: ScanTarget;
  cacheFolder?: string | undefined;
  timeout_ms: number;
  signal?: AbortSignal | undefined;
}): Promise<ScanReport> {
  const { trivy, target, cacheFolder, timeout_ms, signal } = options;
  const scanners: Scanner[] = ['secret', 'misconfig'];
  if (cacheFolder !== undefined && (await exists(join(cacheFolder, 'db', 'trivy.db'))))
    scanners.unshift('vuln');
  const result = await execa(trivy, buildArguments({ target, cacheFolder, scanners }), {
    stdin: 'ignore',
    encoding: 'buffer',
    timeout: timeout_ms,
    maxBuffer: REPORT_LIMIT_BYTES,
    reject: false,
    forceKillAfterDelay: 5_000,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  if (!result.failed) return { report: Buffer.from(result.stdout), scanners };
  if (result.code === 'ENOENT' || result.code === 'EACCES') {
    throw new PicketError({
      code: 'TRIVY_MISSING',
      message: `${trivy} cannot be run: install Trivy, or name its path`,
      cause: result,
    });
  }
  if (result.timedOut)
    throw new PicketError({
      code: 'TRIVY_TIMEOUT',
      message: `trivy was not done with ${target.path} within ${timeout_ms} ms`,
      cause: result,
    });
  if (result.isCanceled)
    throw new PicketError({ code: 'TRIVY_CANCELLED', message: `the scan of ${target.path} was cancelled` });
  const said = Buffer.from(result.stderr).toString('utf8').trimEnd().split('\n').slice(-COMPLAINT_LINES);
  const complaint = said.join('\n').trim() || (result.shortMessage ?? 'no reason given');
  throw new PicketError({
    code: 'TRIVY_FAILED',
    message: `trivy could not scan ${target.path}: ${complaint}`,
    cause: result,
  });
}

/** The argument list; paths are absolute, so that none is taken for an option. */
function buildArguments(options: {
  target: ScanTarget;
  cacheFolder: string | undefined;
  scanners: readonly Scanner[];
}): string[] {
  const { target, cacheFolder, scanners } = options;
  const path = resolve(target.path);
  return [
    ...(target.kind === 'image'
      ? ['image', '--input', path, '--image-config-scanners', 'misconfig,secret']
      : ['filesystem', path]),
    '--scanners',
    scanners.join(','),
    '--skip-check-update',
    '--offline-scan',
    '--skip-version-check',
    '--disable-telemetry',
    '--format',
    'json',
    '--quiet',
    ...(cacheFolder === undefined ? [] : ['--cache-dir', resolve(cacheFolder)]),
    ...(scanners.includes('vuln') ? ['--skip-db-update', '--skip-java-db-update'] : []),
  ];
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
