// picket rules lint: every fault of rule files with its place.
import type { Command } from 'commander';
import { lintRules } from '../../../detect/sigma/lint-rules.ts';
import { describePlace } from '../../../platform/core/errors.ts';
import { EXIT } from '../exit-codes.ts';
import { printJson, printLine } from '../output.ts';
import { CORRELATION_FOLDER, RULES_FOLDER } from './own-folders.ts';

export function addLintCommand(rules: Command): void {
  rules
    .command('lint')
    .description('check rules as sigma-cli does; every fault with its file, line and column')
    .argument('[folders...]', "folders of rules (default: Picket's own)")
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit codes: 0 clean or warnings only, 1 errors.\n')
    .action((folders: string[], options: { json?: boolean }) => {
      const problems = lintRules({
        folders: folders.length > 0 ? folders : [RULES_FOLDER, CORRELATION_FOLDER],
      });
      const errors = problems.filter(({ severity }) => severity === 'error').length;
      if (options.json) printJson({ errors, warnings: problems.length - errors, problems });
      else {
        for (const { severity, code, message, place } of problems)
          printLine(`${describePlace(place)}: ${severity}: ${message} [${code}]`);
        printLine(`${errors} errors, ${problems.length - errors} warnings`);
      }
      if (errors > 0) process.exitCode = EXIT.findings;
    });
}
