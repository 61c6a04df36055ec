// Puts the command line together from its commands: run by main.ts, read by describe-commands.ts.
import { Command } from 'commander';
import { readVersion } from './version.ts';

type AddCommand = (program: Command) => void;

/** In the order of the help. Each is loaded when wanted: one command starts without the code of the others. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  up: async () => (await import('./commands/up.ts')).addUpCommand,
  check: async () => (await import('./commands/check.ts')).addCheckCommand,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctorCommand,
  keys: async () => (await import('./commands/keys.ts')).addKeysCommand,
  migrate: async () => (await import('./commands/migrate.ts')).addMigrateCommand,
  'sign-in': async () => (await import('./commands/sign-in.ts')).addSignInCommand,
  sites: async () => (await import('./commands/sites.ts')).addSitesCommands,
  incidents: async () => (await import('./commands/incidents.ts')).addIncidentsCommands,
  replay: async () => (await import('./commands/replay.ts')).addReplayCommand,
  scan: async () => (await import('./commands/scan.ts')).addScanCommand,
  search: async () => (await import('./commands/search.ts')).addSearchCommand,
  eval: async () => (await import('./commands/eval.ts')).addEvalCommand,
  rules: async () => (await import('./commands/rules.ts')).addRulesCommands,
  'dead-letters': async () => (await import('./commands/dead-letters.ts')).addDeadLetterCommands,
  report: async () => (await import('./commands/report.ts')).addReportCommand,
};

/**
 * The command line; nothing is run, and it throws CommanderError where commander would exit.
 * With `only` it holds that command alone, or all when there is none of that name.
 */
export async function buildProgram(only?: string): Promise<Command> {
  const program = new Command('picket')
    .description('A security operations centre for organisations whose computers stand in many places')
    .version(readVersion())
    .showHelpAfterError('(picket --help lists the commands)')
    .configureHelp({ sortSubcommands: false })
    .exitOverride();
  const wanted = only !== undefined && Object.hasOwn(COMMANDS, only) ? [only] : Object.keys(COMMANDS);
  for (const name of wanted) {
    const add = await COMMANDS[name]?.();
    add?.(program);
  }
  return program;
}
