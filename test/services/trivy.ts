/** Runs the real Trivy without any network but its target: no update of databases or checks, no telemetry. */
import { execa } from 'execa';
import { requireProgram } from './programs.ts';

/** What to scan: a folder, an image tarball as `docker save` writes it, or an image in a registry. */
export type TrivyTarget = { folder: string } | { tarball: string } | { image: string };

function targetArguments(target: TrivyTarget): string[] {
  if ('folder' in target) return ['filesystem', target.folder];
  if ('tarball' in target) return ['image', '--input', target.tarball];
  return ['image', '--image-src', 'remote', '--insecure', target.image];
}

/**
 * Scans and gives Trivy's JSON report as text. `databaseFolder` (Trivy's cache folder with `db/trivy.db`) turns the
 * vulnerability scanner on. Rejects when Trivy fails; findings are no failure.
 */
export async function runTrivy(options: {
  target: TrivyTarget;
  databaseFolder?: string;
  format?: 'json' | 'cyclonedx';
  environment?: Record<string, string>;
  timeout_ms?: number;
  signal?: AbortSignal;
}): Promise<string> {
  const scanners = options.databaseFolder === undefined ? 'secret,misconfig' : 'vuln,secret,misconfig';
  const isImage = !('folder' in options.target);
  const database =
    options.databaseFolder === undefined
      ? []
      : ['--cache-dir', options.databaseFolder, '--skip-db-update', '--skip-java-db-update'];
  const { stdout } = await execa(
    requireProgram('trivy'),
    [
      ...targetArguments(options.target),
      '--scanners',
      scanners,
      ...(isImage ? ['--image-config-scanners', 'misconfig,secret'] : []),
      '--skip-check-update',
      '--offline-scan',
      '--skip-version-check',
      '--disable-telemetry',
      '--format',
      options.format ?? 'json',
      '--quiet',
      ...database,
    ],
    {
      stdin: 'ignore',
      timeout: options.timeout_ms ?? 120_000,
      maxBuffer: 64 * 1024 * 1024,
      env: options.environment ?? {},
      ...(options.signal === undefined ? {} : { cancelSignal: options.signal }),
    },
  );
  return stdout;
}
