// picket rules test: runs the records that stand beside rules.
import { type Command, Option } from 'commander';
import { loadPipelines } from '../../../detect/sigma/load-pipelines.ts';
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
}

/** @throws PicketError LOGSOURCES_MISSING */
function runRuleTests(folders: readonly string[], pipelinesFolder: string): ReturnType<typeof testRules> {
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
