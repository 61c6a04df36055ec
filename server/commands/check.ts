// picket check: judges a site's configuration and all content it names, and tells every problem at once.
import { join } from 'node:path';
import type { Command } from 'commander';
import { buildExceptionTable } from '../../detect/exceptions/exception-table.ts';
import { loadQuestions } from '../../detect/investigate/load-questions.ts';
import { loadEntityTable } from '../../detect/worker/entity-table.ts';
import { ConfigError, type ConfigProblem } from '../../platform/core/config.ts';
import { describeError, describePlace, PicketError } from '../../platform/core/errors.ts';
import { loadPlaybooks } from '../../respond/playbooks/load-playbooks.ts';
import { resolveContent } from '../content-path.ts';
import { type Detection, loadDetection, nameFolders } from '../load-detection.ts';
import { loadResidency } from '../load-residency.ts';
import { readPacks } from '../packs/open-pack-store.ts';
import { readSiteConfig } from '../read-site-config.ts';
import { listClientTls, listTlsFiles, readClientTls, readTls } from '../read-tls.ts';
import { exceptionFolder } from '../rules/open-exceptions.ts';
import { gatesOf } from '../rules/open-rule-desk.ts';
import { readExceptionFolder } from '../rules/read-exception-folder.ts';
import type { SiteConfig } from '../site-config.ts';
import { EXIT } from './exit-codes.ts';
import { printJson, printLine } from './output.ts';

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description(
      "check a site's configuration, rules, residency, playbooks and questions; nothing is started",
    )
    .argument('<file>', 'configuration of the site')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit codes: 0 good, 1 problems (each with file, line and key path).\n')
    .action(async (file: string, options: { json?: boolean }) => {
      const problems = await checkSite(file, process.env);
      if (options.json) printJson({ file, problems });
      else {
        for (const { code, message, place } of problems)
          printLine(`${describePlace(place)}: ${message} [${code}]`);
        printLine(problems.length === 0 ? `${file} is good` : `${problems.length} problems`);
      }
      if (problems.length > 0) process.exitCode = EXIT.findings;
    });
}

/** Every problem of a configuration file and of the content it names. */
export async function checkSite(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      problems.push(...problemsOf(error, file));
      return undefined;
    }
  };
  const config: SiteConfig | undefined = attempt(() => readSiteConfig({ file, environment }));
  if (!config) return problems;
  const attemptAt = (path: string, work: () => unknown): void => {
    try {
      work();
    } catch (error) {
      for (const problem of problemsOf(error, file))
        problems.push({ ...problem, place: { ...problem.place, path } });
    }
  };
  for (const { path, files } of listTlsFiles(config)) attemptAt(path, () => readTls(files));
  for (const { path, files } of listClientTls(config)) attemptAt(path, () => readClientTls(files));
  const content = (path: string): string => resolveContent(path, file);
  const { rules, pipelines, playbooks, investigation, residency, entity_fields } = config.content;
  const packs = attempt(() => readPacks(join(config.data, 'packs'))) ?? { folders: [], refused: [] };
  const detection = attempt(() =>
    loadDetection({
      folders: [...nameFolders(rules.map(content)), ...packs.folders],
      refused: packs.refused,
      pipelines: content(pipelines),
      gates: gatesOf(config),
      now: new Date(),
    }),
  );
  if (detection) problems.push(...checkExceptions(config, file, detection));
  for (const { code, message, place } of detection?.refused ?? [])
    problems.push({ code, message, place: { at: place } });
  attempt(() =>
    loadResidency({
      folder: content(residency),
      jurisdiction: config.site.jurisdiction,
      hashKey: new Uint8Array(32),
    }),
  );
  attempt(() => loadEntityTable(content(entity_fields)));
  try {
    problems.push(...(await loadPlaybooks(content(playbooks))).refused);
  } catch (error) {
    problems.push(...problemsOf(error, file));
  }
  problems.push(...loadQuestions(content(investigation)).refused);
  return problems;
}

/** Exceptions of the configuration's folder that cannot be read, or are for no rule. */
function checkExceptions(config: SiteConfig, file: string, detection: Detection): ConfigProblem[] {
  const folder = exceptionFolder(config, file);
  if (folder === undefined) return [];
  const { exceptions, refused } = readExceptionFolder(folder);
  const { problems } = buildExceptionTable({
    exceptions,
    rules: detection.loaded.rules.map(({ rule }) => rule),
    correlations: detection.loaded.correlations.map(({ rule }) => rule),
    pipelines: detection.pipelines,
  });
  return [...refused, ...problems].map(({ code, message, place }) => ({ code, message, place }));
}

function problemsOf(error: unknown, file: string): readonly ConfigProblem[] {
  if (error instanceof ConfigError) return error.problems;
  if (error instanceof PicketError)
    return [{ code: error.code, message: error.message, place: error.place ?? { file } }];
  return [{ code: 'CONFIG_UNREADABLE', message: describeError(error), place: { file } }];
}
