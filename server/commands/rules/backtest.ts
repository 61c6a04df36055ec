// picket rules backtest: runs rules over what a site's index holds.
import type { Command } from 'commander';
import { PicketError } from '../../../platform/core/errors.ts';
import type { BacktestRequest, BacktestView } from '../../api/rule-contract.ts';
import { EXIT } from '../exit-codes.ts';
import { printJson, printLine, printTable } from '../output.ts';
import { parseTime } from '../search.ts';
import { addSiteOptions, connect, type SiteOptions } from '../site-options.ts';
import { followResult } from './follow-result.ts';
import { readDrafts } from './read-drafts.ts';

interface BacktestOptions extends SiteOptions {
  since: string;
  until?: string;
  rules?: string[];
  id?: string[];
  site?: string[];
  samples: string;
  exceptions: boolean;
}

export function addBacktestCommand(rules: Command): void {
  addSiteOptions(
    rules
      .command('backtest')
      .description('run rules over the events that a running site keeps: what would they have raised?')
      .requiredOption('--since <time>', 'from then: 15m, 24h, 7d or ISO 8601')
      .option('--until <time>', 'to then (exclusive; default: now)')
      .option(
        '--rules <path...>',
        'rule files or folders, which need not be installed (default: those in force)',
      )
      .option('--id <id...>', 'only these rules, by id or name')
      .option('--site <id...>', 'only events of these sites')
      .option('--samples <n>', 'events shown a rule, 0 to 100', '3')
      .option('--no-exceptions', 'count also what exceptions would hide')
      .addHelpText(
        'after',
        `
Examples:
  picket rules backtest --since 7d
  picket rules backtest --since 30d --rules draft/new-rule.yml --samples 10
  picket rules backtest --since 24h --site factory-lyon --json | jq '.rules[] | select(.alerts > 20) | .name'
Progress goes to standard error; Ctrl-C cancels. Exit codes: 0 done, 1 rules were refused or the result is not complete, 3 failed.
`,
      ),
  ).action(async (options: BacktestOptions) => {
    const api = await connect(options);
    const result = await followResult<BacktestView>(
      api,
      '/api/v1/rules/backtest',
      readRequest(options, Date.now()),
    );
    if (options.json) printJson(result);
    else printBacktest(result);
    if (result.refused.length > 0 || !result.complete || result.unanswered.length > 0)
      process.exitCode = EXIT.findings;
  });
}

/** @throws PicketError TIME_INVALID, SAMPLES_INVALID, RULES_UNREADABLE */
function readRequest(options: BacktestOptions, now: number): BacktestRequest {
  const samples = Number(options.samples);
  if (!Number.isInteger(samples) || samples < 0 || samples > 100)
    throw new PicketError({
      code: 'SAMPLES_INVALID',
      message: `not a number from 0 to 100: ${options.samples}`,
    });
  return {
    from: parseTime(options.since, now),
    samples,
    exceptions: options.exceptions,
    ...(options.until === undefined ? {} : { to: parseTime(options.until, now) }),
    ...(options.rules ? { drafts: readDrafts(options.rules) } : {}),
    ...(options.id ? { rules: options.id } : {}),
    ...(options.site ? { sites: options.site } : {}),
  };
}

const SHOWN_RULES = 200;

function printBacktest(result: BacktestView): void {
  const found = result.rules.filter(({ matches, alerts, suppressed }) => matches + alerts + suppressed > 0);
  if (found.length > 0) {
    printTable(
      found.slice(0, SHOWN_RULES).map(({ id, name, level, matches, alerts, suppressed, first, last }) => ({
        id,
        name,
        level,
        matches,
        alerts,
        hidden: suppressed,
        first,
        last,
      })),
      ['alerts', 'matches', 'hidden', 'level', 'first', 'last', 'name', 'id'],
    );
  }
  for (const { name, samples } of found.slice(0, SHOWN_RULES)) {
    for (const { timestamp, site, dataset, summary, event } of samples)
      printLine(`${name}: ${timestamp}  ${site}  ${dataset}  ${summary}  ${event}`);
  }
  for (const { code, message, place } of result.refused) printLine(`refused: ${place}: ${message} [${code}]`);
  for (const place of result.unanswered) printLine(`did not answer: ${place}`);
  if (found.length > SHOWN_RULES) printLine(`${found.length - SHOWN_RULES} rules more: --json has them`);
  printLine(
    `${result.rules.length} rules over ${result.from} to ${result.to}: ${result.events} events looked at, ` +
      `${result.matches} matches (${result.suppressed} hidden by exceptions), ` +
      `${result.rules.reduce((sum, { alerts }) => sum + alerts, 0)} alerts; ${result.seconds.toFixed(1)} s`,
  );
  if (!result.complete)
    printLine(`stopped at the bound on matches, having reached ${result.reached ?? result.from}`);
}
