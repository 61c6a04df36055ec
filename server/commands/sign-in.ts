// picket sign-in: a fresh one-time link to the page.
import type { Command } from 'commander';
import { printJson, printLine } from './output.ts';
import { addSiteOptions, connect, type SiteOptions } from './site-options.ts';

export function addSignInCommand(program: Command): void {
  addSiteOptions(program.command('sign-in').description('print a one-time sign-in link for the page')).action(
    async (options: SiteOptions) => {
      const api = await connect(options);
      const { token } = await api.call<{ token: string }>('POST', '/api/v1/sign-in-links');
      const link = signInLink(api.url, token);
      if (options.json) printJson({ link });
      else printLine(link);
    },
  );
}

/** The token stands in the fragment, which browsers send to no one and servers do not log. */
export function signInLink(url: string, token: string): string {
  return `${new URL('/sign-in', url).href}#token=${token}`;
}
