// picket scan: scans a folder or an image tarball with Trivy and feeds the report to a source of a running site.
import type { Command } from 'commander';
import { PicketError } from '../../platform/core/errors.ts';
import { scanTarget } from '../../scanners/trivy/scan-target.ts';
import { UsageError } from './exit-codes.ts';
import { printJson, printLine } from './output.ts';
import { sendRecords } from './replay.ts';
import { addSiteOptions, connect, type SiteOptions } from './site-options.ts';

interface ScanOptions extends SiteOptions {
  source: string;
  image?: boolean;
  trivy: string;
  cache?: string;
  timeout: string;
}

export function addScanCommand(program: Command): void {
  addSiteOptions(
    program
      .command('scan')
      .description('scan a folder or an image with Trivy, and feed the report to a source of the site')
      .argument('<target>', 'a folder or file; with --image an image tarball (docker save)')
      .requiredOption('--source <name>', 'id of a configured source of format trivy')
      .option('--image', 'the target is an image tarball')
      .option('--trivy <path>', 'the program', process.env['PICKET_TRIVY'] ?? 'trivy')
      .option(
        '--cache <folder>',
        "Trivy's cache folder; vulnerabilities are looked for when it holds db/trivy.db",
      )
      .option('--timeout <s>', 'give up after so many seconds', '600')
      .addHelpText(
        'after',
        `
Examples:
  picket scan /srv/app --source trivy --data picket-data/factory-lyon
  picket scan hmi-gateway.tar --image --cache /var/cache/trivy --source trivy
Nothing is fetched from the network. Exit codes: 0 done (findings are no failure), 1 the report went to the dead letters, 3 failed.
`,
      ),
  ).action(async (path: string, options: ScanOptions) => {
    const seconds = Number(options.timeout);
    if (!(seconds > 0 && seconds <= 86_400))
      throw new UsageError({
        code: 'TIMEOUT_INVALID',
        message: `not a number of seconds: ${options.timeout}`,
      });
    const api = await connect(options);
    // Asked before the scan: a wrong name should not cost minutes.
    const { sources } = await api.call<{ sources: { id: string; format: string }[] }>(
      'GET',
      '/api/v1/sources',
    );
    const fitting = sources.filter(({ format }) => format === 'trivy').map(({ id }) => id);
    if (!fitting.includes(options.source)) {
      throw new PicketError({
        code: 'SOURCE_UNKNOWN',
        message: `this site has no source ${options.source} of format trivy (it has: ${fitting.join(', ') || 'none'})`,
      });
    }
    const stop = new AbortController();
    const abort = (): void => stop.abort();
    process.once('SIGINT', abort).once('SIGTERM', abort);
    const { report, scanners } = await scanTarget({
      trivy: options.trivy,
      target: { kind: options.image ? 'image' : 'filesystem', path },
      cacheFolder: options.cache,
      timeout_ms: seconds * 1_000,
      signal: stop.signal,
    });
    process.off('SIGINT', abort).off('SIGTERM', abort);
    const totals = await sendRecords({
      api,
      source: options.source,
      records: [{ bytes: report.toString('base64'), ordinal: 0 }],
      replayed: false,
      pause_ms: 0,
    });
    const { accepted, rejected, events } = totals;
    if (options.json) printJson({ target: path, scanners, bytes: report.length, accepted, rejected, events });
    else
      printLine(
        `${path}: looked for ${scanners.join(', ')}; ${events} events, ${rejected} to the dead letters`,
      );
    if (rejected > 0) process.exitCode = 1;
  });
}
