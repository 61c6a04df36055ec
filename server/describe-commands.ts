// Writes docs/cli.md from the command line itself: `node server/describe-commands.ts` after a command changed.
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { buildProgram } from './build-program.ts';
import { EXIT } from './commands/exit-codes.ts';

const HELP_WIDTH = 100;

/** The page, Markdown; a test holds the committed one equal to it. */
export async function describeCommands(): Promise<string> {
  const program = await buildProgram();
  return `# The command line

Generated from the program's own help by \`node server/describe-commands.ts\`; do not edit.

In a checkout, \`npm run picket -- COMMAND\` runs it on the project's own Node. \`--json\` gives one JSON document (or a line each) on stdout; errors go to stderr, as \`{"error": {code, message, place}}\` with \`--json\`. Commands that ask a running site find it by its data folder (the demo's centre unless \`--data\` or \`PICKET_DATA\` says otherwise), or by \`--url\` or \`PICKET_URL\` with an API token in \`PICKET_TOKEN\`.

| exit code | meaning |
|---|---|
| ${EXIT.ok} | done |
| ${EXIT.findings} | it ran, and found what it looks for wrong: failed rule tests, lint errors, a refused configuration |
| ${EXIT.usage} | the command line itself is wrong |
| ${EXIT.failed} | it could not do its work: no site answers, a file cannot be read, a port is taken |

${leavesOf(program)
  .map(({ path, command }) => `## ${path}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`)
  .join('\n')}`;
}

/** Every command that does something, with its full name, in the order of the help. */
function leavesOf(command: Command, path = command.name()): { path: string; command: Command }[] {
  if (command.commands.length === 0) return [{ path, command }];
  return command.commands.flatMap((child) => leavesOf(child, `${path} ${child.name()}`));
}

/** What `--help` prints, the added examples too, at one width and without colour. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (piece) => void (text += piece),
    getOutHelpWidth: () => HELP_WIDTH,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text.trim();
}

if (import.meta.main) {
  writeFileSync(new URL('../docs/cli.md', import.meta.url), await describeCommands());
}
