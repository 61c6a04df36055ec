// picket rules packs, add, update and remove: rules from elsewhere, pinned by their content.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { PicketError } from '../../../platform/core/errors.ts';
import type { PackChangeView, PackList } from '../../api/pack-contract.ts';
import { type PackSource, readAddress } from '../../packs/pack-source.ts';
import { EXIT } from '../exit-codes.ts';
import { printJson, printLine, printTable } from '../output.ts';
import { parseTime } from '../search.ts';
import { addSiteOptions, connect, type SiteOptions } from '../site-options.ts';
import { followResult } from './follow-result.ts';

const BASE = '/api/v1/rules/packs';

export function addPackCommands(rules: Command): void {
  addSiteOptions(
    rules
      .command('packs')
      .description('packs of rules at a site, with their pins and licences')
      .addHelpText('after', '\nExit codes: 0 all in force, 1 one is not what was pinned.\n'),
  ).action(async (options: SiteOptions) => {
    const list = await (await connect(options)).call<PackList>('GET', BASE);
    if (options.json) printJson(list);
    else printPacks(list);
    if (list.packs.some(({ state }) => state === 'refused')) process.exitCode = EXIT.findings;
  });

  addSiteOptions(
    rules
      .command('add')
      .description('take a pack of rules in: a folder or zip file of the site, or a git address')
      .argument('<source>', 'path, https://…, ssh://…, file://… or git@host:path')
      .option('--name <name>', 'what it is called here (default: from the source)')
      .option('--ref <ref>', 'git: branch or tag (default: the default branch)')
      .option('--path <folder...>', 'only what lies in these folders of it')
      .option('--since <time>', 'say what its rules would have raised from then on, e.g. 7d')
      .addHelpText(
        'after',
        `
Examples:
  picket rules add https://github.com/SigmaHQ/sigma.git --path rules --path rules-emerging-threats --since 7d
  picket rules add ./our-rules --name ours
Exit codes: 0 in force, 1 in force and some of its rules were refused, 3 not taken.
`,
      ),
  ).action(
    async (
      source: string,
      options: SiteOptions & { name?: string; ref?: string; path?: string[]; since?: string },
    ) => {
      const api = await connect(options);
      const body = {
        source: readSource(source, options),
        ...(options.name === undefined ? {} : { name: options.name }),
        ...sinceOf(options.since),
      };
      const view = await followResult<PackChangeView>(api, BASE, body);
      if (options.json) printJson(view);
      else printChange(view);
      if (view.refused_total > 0) process.exitCode = EXIT.findings;
    },
  );

  addSiteOptions(
    rules
      .command('update')
      .description('fetch a pack again and show what changed; nothing changes without --apply')
      .argument('<name>', 'name of the pack')
      .option('--apply', 'put it in force')
      .option('--since <time>', 'history that new and changed rules are run over', '7d')
      .option('--no-history', 'do not run them over history')
      .addHelpText(
        'after',
        `
Example:
  picket rules update sigma --since 14d && picket rules update sigma --apply --no-history
Exit codes: 0 done, 1 some of its rules are refused, 3 failed.
`,
      ),
  ).action(
    async (name: string, options: SiteOptions & { apply?: boolean; since: string; history: boolean }) => {
      const api = await connect(options);
      const path = `${BASE}/${encodeURIComponent(name)}/update`;
      const body = { apply: options.apply === true, ...(options.history ? sinceOf(options.since) : {}) };
      const view = await followResult<PackChangeView>(api, path, body);
      if (options.json) printJson(view);
      else printChange(view);
      if (view.refused_total > 0) process.exitCode = EXIT.findings;
    },
  );

  addSiteOptions(
    rules
      .command('remove')
      .description('take a pack out of force and off the disk')
      .argument('<name>', 'its name'),
  ).action(async (name: string, options: SiteOptions) => {
    await (await connect(options)).call('DELETE', `${BASE}/${encodeURIComponent(name)}`);
    if (options.json) printJson({ removed: name });
    else printLine(`removed: ${name}`);
  });
}

/** @throws PicketError PACK_ADDRESS, PACK_REF */
function readSource(text: string, options: { ref?: string; path?: string[] }): PackSource {
  const isPath = !/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !/^[\w.-]+@[\w.-]+:/.test(text);
  const source = readAddress(isPath ? resolve(text) : text);
  if (options.ref !== undefined && source.type !== 'git')
    throw new PicketError({ code: 'PACK_REF', message: '--ref is for git addresses' });
  return {
    ...source,
    ...(options.ref === undefined ? {} : { ref: options.ref }),
    ...(options.path ? { paths: options.path } : {}),
  };
}

function sinceOf(since: string | undefined): { since?: string } {
  return since === undefined ? {} : { since: parseTime(since, Date.now()) };
}

function printPacks({ packs }: PackList): void {
  printTable(
    packs.map(({ name, kind, rules, hash, state, licence, address, ref, commit, updated }) => ({
      name,
      kind,
      rules,
      hash: hash.slice(0, 16),
      state,
      licence: licence?.id ?? '',
      updated: updated?.slice(0, 10) ?? '',
      from: [address, ref, commit?.slice(0, 12)].filter((part) => part !== undefined).join(' '),
    })),
    ['name', 'kind', 'rules', 'hash', 'licence', 'state', 'updated', 'from'],
  );
  for (const { name, problem } of packs) if (problem !== undefined) printLine(`${name}: ${problem}`);
}

const SHOWN_CHANGES = 200;
const MARK = { new: '+', changed: '~', gone: '-' } as const;

function printChange(view: PackChangeView): void {
  const raised = ({ alerts, alerts_before }: PackChangeView['changes'][number]): string => {
    if (alerts === undefined) return '';
    return alerts_before === undefined ? `${alerts}` : `${alerts_before} → ${alerts}`;
  };
  if (view.changes.length > 0) {
    printTable(
      view.changes.slice(0, SHOWN_CHANGES).map((change) => ({
        '': MARK[change.change],
        level: change.level,
        name: change.name,
        ...(view.preview ? { alerts: raised(change), matches: change.matches ?? '' } : {}),
        id: change.id,
      })),
      view.preview ? ['', 'level', 'alerts', 'matches', 'name', 'id'] : ['', 'level', 'name', 'id'],
    );
  }
  if (view.changes.length > SHOWN_CHANGES)
    printLine(`${view.changes.length - SHOWN_CHANGES} more: --json has them`);
  for (const { code, message, place } of view.refused) printLine(`refused: ${place}: ${message} [${code}]`);
  const count = (kind: keyof typeof MARK): number =>
    view.changes.filter(({ change }) => change === kind).length;
  if (view.preview)
    printLine(
      `alerts over ${view.preview.from} to ${view.preview.to}${view.preview.complete ? '' : ' (not the whole time: too many matches)'}`,
    );
  printLine(
    `${view.name} ${view.hash.slice(0, 16)}, licence ${view.licence.id}: ${view.rules} rules; ${count('new')} new, ${count('changed')} changed, ` +
      `${count('gone')} gone, ${view.unchanged} as before; ${view.gated} left out by gates, ${view.refused_total} refused, ${view.skipped} links skipped`,
  );
  printLine(view.applied ? 'in force' : 'nothing was changed: --apply puts it in force');
}
