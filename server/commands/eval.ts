// picket eval: runs Sigma rules over events from standard input, one alert a line.

import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { compileRules } from '../../detect/sigma/compile-rules.ts';
import { evaluateLines } from '../../detect/sigma/evaluate.ts';
import { loadRoutedPipelines } from '../../detect/sigma/load-pipelines.ts';
import { loadRules } from '../../detect/sigma/load-rules.ts';
import { describePlace, PicketError } from '../../platform/core/errors.ts';
import { PROGRAM_FOLDER } from '../content-path.ts';
import { EXIT, UsageError } from './exit-codes.ts';
import { createLineNormaliser } from './normalise-line.ts';

interface EvalOptions {
  rules: string[];
  source?: string;
  raw?: boolean;
  pipelines: string;
  json?: boolean;
  strict?: boolean;
}

export function addEvalCommand(program: Command): void {
  program
    .command('eval')
    .description('run Sigma rules over events (NDJSON) from standard input; one JSON alert a line')
    .requiredOption('--rules <dir...>', 'folders of rules')
    .option('--source <format>', 'normalise each line with this source format first, e.g. windows')
    .option('--raw', "take the events' fields as the rules' own")
    .addOption(
      new Option('--pipelines <dir>', 'field mappings and logsources').default(
        join(PROGRAM_FOLDER, 'rules', 'pipelines'),
        'rules/pipelines of the program',
      ),
    )
    .option('--json', 'the summary on standard error as one JSON line')
    .option('--strict', 'exit with 1 when a rule or line was refused')
    .addHelpText(
      'after',
      `
Examples:
  picket eval --rules rules/sigma --source kubernetes-audit < audit.log
  picket eval --rules sigma/rules --raw --json < events.ndjson > alerts.ndjson
Exit codes: 0 it ran; with --strict 1 when a rule or line was refused; 2 wrong usage; 3 failed.
`,
    )
    .action(async (options: EvalOptions) => {
      if ((options.source === undefined) === (options.raw !== true)) {
        throw new UsageError({ code: 'EVAL_MODE', message: 'say either --source FORMAT or --raw' });
      }
      const began = performance.now();
      const { rules, refused } = loadRules({ folders: options.rules });
      const unreadable = refused.find(({ code }) => code === 'RULES_UNREADABLE');
      if (rules.length === 0 && unreadable) throw new PicketError(unreadable);
      const { pipelines, routes, refused: refusedPipelines } = loadRoutedPipelines(options.pipelines);
      const compiled = compileRules({
        rules,
        pipelines: options.raw ? [] : pipelines,
        routes,
        raw: options.raw === true,
      });
      const problems = [...refused, ...refusedPipelines, ...compiled.refused];
      if (options.source === undefined) compiled.engine.openLines();
      const out = createBufferedOutput();
      const summary = await evaluateLines({
        lines: process.stdin,
        engine: compiled.engine,
        ...(options.source === undefined ? {} : { prepare: createLineNormaliser(options.source) }),
        onAlert: (alert) => out.write(JSON.stringify(alert)),
        refused: problems,
        rulesLoaded: compiled.engine.rules.length,
        seconds_to_load: (performance.now() - began) / 1_000,
        monotonic: () => performance.now(),
      });
      await out.end();
      if (options.json) process.stderr.write(`${JSON.stringify(summary)}\n`);
      else {
        for (const { code, message, place } of problems)
          process.stderr.write(`picket: ${describePlace(place)}: ${message} [${code}]\n`);
        for (const { line, code, message } of summary.lines_refused_first)
          process.stderr.write(`picket: line ${line}: ${message} [${code}]\n`);
        process.stderr.write(
          `${summary.events} events, ${summary.alerts} alerts; ${summary.rules_loaded} rules, ${problems.length} refused, ${summary.lines_refused} lines refused; ` +
            `loaded in ${summary.seconds_to_load.toFixed(2)} s, evaluated in ${summary.seconds_to_evaluate.toFixed(2)} s\n`,
        );
      }
      if (options.strict && (problems.length > 0 || summary.lines_refused > 0))
        process.exitCode = EXIT.findings;
    });
}

const BUFFER_LENGTH = 65_536;

/** Lines gathered into large writes; `write` returns a promise when the reader is behind. */
function createBufferedOutput(): { write(line: string): void | Promise<void>; end(): Promise<void> } {
  let held = '';
  const flush = (): void | Promise<void> => {
    const text = held;
    held = '';
    if (text === '' || process.stdout.write(text)) return undefined;
    return new Promise((resolve) => process.stdout.once('drain', () => resolve()));
  };
  return {
    write(line) {
      held += `${line}\n`;
      return held.length >= BUFFER_LENGTH ? flush() : undefined;
    },
    end: async () => flush(),
  };
}
