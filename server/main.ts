// Runs the command line, and says how it went by exit code and one line on stderr.
import { setFlagsFromString } from 'node:v8';
import { CommanderError } from 'commander';
import { buildProgram } from './build-program.ts';
import { EXIT, UsageError } from './commands/exit-codes.ts';
import { printError } from './commands/output.ts';

// Before any rule is compiled: a regular expression that backtracks too long is taken over by V8's linear engine.
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

// `picket … | head` closes the pipe early: what is left has no reader, and that is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.ok);
});

const json = process.argv.includes('--json');
try {
  const program = await buildProgram(process.argv[2]);
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else {
    printError(error, json);
    process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}
