// The options by which a command finds the running site that it talks to.
import type { Command } from 'commander';
import { connectToSite, type StreamingClient } from './api-client.ts';

/** Where `npm start` keeps its data; the centre's folder is inside. */
export const DEFAULT_DATA = 'picket-data';

export interface SiteOptions {
  data?: string;
  url?: string;
  json?: boolean;
}

/** Adds --data, --url and --json. */
export function addSiteOptions(command: Command): Command {
  return command
    .option('--data <folder>', "the site's data folder (default: the demo's centre, or PICKET_DATA)")
    .option('--url <url>', 'the address of a site elsewhere; its API token in PICKET_TOKEN')
    .option('--json', 'print JSON');
}

/** The site that the options name. @throws PicketError SITE_NOT_RUNNING, TOKEN_MISSING */
export function connect(options: SiteOptions): Promise<StreamingClient> {
  return connectToSite({
    url: options.url ?? process.env['PICKET_URL'],
    data: options.data ?? process.env['PICKET_DATA'] ?? `${DEFAULT_DATA}/centre`,
    environment: process.env,
  });
}
