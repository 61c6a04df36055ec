// picket up: runs one site from its configuration, or the demo of a centre and two edge sites.
import type { Command } from 'commander';
import { describeError, errorCode, PicketError } from '../../platform/core/errors.ts';
import type { SiteMessage } from '../demo/supervise-site.ts';
import { DEFAULT_PORT } from '../demo/write-site-files.ts';
import type { Membership } from '../open-site.ts';
import { describeRoles, parseRoles } from '../roles/role.ts';
import type { RunningSite } from '../run-site.ts';
import { UsageError } from './exit-codes.ts';
import { signInLink } from './sign-in.ts';
import { DEFAULT_DATA } from './site-options.ts';

export function addUpCommand(program: Command): void {
  program
    .command('up')
    .description('run a site, or with --demo a centre and two edge sites on this machine')
    .option('--site <file>', 'configuration of the site (docs/configuration.md)')
    .option(
      '--role <roles>',
      'with --site: do this of its work alone: ingest, index, detect, api, or several with commas',
      'all',
    )
    .option('--instance <name>', 'with --role: the name of this process on this machine (default: its roles)')
    .option('--demo', 'run the demo')
    .option('--empty', 'demo: without the recordings')
    .option('--speed <factor>', 'demo: play the recordings so many times faster', '1')
    .option('--no-page', 'demo: serve the page as it was built last, without building it')
    .option('--data <folder>', 'demo: where it keeps its data', process.env['PICKET_DATA'] ?? DEFAULT_DATA)
    .option('--port <port>', 'demo: first of its ports', String(DEFAULT_PORT))
    .addHelpText(
      'after',
      '\nExamples:\n  picket up --demo\n  picket up --site /etc/picket/site.yaml\n  picket up --site /etc/picket/site.yaml --role detect --instance detect-2\nSIGHUP reads rules, pipelines and packs again, as `picket rules reload` does.\n',
    )
    .action(
      async (options: {
        site?: string;
        role: string;
        instance?: string;
        demo?: boolean;
        empty?: boolean;
        page: boolean;
        data: string;
        port: string;
        speed: string;
      }) => {
        const stop = new AbortController();
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
        if (options.demo) {
          const port = Number(options.port);
          if (!Number.isInteger(port) || port < 1 || port > 65_500)
            throw new UsageError({ code: 'PORT_INVALID', message: `not a port: ${options.port}` });
          const speed = Number(options.speed);
          if (!(speed > 0))
            throw new UsageError({ code: 'SPEED_INVALID', message: `not a speed: ${options.speed}` });
          const tell = (line: string): void => void process.stdout.write(`${line}\n`);
          const { runDemo } = await import('../demo/run-demo.ts');
          await runDemo({
            data: options.data,
            port,
            empty: options.empty ?? false,
            page: options.page,
            speed,
            tell,
            signal: stop.signal,
          });
          return;
        }
        if (options.site === undefined)
          throw new UsageError({ code: 'SITE_MISSING', message: 'say which: --site FILE, or --demo' });
        await runOne({ file: options.site, membership: readMembership(options), stop });
      },
    );
}

/** @throws UsageError ROLE_UNKNOWN, INSTANCE_INVALID */
function readMembership({ role, instance }: { role: string; instance?: string }): Membership {
  try {
    const roles = parseRoles(role);
    const name = instance ?? describeRoles(roles).replaceAll(',', '-');
    if (!INSTANCE.test(name))
      throw new PicketError({
        code: 'INSTANCE_INVALID',
        message: `not a name of an instance: ${name} (letters, digits, \`.\`, \`_\` and \`-\`)`,
      });
    return { roles, instance: name };
  } catch (error) {
    throw new UsageError({ code: errorCode(error), message: describeError(error) });
  }
}

/** A folder and part of record ids. */
const INSTANCE = /^[A-Za-z0-9][\w.-]{0,100}$/;

/** One site in this process; under a supervisor it tells it how the start went, and ends when the supervisor is gone. */
async function runOne(options: {
  file: string;
  membership: Membership;
  stop: AbortController;
}): Promise<void> {
  const { file, membership, stop } = options;
  const tellSupervisor = (message: SiteMessage): void => {
    if (process.connected) process.send?.(message);
  };
  process.on('disconnect', () => stop.abort());
  // The supervisor may have died while this process was loading: then nobody will say so again.
  if (process.send && !process.connected) stop.abort();
  let site: RunningSite | undefined;
  // From the start: without a listener the signal would end the process.
  process.on('SIGHUP', () => {
    site?.reloadRules().catch((error: unknown) => {
      process.stderr.write(`picket: the rules stay as they are: ${describeError(error)}\n`);
    });
  });
  try {
    // Loaded when wanted: the other commands start faster without a whole site.
    const [{ readSiteConfig }, { runSite }] = await Promise.all([
      import('../read-site-config.ts'),
      import('../run-site.ts'),
    ]);
    const config = readSiteConfig({ file, environment: process.env });
    site = await runSite({ config, configFile: file, signal: stop.signal, membership });
    tellSupervisor({ type: 'ready', url: site.url ?? '' });
    if (!process.send) {
      process.stdout.write(
        site.url === undefined
          ? `ready: ${membership.instance}\n`
          : `ready: ${site.url}\nsign in: ${signInLink(site.url, await site.createSignInToken())}\n`,
      );
    }
    await site.ended;
  } catch (error) {
    if (!process.send) throw error;
    tellSupervisor({ type: 'failed', code: errorCode(error), message: describeError(error) });
    process.exitCode = 3;
  } finally {
    process.removeAllListeners('disconnect');
    process.removeAllListeners('SIGHUP');
    if (process.connected) process.disconnect();
    leaveSoon();
  }
}

/** All is ended and written: what a library left running may not keep the process, and its service manager, waiting. */
function leaveSoon(): void {
  setTimeout(() => {
    const left = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`picket: ended, though something was left running (${left})\n`);
    process.exit();
  }, LEAVE_MS).unref();
}

const LEAVE_MS = 5_000;
