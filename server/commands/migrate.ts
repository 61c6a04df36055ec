// picket migrate: moves a stopped site from its embedded stores to Kafka and Elasticsearch.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import { createLogger } from '../../platform/core/log.ts';
import type { MigrationReport } from '../migrate/migrate-site.ts';
import type { MigrationPreview } from '../migrate/preview-migration.ts';
import type { SiteConfig } from '../site-config.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { printJson, printLine, printTable, visible } from './output.ts';

interface Options {
  site: string;
  from?: string;
  dryRun?: boolean;
  replace?: boolean;
  restart?: boolean;
  sample: string;
  json?: boolean;
}

export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description(
      'move a stopped site from its embedded stores to the Kafka and Elasticsearch that its new configuration names (docs/migrate.md)',
    )
    .requiredOption('--site <file>', 'the new configuration of the site')
    .option(
      '--from <folder>',
      "data folder with the embedded stores (default: the new configuration's `data`)",
    )
    .option('--dry-run', 'count what would move and look at the servers; nothing is changed')
    .option('--replace', 'overwrite records of the target that differ')
    .option('--restart', 'forget what earlier runs have moved, and move everything again')
    .option('--sample <n>', 'events of each segment to compare by content in the end', '20')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Run it again when it was interrupted: it goes on where it ended, and nothing is there twice.
Exit codes: 0 everything moved and verified, 1 something did not arrive as it was, 3 it could not do its work or was interrupted.

Examples:
  picket migrate --site site.yaml --dry-run
  picket migrate --site new.yaml --from /var/lib/picket
`,
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const sample = Number(options.sample);
  if (!Number.isInteger(sample) || sample < 0)
    throw new UsageError({ code: 'SAMPLE_INVALID', message: `not a number of events: ${options.sample}` });
  const { readSiteConfig } = await import('../read-site-config.ts');
  const config = readSiteConfig({ file: options.site, environment: process.env });
  const from = options.from === undefined ? config.data : resolve(options.from);
  if (options.dryRun) {
    const { previewMigration } = await import('../migrate/preview-migration.ts');
    showPreview(await previewMigration({ config, from, clock: systemClock }), options);
    return;
  }
  const stop = new AbortController();
  const interrupted = new PicketError({
    code: 'MIGRATE_INTERRUPTED',
    message: 'stopped; what was moved is noted: the same command goes on from there',
  });
  // A second signal ends it at once, which loses nothing either.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(interrupted));
  showReport(await migrate({ config, from, sample, options, signal: stop.signal }), options);
}

async function migrate(run: {
  config: SiteConfig;
  from: string;
  sample: number;
  options: Options;
  signal: AbortSignal;
}): Promise<MigrationReport> {
  const { config, from, sample, options, signal } = run;
  const [{ migrateSite }, { createTeller }] = await Promise.all([
    import('../migrate/migrate-site.ts'),
    import('../migrate/tell-progress.ts'),
  ]);
  const write = (line: string): void => void process.stderr.write(`${visible(line)}\n`);
  const report = await migrateSite({
    config,
    from,
    replace: options.replace ?? false,
    restart: options.restart ?? false,
    sample,
    clock: systemClock,
    logger: createLogger({ name: config.site.id, level: config.log.level, file: config.log.file }),
    teller: createTeller({ clock: systemClock, write }),
    signal,
  });
  if (report.faults > 0) process.exitCode = EXIT.findings;
  return report;
}

function showReport(report: MigrationReport, { json }: Options): void {
  if (json) {
    printJson(report);
    return;
  }
  const { records, events, bus, faults, first_faults, finished_before, files_left } = report;
  for (const part of finished_before) printLine(`${part}: moved and verified by an earlier run`);
  if (bus) {
    printLine(
      `bus: ${bus.signals} signals of detection, ${bus.waiting} messages that waited, ${bus.dead_letters} dead letters`,
    );
  }
  if (records) {
    const { created, same, replaced, verified } = records;
    printLine(`records: ${created} written, ${same} there already, ${replaced} replaced`);
    printTable(
      verified.filter(({ records: held, more }) => held > 0 || more > 0).map((one) => ({ ...one })),
      ['collection', 'records', 'missing', 'differing', 'more'],
    );
  }
  if (events) {
    const { created, duplicate, verified } = events;
    printLine(`events: ${created} written, ${duplicate} there already`);
    printTable(
      verified.map((one) => ({ ...one })),
      ['dataset', 'jurisdiction', 'events', 'found', 'compared', 'differing'],
    );
  }
  for (const { kind, part, place, message } of first_faults)
    printLine(`${kind}: ${part}: ${place}: ${message}`);
  if (faults > 0) {
    const more = faults > first_faults.length ? '; all of them are in migrate/progress.sqlite' : '';
    printLine(`${faults} records or events did not arrive as they were${more}`);
  }
  showFilesLeft(files_left);
  if (faults === 0) printLine('everything is there: start the site by its new configuration');
}

function showPreview(preview: MigrationPreview, { json }: Options): void {
  const problems = preview.findings.filter(({ state }) => state === 'problem');
  if (problems.length > 0) process.exitCode = EXIT.findings;
  if (json) {
    printJson(preview);
    return;
  }
  const { records, events, bus, findings, files_left } = preview;
  if (bus) printLine(`bus: ${bus.waiting} messages wait, ${bus.dead_letters} dead letters`);
  if (records)
    printTable(
      records.filter(({ records: held }) => held > 0),
      ['collection', 'records'],
    );
  if (events) printTable(events, ['segment', 'jurisdiction', 'events', 'error']);
  for (const { subject, message, remedy, state } of findings)
    if (state !== 'good')
      printLine(`${state}: ${subject}: ${message}${remedy === undefined ? '' : `; ${remedy}`}`);
  showFilesLeft(files_left);
  printLine(problems.length > 0 ? `${problems.length} problems: mend them first` : 'ready to be moved');
}

function showFilesLeft(files: MigrationReport['files_left']): void {
  for (const { from, to } of files)
    printLine(`still to be copied before the site starts: cp -a ${from} ${to}`);
}
