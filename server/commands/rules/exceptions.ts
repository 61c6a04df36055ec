// picket rules exceptions: hide what is known to be harmless, with a reason and an end, without touching a rule's file.
import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { describeError, PicketError } from '../../../platform/core/errors.ts';
import type {
  ExceptionDetail,
  ExceptionDraft,
  ExceptionList,
  ExceptionPreview,
  ExceptionView,
} from '../../api/exception-contract.ts';
import type { ApiClient } from '../api-client.ts';
import { EXIT } from '../exit-codes.ts';
import { printJson, printLine, printTable } from '../output.ts';
import { parseTime } from '../search.ts';
import { addSiteOptions, connect, type SiteOptions } from '../site-options.ts';

const BASE = '/api/v1/rules/exceptions';

export function addExceptionCommands(rules: Command): void {
  const exceptions = rules
    .command('exceptions')
    .description('Sigma filters of your own that hide matches of rules');

  addSiteOptions(
    exceptions
      .command('list', { isDefault: true })
      .description('all of them, with author, reason, end and what they hid')
      .addHelpText('after', '\nExit codes: 0 all can work, 1 some are expired, idle or refused.\n'),
  ).action(async (options: SiteOptions) => {
    const list = await (await connect(options)).call<ExceptionList>('GET', BASE);
    if (options.json) printJson(list);
    else printList(list);
    if (list.refused.length > 0 || list.exceptions.some(({ state }) => state !== 'active'))
      process.exitCode = EXIT.findings;
  });

  addSiteOptions(
    exceptions
      .command('show')
      .description('its text, and the latest matches that it hid')
      .argument('<id>', 'id of the exception'),
  ).action(async (id: string, options: SiteOptions) => {
    const api = await connect(options);
    const detail = await api.call<ExceptionDetail>('GET', `${BASE}/${encodeURIComponent(id)}`);
    if (options.json) printJson(detail);
    else {
      printLine(detail.text.trimEnd());
      printLine(`# ${detail.state}; hid ${detail.suppressed} matches`);
      for (const { timestamp, site, rule_name, summary, event } of detail.latest)
        printLine(`${timestamp}  ${site}  ${rule_name}  ${summary}  ${event}`);
    }
  });

  addSiteOptions(
    exceptions
      .command('draft')
      .description('write an exception from the values of an alert; nothing is saved')
      .argument('<alert>', 'id of the alert')
      .option('--field <field...>', 'fields whose values it names (default: those of the alert’s key)')
      .option('--title <text>', 'its title')
      .option('--reason <text>', 'why what it hides is harmless')
      .option('--expires <date>', 'when it ends, e.g. 2027-01-31')
      .addHelpText(
        'after',
        `
Example:
  picket rules exceptions draft h1GkMmu4nJ0 --reason 'Backup agent' --expires 2027-01-31 > backup.yml
  picket rules exceptions add backup.yml --since 30d
`,
      ),
  ).action(
    async (
      alert: string,
      options: SiteOptions & { field?: string[]; title?: string; reason?: string; expires?: string },
    ) => {
      const { field, title, reason, expires } = options;
      const draft = await (await connect(options)).call<ExceptionDraft>('POST', `${BASE}/draft`, {
        alert,
        ...(field ? { fields: field } : {}),
        ...(title === undefined ? {} : { title }),
        ...(reason === undefined ? {} : { reason }),
        ...(expires === undefined ? {} : { expires }),
      });
      if (options.json) printJson(draft);
      else process.stdout.write(draft.text);
      if (!draft.here)
        process.stderr.write(`picket: this alert was made at ${draft.site}: make the exception there\n`);
    },
  );

  addSiteOptions(
    exceptions
      .command('preview')
      .description('what it would have hidden of stored history; nothing is saved')
      .argument(
        '<file>',
        'a Sigma filter with `author` and `picket: { reason, expires }` (`-`: standard input)',
      )
      .option('--since <time>', 'from then: 24h, 7d or ISO 8601', '7d'),
  ).action(async (file: string, options: SiteOptions & { since: string }) => {
    const preview = await previewText(await connect(options), await readText(file), options.since);
    if (options.json) printJson(preview);
    else printPreview(preview);
  });

  addSiteOptions(
    exceptions
      .command('add')
      .description('preview it over stored history, then put it in force')
      .argument(
        '<file>',
        'a Sigma filter with `author` and `picket: { reason, expires }` (`-`: standard input)',
      )
      .option('--since <time>', 'the history it is previewed over', '7d')
      .option('--no-preview', 'put it in force unseen')
      .addHelpText(
        'after',
        '\nIt needs an end (`picket.expires`), or --permanent.\nExit codes: 0 in force, 3 refused.\n',
      )
      .option('--permanent', 'accept one without an end'),
  ).action(
    async (file: string, options: SiteOptions & { since: string; preview: boolean; permanent?: boolean }) => {
      const text = await readText(file);
      const api = await connect(options);
      const preview = options.preview ? await previewText(api, text, options.since) : undefined;
      if (preview && !options.json) printPreview(preview);
      const body = { text, ...(options.permanent ? { permanent: true } : {}) };
      const made = await api.call<ExceptionView>('POST', BASE, body);
      if (options.json) printJson({ exception: made, ...(preview ? { preview } : {}) });
      else printLine(`in force: ${made.title} (${made.id}), for ${made.rules.length} rules`);
    },
  );

  addSiteOptions(
    exceptions
      .command('remove')
      .description('end one that was made through the API')
      .argument('<id>', 'id of the exception'),
  ).action(async (id: string, options: SiteOptions) => {
    await (await connect(options)).call('DELETE', `${BASE}/${encodeURIComponent(id)}`);
    if (options.json) printJson({ removed: id });
    else printLine(`removed: ${id}`);
  });
}

async function readText(file: string): Promise<string> {
  try {
    return file === '-' ? await readAll(process.stdin) : readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PicketError({
      code: 'FILE_UNREADABLE',
      message: describeError(cause),
      place: { file },
      cause,
    });
  }
}

function previewText(api: ApiClient, text: string, since: string): Promise<ExceptionPreview> {
  return api.call<ExceptionPreview>('POST', `${BASE}/preview`, { text, from: parseTime(since, Date.now()) });
}

function printList({ exceptions, refused }: ExceptionList): void {
  printTable(
    exceptions.map(({ id, title, author, reason, state, expires, suppressed, rules }) => ({
      id,
      title,
      author,
      reason,
      state,
      hidden: suppressed,
      rules: rules.length,
      expires: expires ?? 'never',
    })),
    ['state', 'hidden', 'rules', 'expires', 'author', 'title', 'reason', 'id'],
  );
  for (const { code, message, place } of refused) printLine(`refused: ${place}: ${message} [${code}]`);
}

function printPreview(preview: ExceptionPreview): void {
  for (const rule of preview.rules) {
    printLine(
      `${rule.name}: ${rule.hidden} of ${rule.matches} matches hidden, ${rule.alerts_before} alerts become ${rule.alerts_after}`,
    );
    for (const { timestamp, site, summary, event } of rule.samples)
      printLine(`  ${timestamp}  ${site}  ${summary}  ${event}`);
  }
  printLine(
    `${preview.from} to ${preview.to}: ${preview.hidden} of ${preview.matches} matches hidden, ` +
      `${preview.alerts_before} alerts become ${preview.alerts_after}${preview.complete ? '' : ' (not the whole time: too many matches)'}`,
  );
}
