// picket dead-letters: what could not be worked, and feeding it in again.
import type { Command } from 'commander';
import type { z } from 'zod';
import type { DeadLetterList, DeadLetterReplayed } from '../api/contract.ts';
import { EXIT } from './exit-codes.ts';
import { printJson, printLine, printTable } from './output.ts';
import { addSiteOptions, connect, type SiteOptions } from './site-options.ts';

export function addDeadLetterCommands(program: Command): void {
  const letters = program
    .command('dead-letters')
    .description('records that could not be worked, with reason and place');

  addSiteOptions(letters.command('list', { isDefault: true }).description('the latest ones')).action(
    async (options: SiteOptions) => {
      const api = await connect(options);
      const list = await api.call<z.infer<typeof DeadLetterList>>('GET', '/api/v1/dead-letters');
      if (options.json) printJson(list);
      else if (list.dead_letters.length === 0) printLine('no dead letters');
      else {
        const rows = list.dead_letters.map((letter) => ({
          ...letter,
          replayed: letter.replayed ? 'yes' : '',
          preview: letter.preview.slice(0, 60).replaceAll('\n', ' '),
        }));
        printTable(rows, [
          'at',
          'source',
          'stage',
          'code',
          'place',
          'bytes',
          'replayed',
          'message',
          'preview',
        ]);
      }
    },
  );

  addSiteOptions(
    letters
      .command('replay')
      .description('feed them in again, after a fix; each is fed once')
      .option('--stage <stage>', 'only of this stage')
      .option('--code <code>', 'only with this code')
      .option('--source <name>', 'only of this source')
      .addHelpText(
        'after',
        '\nExample:\n  picket dead-letters replay --source gateway --code SYSLOG_TOO_LONG\nExit codes: 0 all went in (or there were none), 1 some were rejected again or cannot be fed in, 3 failed.\n',
      ),
  ).action(async (options: SiteOptions & { stage?: string; code?: string; source?: string }) => {
    const api = await connect(options);
    const { stage, code, source } = options;
    const filter = { ...(stage ? { stage } : {}), ...(code ? { code } : {}), ...(source ? { source } : {}) };
    const done = await api.call<z.infer<typeof DeadLetterReplayed>>(
      'POST',
      '/api/v1/dead-letters/replay',
      filter,
    );
    if (options.json) printJson(done);
    else {
      printLine(`${done.replayed} replayed: ${done.accepted} accepted, ${done.rejected} rejected again`);
      if (done.already > 0) printLine(`${done.already} left alone: fed in by an earlier replay`);
      for (const [code, failures] of Map.groupBy(done.failed, (failure) => failure.code))
        printLine(`${failures.length} cannot be fed in: ${failures[0]?.message ?? ''} [${code}]`);
    }
    if (done.failed.length > 0 || done.rejected > 0) process.exitCode = EXIT.findings;
  });
}
