// picket eval: runs Sigma rules over events from standard input, one alert a line.

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type AlertCollector, openAlertCollector } from '../../detect/history/collect-alerts.ts';
import { compileRules } from '../../detect/sigma/compile-rules.ts';
import { type EvaluationSummary, evaluateLines } from '../../detect/sigma/evaluate.ts';
import { loadRoutedPipelines } from '../../detect/sigma/load-pipelines.ts';
import { loadRules } from '../../detect/sigma/load-rules.ts';
import type { Problem } from '../../detect/sigma/problem.ts';
import { assembleDetectorRules } from '../../detect/worker/assemble-rules.ts';
import { loadEntityTable } from '../../detect/worker/entity-table.ts';
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
  correlate?: boolean;
  asOf?: number;
}

export function addEvalCommand(program: Command): void {
  program
    .command('eval')
    .description(
      'run Sigma rules over events (NDJSON) from standard input; one JSON line a match, or an alert with --correlate',
    )
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
    .option('--correlate', 'work correlation rules too; print the alerts that stand after the last event')
    .addOption(
      new Option(
        '--as-of <time>',
        'with --correlate: the event time up to which all is told (default: the greatest @timestamp)',
      ).argParser(readTime),
    )
    .addHelpText(
      'after',
      `
Examples:
  picket eval --rules rules/sigma --source kubernetes-audit < audit.log
  picket eval --rules sigma/rules --raw --json < events.ndjson > alerts.ndjson
  picket eval --rules rules/correlation --source windows --correlate < security.ndjson
Exit codes: 0 it ran; with --strict 1 when a rule or line was refused; 2 wrong usage; 3 failed.
`,
    )
    .action(evaluate);
}

/** @throws InvalidArgumentError, which commander tells with the option's name */
function readTime(text: string): number {
  const t = Date.parse(text);
  if (Number.isNaN(t)) throw new InvalidArgumentError('a time is wanted, as 2026-11-26T00:00:00Z');
  return t;
}

async function evaluate(options: EvalOptions): Promise<void> {
  if ((options.source === undefined) === (options.raw !== true)) {
    throw new UsageError({ code: 'EVAL_MODE', message: 'say either --source FORMAT or --raw' });
  }
  if (options.asOf !== undefined && !options.correlate)
    throw new UsageError({ code: 'EVAL_MODE', message: '--as-of goes with --correlate' });
  const began = performance.now();
  const { rules, correlations, refused } = loadRules({ folders: options.rules });
  const unreadable = refused.find(({ code }) => code === 'RULES_UNREADABLE');
  if (rules.length + correlations.length === 0 && unreadable) throw new PicketError(unreadable);
  const { pipelines, routes, refused: refusedPipelines } = loadRoutedPipelines(options.pipelines);
  const applied = options.raw ? [] : pipelines;
  const compiled = compileRules({ rules, pipelines: applied, routes, raw: options.raw === true });
  const { engine } = compiled;
  const problems: Problem[] = [...refused, ...refusedPipelines, ...compiled.refused];
  const collector = options.correlate
    ? openCollector({ engine, correlations, pipelines: applied })
    : undefined;
  if (collector)
    problems.push(
      ...collector.refused.map(({ code, message, place }) => ({ code, message, place: { file: place } })),
    );
  if (options.source === undefined) engine.openLines();
  const out = createBufferedOutput();
  try {
    const summary = await evaluateLines({
      lines: process.stdin,
      engine,
      ...(options.source === undefined ? {} : { prepare: createLineNormaliser(options.source) }),
      ...(collector ? { onEvent: (...event) => collector.take(...event) } : {}),
      onAlert: collector ? () => undefined : (alert) => out.write(JSON.stringify(alert)),
      onProgress: createProgress(),
      refused: problems,
      rulesLoaded: engine.rules.length + (collector ? correlations.length : 0),
      seconds_to_load: (performance.now() - began) / 1_000,
      monotonic: () => performance.now(),
    });
    const alerts = collector?.finish(options.asOf) ?? [];
    for (const alert of alerts) await out.write(JSON.stringify(alert));
    await out.end();
    tellSummary({
      summary: collector
        ? { ...summary, alerts: alerts.length, matches: summary.alerts, left_out: collector.left_out }
        : summary,
      problems,
      json: options.json === true,
    });
    if (options.strict && (problems.length > 0 || summary.lines_refused > 0))
      process.exitCode = EXIT.findings;
  } finally {
    collector?.close();
  }
}

/** Signals older than this are not kept by a site either, unless it is told to. */
const RETENTION_MS = 30 * 86_400_000;

function openCollector(options: Parameters<typeof assembleDetectorRules>[0]): AlertCollector {
  const { rules, refused } = assembleDetectorRules(options);
  const collector = openAlertCollector({
    rules,
    entityTable: loadEntityTable(join(PROGRAM_FOLDER, 'rules', 'entities', 'entity-fields.yaml')),
    folder: tmpdir(),
    retention_ms: RETENTION_MS,
  });
  return { ...collector, refused: [...refused, ...collector.refused] };
}

/** With --correlate also how many matches made the alerts, and what made no signal. */
type Summary = EvaluationSummary & { matches?: number; left_out?: Readonly<Record<string, number>> };

function tellSummary(told: { summary: Summary; problems: readonly Problem[]; json: boolean }): void {
  const { summary, problems } = told;
  if (told.json) {
    process.stderr.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  for (const { code, message, place } of problems)
    process.stderr.write(`picket: ${describePlace(place)}: ${message} [${code}]\n`);
  for (const { line, code, message } of summary.lines_refused_first)
    process.stderr.write(`picket: line ${line}: ${message} [${code}]\n`);
  for (const [reason, times] of Object.entries(summary.left_out ?? {}))
    process.stderr.write(`picket: ${times} left out: ${reason}\n`);
  const matches = summary.matches === undefined ? '' : ` of ${summary.matches} matches`;
  process.stderr.write(
    `${summary.events} events, ${summary.alerts} alerts${matches}; ${summary.rules_loaded} rules, ${problems.length} refused, ${summary.lines_refused} lines refused; ` +
      `loaded in ${summary.seconds_to_load.toFixed(2)} s, evaluated in ${summary.seconds_to_evaluate.toFixed(2)} s\n`,
  );
}

const PROGRESS_MS = 500;

/** Says on a terminal how many events were read, now and then. */
function createProgress(): (events: number) => void {
  if (!process.stderr.isTTY) return () => undefined;
  let told = performance.now();
  return (events) => {
    if (performance.now() - told < PROGRESS_MS) return;
    told = performance.now();
    process.stderr.write(`\r\u001b[K${events} events\r`);
  };
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
