// picket sites: who is there, inviting a new one, and cutting one off.
import type { Command } from 'commander';
import type { SiteList } from '../api/contract.ts';
import { printJson, printLine, printTable } from './output.ts';
import { addSiteOptions, connect, type SiteOptions } from './site-options.ts';

/** Of the site that answers, how its link to its parent stands, if it has one. */
function describeLink({ link, parent_link: parent }: SiteList['sites'][number]): string {
  return parent ? ['parent', parent.state, parent.code].filter((part) => part !== undefined).join(' ') : link;
}

export function addSitesCommands(program: Command): void {
  const sites = program.command('sites').description('list the sites, invite one, or cut one off');

  addSiteOptions(
    sites.command('list', { isDefault: true }).description('all sites with their link and posture'),
  ).action(async (options: SiteOptions) => {
    const api = await connect(options);
    const list = await api.call<SiteList>('GET', '/api/v1/sites');
    if (options.json) {
      printJson(list);
      return;
    }
    printTable(
      list.sites.map((site) => ({
        site: site.id,
        tier: site.tier,
        jurisdiction: site.jurisdiction,
        link: describeLink(site),
        state: site.state,
        spool: site.heartbeat?.spool.records,
        posture: site.posture ? `v${site.posture.version}` : '-',
        alerts: site.open_alerts,
        'last seen': site.last_seen ?? '-',
      })),
      ['site', 'tier', 'jurisdiction', 'link', 'state', 'spool', 'posture', 'alerts', 'last seen'],
    );
  });

  addSiteOptions(
    sites
      .command('new')
      .description('invite a site: prints the bundle that enrols it, once')
      .argument('<id>', 'lower-case name, e.g. factory-lyon')
      .requiredOption('--jurisdiction <code>', 'e.g. eu-fr or cn-gd')
      .option('--tier <tier>', 'edge or region', 'edge')
      .option('--name <name>', 'name for people')
      .addHelpText(
        'after',
        '\nExample:\n  picket sites new factory-lyon --jurisdiction eu-fr > bundle.txt\n',
      ),
  ).action(
    async (id: string, options: SiteOptions & { jurisdiction: string; tier: string; name?: string }) => {
      const api = await connect(options);
      const { jurisdiction, tier, name } = options;
      const invited = await api.call<{ bundle: string }>('POST', '/api/v1/sites', {
        id,
        jurisdiction,
        tier,
        ...(name ? { name } : {}),
      });
      if (options.json) printJson(invited);
      else printLine(invited.bundle);
    },
  );

  addSiteOptions(
    sites
      .command('revoke')
      .description('cut a site off at once; a new bundle of `sites new` lets it back in')
      .argument('<id>', 'the site')
      .requiredOption('--reason <text>', 'why, kept with who did it')
      .addHelpText('after', "\nExample:\n  picket sites revoke factory-lyon --reason 'stolen'\n"),
  ).action(async (id: string, options: SiteOptions & { reason: string }) => {
    const api = await connect(options);
    const { reason } = options;
    const site = await api.call<SiteList['sites'][number]>(
      'POST',
      `/api/v1/sites/${encodeURIComponent(id)}/revoke`,
      { reason },
    );
    if (options.json) printJson(site);
    else printLine(`${site.id} is ${site.state}`);
  });
}
