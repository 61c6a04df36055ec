// picket rules: lint and test rules without a running site, and list what a site has in force.
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { LINT_CHECKS } from '../../detect/sigma/lint/catalogue.ts';
import type { LintFinding } from '../../detect/sigma/lint/finding.ts';
import { fixRules } from '../../detect/sigma/lint/fix-rules.ts';
import { lintRules } from '../../detect/sigma/lint/lint-rules.ts';
import { loadPipelines } from '../../detect/sigma/load-pipelines.ts';
import { testRules } from '../../detect/sigma/test-rules.ts';
import { describePlace, PicketError } from '../../platform/core/errors.ts';
import type { RuleList } from '../api/contract.ts';
import { PROGRAM_FOLDER } from '../content-path.ts';
import { EXIT } from './exit-codes.ts';
import { createLineNormaliser } from './normalise-line.ts';
import { printJson, printLine, printTable } from './output.ts';
import { addSiteOptions, connect, type SiteOptions } from './site-options.ts';

const RULES_FOLDER = join(PROGRAM_FOLDER, 'rules', 'sigma');
const CORRELATION_FOLDER = join(PROGRAM_FOLDER, 'rules', 'correlation');

export function addRulesCommands(program: Command): void {
  const rules = program.command('rules').description('lint, test and list rules');

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

  rules
    .command('test')
    .description('run the records that stand beside rules: those that must match, and those that must not')
    .argument('[folders...]', "folders of rules (default: Picket's own)")
    .addOption(
      new Option('--pipelines <dir>', 'field mappings and logsources').default(
        join(PROGRAM_FOLDER, 'rules', 'pipelines'),
        'rules/pipelines of the program',
      ),
    )
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit codes: 0 all passed, 1 a rule failed or has no tests.\n')
    .action((folders: string[], options: { pipelines: string; json?: boolean }) => {
      const { results, refused } = runRuleTests(
        folders.length > 0 ? folders : [RULES_FOLDER],
        options.pipelines,
      );
      const failed = results.filter(({ failures }) => failures.length > 0);
      if (options.json)
        printJson({ passed: results.length - failed.length, failed: failed.length, refused, results });
      else {
        for (const { code, message, place } of [...refused, ...failed.flatMap(({ failures }) => failures)]) {
          printLine(`${describePlace(place)}: ${message} [${code}]`);
        }
        printLine(
          `${results.length - failed.length} rules passed, ${failed.length} failed, ${refused.length} refused`,
        );
      }
      if (failed.length > 0 || refused.length > 0) process.exitCode = EXIT.findings;
    });

  addSiteOptions(rules.command('list').description('the rules in force at a site')).action(
    async (options: SiteOptions) => {
      const api = await connect(options);
      const list = await api.call<RuleList>('GET', '/api/v1/rules');
      if (options.json) {
        printJson(list);
        return;
      }
      printTable(
        list.rules.map((rule) => ({ ...rule, tags: rule.tags.join(' ') })),
        ['level', 'name', 'kind', 'status', 'tags', 'id'],
      );
      for (const { code, message, place } of list.refused)
        printLine(`refused: ${place}: ${message} [${code}]`);
    },
  );
}

interface LintOptions {
  readonly fix?: boolean;
  readonly disable?: string[];
  readonly json?: boolean;
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

/** @throws PicketError LOGSOURCES_MISSING */
export function runRuleTests(
  folders: readonly string[],
  pipelinesFolder: string,
): ReturnType<typeof testRules> {
  const { pipelines, routes } = loadPipelines(pipelinesFolder);
  if (!routes)
    throw new PicketError({
      code: 'LOGSOURCES_MISSING',
      message: 'no logsources.yaml among the pipelines',
      place: { file: pipelinesFolder },
    });
  const normalisers = new Map<string, ReturnType<typeof createLineNormaliser>>();
  return testRules({
    folders,
    pipelines,
    routes,
    normalise: (format, record) => {
      let normaliser = normalisers.get(format);
      if (!normaliser) {
        normaliser = createLineNormaliser(format);
        normalisers.set(format, normaliser);
      }
      return normaliser(record);
    },
  });
}
