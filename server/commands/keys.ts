// picket keys: makes the keys of a site before its first start, so that all its processes can be given the same ones.
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../../platform/core/clock.ts';
import { keepAuthorityKeys } from '../../platform/identity/authority.ts';
import { openLocalKeys, openSiteKeys } from '../../platform/identity/site-identity.ts';
import { keysOf } from '../open-site.ts';
import { readSiteConfig } from '../read-site-config.ts';
import { printJson, printLine } from './output.ts';

export function addKeysCommand(program: Command): void {
  program
    .command('keys')
    .description(
      'make the keys of a site where they are missing, before processes on several machines share them',
    )
    .argument('<file>', 'configuration of the site (docs/configuration.md)')
    .option(
      '--to <folder>',
      'make them in this folder (default: `keys` of the configuration, else its data folder)',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  picket keys site.yaml --to ./keys\nWhat is there already stays as it is.\n',
    )
    .action(async (file: string, options: { to?: string; json?: boolean }) => {
      const config = readSiteConfig({ file, environment: process.env });
      const folder = options.to === undefined ? keysOf(config) : resolve(options.to);
      const identity = join(folder, 'identity');
      const authority = join(folder, 'authority');
      await (config.parent ? openSiteKeys({ folder: identity }) : openLocalKeys({ folder: identity }));
      if (config.link)
        await keepAuthorityKeys({ folder: authority, tenant: config.tenant, clock: systemClock });
      const files = [...(await list(identity)), ...(config.link ? await list(authority) : [])];
      if (options.json) printJson({ folder, files });
      else for (const path of files) printLine(path);
    });
}

async function list(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort().map((name) => join(folder, name));
}
