// picket rules list and reload: what a running site has in force.
import type { Command } from 'commander';
import type { ReloadView, RuleList } from '../../api/rule-contract.ts';
import { EXIT } from '../exit-codes.ts';
import { printJson, printLine, printTable } from '../output.ts';
import { addSiteOptions, connect, type SiteOptions } from '../site-options.ts';

export function addListCommands(rules: Command): void {
  addSiteOptions(
    rules
      .command('list')
      .description('the rules in force at a site, with pack, matches and exceptions')
      .option('--gated', 'those that the gates of the configuration leave out instead'),
  ).action(async (options: SiteOptions & { gated?: boolean }) => {
    const api = await connect(options);
    const list = await api.call<RuleList>('GET', '/api/v1/rules');
    if (options.json) {
      printJson(options.gated ? { gated: list.gated } : list);
      return;
    }
    if (options.gated) {
      printTable(
        list.gated.map(({ level, name, status, pack_name, id }) => ({
          level,
          name,
          status,
          pack: pack_name,
          id,
        })),
        ['level', 'status', 'name', 'pack', 'id'],
      );
      return;
    }
    printTable(
      list.rules.map(({ level, name, kind, status, pack_name, matches, exceptions, tags, id }) => ({
        level,
        name,
        kind,
        status,
        pack: pack_name,
        matches,
        exceptions: exceptions.length,
        tags: tags.join(' '),
        id,
      })),
      ['level', 'name', 'kind', 'status', 'pack', 'matches', 'exceptions', 'tags', 'id'],
    );
    if (list.gated.length > 0)
      printLine(`${list.gated.length} rules are left out by gates: --gated lists them`);
    for (const { code, message, place } of list.refused) printLine(`refused: ${place}: ${message} [${code}]`);
  });

  addSiteOptions(
    rules
      .command('reload')
      .description('read rules, pipelines and packs again at a running site, without losing an event')
      .addHelpText('after', '\nExit codes: 0 done, 1 done and some rules were refused, 3 not reloaded.\n'),
  ).action(async (options: SiteOptions) => {
    const api = await connect(options);
    const done = await api.call<ReloadView>('POST', '/api/v1/rules/reload', {});
    if (options.json) printJson(done);
    else {
      for (const { code, message, place } of done.refused)
        printLine(`refused: ${place}: ${message} [${code}]`);
      printLine(
        `${done.rules} rules in force: ${done.added.length} new, ${done.changed.length} changed, ${done.removed.length} gone, ${done.refused.length} refused`,
      );
    }
    if (done.refused.length > 0) process.exitCode = EXIT.findings;
  });
}
