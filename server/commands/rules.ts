// picket rules: everything that people do with rules; a file a subcommand under rules/.
import type { Command } from 'commander';
import { addBacktestCommand } from './rules/backtest.ts';
import { addCoverageCommand } from './rules/coverage.ts';
import { addExceptionCommands } from './rules/exceptions.ts';
import { addExplainCommand } from './rules/explain.ts';
import { addLintCommand } from './rules/lint.ts';
import { addListCommands } from './rules/list.ts';
import { addPackCommands } from './rules/packs.ts';
import { addTestCommand } from './rules/test.ts';

export function addRulesCommands(program: Command): void {
  const rules = program.command('rules').description('lint, test, try, tune and list rules');
  addListCommands(rules);
  addLintCommand(rules);
  addTestCommand(rules);
  addBacktestCommand(rules);
  addExplainCommand(rules);
  addExceptionCommands(rules);
  addPackCommands(rules);
  addCoverageCommand(rules);
}
