// picket rules lint: every finding in rule files with its place, and what of it can be mended.
import { type Command, InvalidArgumentError } from 'commander';
import { LINT_CHECKS } from '../../../detect/sigma/lint/catalogue.ts';
import type { LintFinding } from '../../../detect/sigma/lint/finding.ts';
import { fixRules } from '../../../detect/sigma/lint/fix-rules.ts';
import { lintRules } from '../../../detect/sigma/lint/lint-rules.ts';
import { describePlace } from '../../../platform/core/errors.ts';
import { EXIT } from '../exit-codes.ts';
import { printJson, printLine } from '../output.ts';
import { CORRELATION_FOLDER, RULES_FOLDER } from './own-folders.ts';

interface LintOptions {
  readonly fix?: boolean;
  readonly disable?: string[];
  readonly json?: boolean;
}

export function addLintCommand(rules: Command): void {
  rules
    .command('lint')
    .description('check rules as sigma-cli and rsigma do; every finding with its file, line and column')
    .argument('[folders...]', "folders of rules (default: Picket's own)")
    .option('--fix', 'mend in place what can be mended without changing what a rule means')
    .option('--disable <code>', 'leave out findings of this code (may be given again)', addCode, [])
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nThe codes: docs/lint.md. Exit codes: 0 no errors (warnings and notes may be), 1 errors.\n',
    )
    .action((folders: string[], options: LintOptions) => lint(folders, options));
}

/** @throws InvalidArgumentError for a code that neither the linter nor the parser has */
function addCode(code: string, before: string[]): string[] {
  if (!Object.hasOwn(LINT_CHECKS, code) && !/^(?:SIGMA|RULES|YAML)_/.test(code))
    throw new InvalidArgumentError('docs/lint.md lists the codes.');
  return [...before, code];
}

function lint(given: readonly string[], { fix, disable = [], json }: LintOptions): void {
  const folders = given.length > 0 ? given : [RULES_FOLDER, CORRELATION_FOLDER];
  const mended = fix ? fixRules({ folders, disable }) : undefined;
  const problems = lintRules({ folders, disable });
  const count = (severity: string): number =>
    problems.filter((problem) => problem.severity === severity).length;
  const [errors, warnings, infos] = [count('error'), count('warning'), count('info')];
  if (json) {
    const show = ({ fix: own, ...problem }: LintFinding) => ({ ...problem, fixable: own !== undefined });
    const fixed = mended ? { fixed: mended.fixed.map(show) } : {};
    printJson({ errors, warnings, infos, problems: problems.map(show), ...fixed });
  } else {
    for (const { code, message, place } of mended?.fixed ?? [])
      printLine(`${describePlace(place)}: fixed: ${message} [${code}]`);
    for (const { severity, code, message, place, fix: own } of problems)
      printLine(`${describePlace(place)}: ${severity}: ${message} [${code}]${own ? ' (--fix)' : ''}`);
    if (mended) printLine(`${mended.fixed.length} fixed in ${mended.files} files`);
    printLine(`${errors} errors, ${warnings} warnings, ${infos} notes`);
  }
  if (errors > 0) process.exitCode = EXIT.findings;
}
