// picket report residency: what stayed and what left, for auditors.
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import type { ResidencyReport } from '../../report/residency/build-report.ts';
import { renderResidencyReport } from '../../report/residency/render-html.ts';
import { UsageError } from './exit-codes.ts';
import { printJson, printLine } from './output.ts';
import { parseTime } from './search.ts';
import { addSiteOptions, connect, type SiteOptions } from './site-options.ts';

export function addReportCommand(program: Command): void {
  const report = program.command('report').description('reports for audits');
  addSiteOptions(
    report
      .command('residency')
      .description(
        'per jurisdiction: what stayed, what left, which fields were removed or hashed by which rule',
      )
      .option('--since <time>', 'from then: 24h, 30d or ISO 8601')
      .option('--until <time>', 'to then')
      .option('--html <file>', 'write the page for auditors there')
      .option('--language <code>', 'en or zh', 'en'),
  ).action(
    async (options: SiteOptions & { since?: string; until?: string; html?: string; language: string }) => {
      if (options.language !== 'en' && options.language !== 'zh') {
        throw new UsageError({
          code: 'LANGUAGE_UNKNOWN',
          message: `no language ${options.language}: en or zh`,
        });
      }
      const api = await connect(options);
      const now = Date.now();
      const query = new URLSearchParams();
      if (options.since) query.set('from', parseTime(options.since, now));
      if (options.until) query.set('to', parseTime(options.until, now));
      const built = await api.call<ResidencyReport>('GET', `/api/v1/reports/residency?${query.toString()}`);
      if (options.html !== undefined) {
        try {
          await writeFile(options.html, renderResidencyReport(built, options.language));
        } catch (cause) {
          throw new PicketError({
            code: 'REPORT_UNWRITABLE',
            message: describeError(cause),
            place: { file: options.html },
            cause,
          });
        }
        process.stderr.write(`picket: written to ${options.html}\n`);
        if (!options.json) return;
      }
      if (options.json) printJson(built);
      else printLine(JSON.stringify(built, null, 2));
    },
  );
}
