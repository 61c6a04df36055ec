// picket rules test: runs the records that stand beside rules, or the regression tests that they name.
import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { loadRoutedPipelines } from '../../../detect/sigma/load-pipelines.ts';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import { testVectors } from '../../../detect/sigma/test-regression.ts';
import { testRules } from '../../../detect/sigma/test-rules.ts';
import { describePlace, PicketError } from '../../../platform/core/errors.ts';
import { EXIT } from '../exit-codes.ts';
import { createLineNormaliser } from '../normalise-line.ts';
import { printJson, printLine } from '../output.ts';
import { PIPELINES_FOLDER, RULES_FOLDER } from './own-folders.ts';

export function addTestCommand(rules: Command): void {
  rules
    .command('test')
    .description('run the records that stand beside rules: those that must match, and those that must not')
    .argument('[folders...]', "folders of rules (default: Picket's own)")
    .addOption(
      new Option('--pipelines <dir>', 'field mappings and logsources').default(
        PIPELINES_FOLDER,
        'rules/pipelines of the program',
      ),
    )
    .option('--regression', 'only rules that name regression tests; the others are counted')
    .option('--vectors <file>', 'test the rules by vectors, one a line: rule_id, match_count, events')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A rule is tested by the files beside it (NAME.match.ndjson, NAME.nomatch.ndjson), or, when it says
regression_tests_path, by SigmaHQ's regression tests: an info.yml and samples, of EVTX the JSON beside it.
Examples:
  picket rules test
  picket rules test sigma/rules --regression
  picket rules test sigma/rules --vectors sigma-regression.jsonl
More matches than a regression test says are warned of, as SigmaHQ's own runner does.
Exit codes: 0 all passed, 1 a rule failed or has no tests.
`,
    )
    .action((folders: string[], options: TestOptions) => {
      const tested = runTests(folders.length > 0 ? folders : [RULES_FOLDER], options);
      const { results, refused, untested } = tested;
      const failed = results.filter(({ failures }) => failures.length > 0);
      const warnings = results.flatMap((result) => result.warnings ?? []);
      const passed = results.length - failed.length;
      if (options.json) printJson({ passed, failed: failed.length, untested, warnings, refused, results });
      else {
        for (const { code, message, place, rule } of [
          ...refused,
          ...failed.flatMap(({ failures }) => failures),
        ])
          printLine(`${describePlace(place)}: ${rule?.title ?? ''}: ${message} [${code}]`);
        for (const { code, message, place, rule } of warnings)
          printLine(`${describePlace(place)}: warning: ${rule?.title ?? ''}: ${message} [${code}]`);
        printLine(
          `${passed} rules passed${warnings.length > 0 ? ` (${warnings.length} with warnings)` : ''}, ` +
            `${failed.length} failed, ${refused.length} refused${untested > 0 ? `, ${untested} without regression tests` : ''}`,
        );
      }
      if (failed.length > 0 || refused.length > 0) process.exitCode = EXIT.findings;
    });
}

interface TestOptions {
  pipelines: string;
  regression?: boolean;
  vectors?: string;
  json?: boolean;
}

/** @throws PicketError LOGSOURCES_MISSING, FILE_UNREADABLE */
function runTests(folders: readonly string[], options: TestOptions): ReturnType<typeof testRules> {
  const { pipelines, routes } = loadRoutedPipelines(options.pipelines);
  if (options.vectors !== undefined) {
    const file = options.vectors;
    if (!existsSync(file))
      throw new PicketError({ code: 'FILE_UNREADABLE', message: 'there is no such file', place: { file } });
    const { rules, refused } = loadRules({ folders });
    const tested = testVectors({ rules, file, routes });
    return { results: tested.results, refused: [...refused, ...tested.refused], untested: 0 };
  }
  const normalisers = new Map<string, ReturnType<typeof createLineNormaliser>>();
  return testRules({
    folders,
    pipelines,
    routes,
    regressionOnly: options.regression === true,
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
