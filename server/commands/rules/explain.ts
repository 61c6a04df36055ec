// picket rules explain: why a rule matches an event, or does not.
import { existsSync, readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { type Command, Option } from 'commander';
import { compileRules } from '../../../detect/sigma/compile-rules.ts';
import { flattenRaw } from '../../../detect/sigma/flatten-raw.ts';
import { loadRoutedPipelines } from '../../../detect/sigma/load-pipelines.ts';
import { parseRuleFile } from '../../../detect/sigma/parse-file.ts';
import { PicketError } from '../../../platform/core/errors.ts';
import type { JsonObject } from '../../../platform/core/event.ts';
import type { ExplainView } from '../../api/rule-contract.ts';
import { describeProblem } from '../../load-detection.ts';
import { DRAFT_PACK } from '../../rules/choose-rules.ts';
import { explainRules } from '../../rules/explain-event.ts';
import { EXIT } from '../exit-codes.ts';
import { createLineNormaliser } from '../normalise-line.ts';
import { printJson, printLine } from '../output.ts';
import { addSiteOptions, connect, type SiteOptions } from '../site-options.ts';
import { PIPELINES_FOLDER } from './own-folders.ts';
import { printExplanation } from './print-explanation.ts';

interface ExplainOptions extends SiteOptions {
  source?: string;
  raw?: boolean;
  pipelines: string;
  id?: string;
}

export function addExplainCommand(rules: Command): void {
  addSiteOptions(
    rules
      .command('explain')
      .description('show the condition of a rule as a tree, with what was true of an event and why')
      .argument('<rule>', 'a rule file, or the id or name of a rule in force at the site')
      .argument(
        '<event>',
        'a file with one JSON event (`-`: standard input), or the id of an event in the index',
      )
      .option('--source <format>', 'normalise the event of the file with this source format first')
      .option('--raw', "take the fields of the file's event as the rule's own; both must be files")
      .option('--id <id>', 'of a file with many rules: the one meant')
      .addOption(
        new Option('--pipelines <dir>', 'field mappings and logsources, when both are files').default(
          PIPELINES_FOLDER,
          'rules/pipelines of the program',
        ),
      )
      .addHelpText(
        'after',
        `
Examples:
  picket rules explain rules/sigma/windows/lsass-access.yml record.json --source windows
  picket rules explain 0a6c5c9e-2b52-4b5a-9a43-3b1de0d1a001 Vn3kq0cXyG4
  picket search 'process.name: mimikatz.exe' --limit 1 --json | picket rules explain draft.yml -
No site is needed when both are files. Exit codes: 0 a rule matches, 1 none does, 3 failed.
`,
      ),
  ).action(async (rule: string, event: string, options: ExplainOptions) => {
    const view = await explain(rule, event, options);
    if (options.json) printJson(view);
    else {
      for (const explanation of view.explanations) printExplanation(explanation);
      for (const { code, message, place } of view.refused)
        printLine(`refused: ${place}: ${message} [${code}]`);
    }
    if (!view.explanations.some(({ matches }) => matches)) process.exitCode = EXIT.findings;
  });
}

async function explain(rule: string, event: string, options: ExplainOptions): Promise<ExplainView> {
  const draft = existsSync(rule) ? { name: rule, text: readFileSync(rule, 'utf8') } : undefined;
  const isFile = event === '-' || existsSync(event);
  const document = isFile
    ? readEvent(event === '-' ? await readAll(process.stdin) : readFileSync(event, 'utf8'), options)
    : undefined;
  if (draft && document) return explainHere({ draft, document, options });
  if (options.raw)
    throw new PicketError({ code: 'EXPLAIN_RAW', message: '--raw needs a rule file and an event file' });
  const api = await connect(options);
  return api.call<ExplainView>('POST', '/api/v1/rules/explain', {
    ...(draft ? { draft } : { rule }),
    ...(draft && options.id !== undefined ? { rule: options.id } : {}),
    ...(document ? { document } : { event }),
  });
}

/** The first JSON object of a text, as rules see it. @throws PicketError EVENT_INVALID and what the format says */
function readEvent(text: string, { source, raw }: ExplainOptions): JsonObject {
  if (source !== undefined) {
    const line = text.trim();
    const [event] = createLineNormaliser(source)(Buffer.from(line));
    if (!event) throw new PicketError({ code: 'EVENT_INVALID', message: 'the record makes no event' });
    return event;
  }
  for (const candidate of [text, text.split('\n').find((line) => line.trim() !== '') ?? '']) {
    try {
      const value: unknown = JSON.parse(candidate);
      if (value !== null && typeof value === 'object' && !Array.isArray(value))
        return raw ? flattenRaw(value as JsonObject) : (value as JsonObject);
    } catch {
      // Many lines are no JSON document; the first of them may be.
    }
  }
  throw new PicketError({ code: 'EVENT_INVALID', message: 'the event is no JSON object' });
}

/** @throws PicketError LOGSOURCES_MISSING, DRAFT_EMPTY, DRAFT_LIMIT */
function explainHere(given: {
  draft: { name: string; text: string };
  document: JsonObject;
  options: ExplainOptions;
}): ExplainView {
  const { draft, document, options } = given;
  const parsed = parseRuleFile({ text: draft.text, file: draft.name });
  const { pipelines, routes, refused } = loadRoutedPipelines(options.pipelines);
  const raw = options.raw === true;
  const compiled = compileRules({
    rules: parsed.rules
      .filter(({ id, name }) => options.id === undefined || id === options.id || name === options.id)
      .map((rule) => ({ rule, pack: DRAFT_PACK })),
    pipelines: raw ? [] : pipelines,
    routes,
    raw,
  });
  const problems = [...parsed.refused, ...refused, ...compiled.refused].map(describeProblem);
  if (compiled.engine.rules.length === 0) {
    throw new PicketError({
      code: 'DRAFT_EMPTY',
      message: `no rule to explain in ${draft.name}${problems[0] ? `: ${problems[0].message}` : ''}`,
    });
  }
  return {
    explanations: explainRules({ rules: compiled.engine.rules, event: document, routes, raw }),
    refused: problems,
  };
}
