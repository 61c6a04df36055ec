// picket doctor: looks at what a site stands on, and says what is wrong and what to do about it.
import type { Command } from 'commander';
import { examineSite } from '../doctor/examine-site.ts';
import { readSiteConfig } from '../read-site-config.ts';
import { EXIT } from './exit-codes.ts';
import { printJson, printLine, printTable } from './output.ts';

const MARK = { good: 'ok', warning: 'warning', problem: 'problem' } as const;

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description(
      'look at what a site stands on: its process, disk and certificates, brokers and topics, the Elasticsearch cluster; nothing is changed',
    )
    .argument('<file>', 'configuration of the site')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExit codes: 0 no problem (there may be warnings), 1 problems, 3 the configuration cannot be read.\n',
    )
    .action(async (file: string, options: { json?: boolean }) => {
      const config = readSiteConfig({ file, environment: process.env });
      const findings = await examineSite(config);
      const problems = findings.filter(({ state }) => state === 'problem').length;
      const warnings = findings.filter(({ state }) => state === 'warning').length;
      if (options.json) printJson({ file, findings });
      else {
        printTable(
          findings.map(({ subject, state, message, remedy }) => ({
            state: MARK[state],
            subject,
            'what is':
              remedy === undefined ? message : `${message}. ${remedy[0]?.toUpperCase()}${remedy.slice(1)}.`,
          })),
          ['state', 'subject', 'what is'],
        );
        printLine(`${findings.length} looked at, ${warnings} warnings, ${problems} problems`);
      }
      if (problems > 0) process.exitCode = EXIT.findings;
    });
}
