// Runs the demo: a centre and two edge sites as processes on loopback, enrolled, with their story played.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describeError, errorCode, PicketError } from '../../platform/core/errors.ts';
import { DurableDatabase } from '../../platform/sqlite/durable-database.ts';
import { ADDRESS_FILE, type ApiClient, createClient, type SiteAddress } from '../commands/api-client.ts';
import { signInLink } from '../commands/sign-in.ts';
import { buildPage } from './build-page.ts';
import { receiveWebhooks } from './receive-webhooks.ts';
import { type SupervisedSite, superviseSite } from './supervise-site.ts';
import { type DemoSite, writeSiteFiles } from './write-site-files.ts';

/** As long as an ending site is given before it is killed; a process that has taken over its id costs no more than this. */
const LEFTOVER_WAIT_MS = 30_000;

/**
 * Runs until `signal` aborts; then every child is ended.
 * @throws PicketError with one sentence for a taken port, an unwritable folder or a lock
 */
export async function runDemo(options: {
  data: string;
  port: number;
  empty: boolean;
  /** How many times faster than recorded in the manifest the story is played. */
  speed: number;
  /** Whether the page is built when its sources are newer. */
  page: boolean;
  tell: (line: string) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { port, empty, speed, tell, signal } = options;
  const data = resolve(options.data);
  await makeFolder(data);
  const lock = lockFolder(data);
  const children: SupervisedSite[] = [];
  let channel: Awaited<ReturnType<typeof receiveWebhooks>> | undefined;
  try {
    if (options.page) await buildPage(tell);
    tell(`data in ${data}`);
    channel = await receiveWebhooks({
      file: join(data, 'webhooks.ndjson'),
      tell: (text) => tell(`webhook: ${text}`),
    });
    const [centre, ...edges] = (await writeSiteFiles({ data, port, webhook: channel })) as [
      DemoSite,
      ...DemoSite[],
    ];
    children.push(await superviseWhenFree(centre, tell));
    const centreApi = await clientOf(centre);
    await Promise.all(edges.map((edge) => enrol(edge, centreApi)));
    const started = await Promise.allSettled(edges.map((edge) => superviseWhenFree(edge, tell)));
    for (const result of started) {
      if (result.status === 'fulfilled') children.push(result.value);
    }
    for (const result of started) {
      if (result.status === 'rejected') throw result.reason;
    }
    const { token } = await centreApi.call<{ token: string }>('POST', '/api/v1/sign-in-links');
    tell(`ready: ${centreApi.url}`);
    tell(`sign in: ${signInLink(centreApi.url, token)}`);
    if (!empty) {
      const clients = new Map<string, ApiClient>();
      for (const edge of edges) clients.set(edge.id, lastingClient(edge));
      // Loaded now, when the sites are ready: it brings every source's code with it.
      const { playStory } = await import('./play-story.ts');
      playStory({ data, clients, now: Date.now(), speed, tell, signal }).catch((error: unknown) =>
        tell(`the story stopped: ${describeError(error)}`),
      );
    }
    await new Promise<void>((done) => {
      if (signal.aborted) done();
      else signal.addEventListener('abort', () => done(), { once: true });
    });
    tell('stopping');
  } finally {
    await Promise.all(children.map((child) => child.stop()));
    await channel?.close();
    await lock.close();
  }
}

/** The operating system frees the lock when the process dies, however it dies: it is never stale. @throws PicketError DEMO_LOCKED */
function lockFolder(folder: string): DurableDatabase {
  return new DurableDatabase({
    folder,
    file: 'demo.sqlite',
    codePrefix: 'DEMO',
    schemaVersion: 1,
    schema: 'SELECT 1',
    group_wait_ms: 0,
  });
}

/**
 * Sites of a demo that was killed end by themselves, but not at once. This demo alone has the folder, so whoever
 * still owns a site's is such a one: it is waited for.
 */
async function superviseWhenFree(site: DemoSite, tell: (line: string) => void): Promise<SupervisedSite> {
  const deadline = performance.now() + LEFTOVER_WAIT_MS;
  for (;;) {
    try {
      return await superviseSite({ ...site, tell });
    } catch (error) {
      if (errorCode(error) !== 'BUS_LOCKED' || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, '.writable'), '');
  } catch (cause) {
    throw new PicketError({
      code: 'DATA_FOLDER',
      message: `the data folder ${folder} cannot be written: ${describeError(cause)}`,
      cause,
    });
  }
}

/** A site that has no bundle yet is invited; one that was invited finds its identity again. */
async function enrol(edge: DemoSite, centre: ApiClient): Promise<void> {
  const file = edge.bundleFile as string;
  if (existsSync(file)) return;
  const { id, name, jurisdiction } = edge;
  const { bundle } = await centre.call<{ bundle: string }>('POST', '/api/v1/sites', {
    id,
    name,
    jurisdiction,
    tier: 'edge',
  });
  await writeFile(file, bundle, { mode: 0o600 });
}

/** A client that outlives the site's process: each call goes to where the site runs then, with the token of that run. */
function lastingClient(site: DemoSite): ApiClient {
  return {
    url: site.folder,
    async call(method, path, body) {
      const client = await clientOf(site).catch((cause: unknown) => {
        throw new PicketError({ code: 'SITE_UNREACHABLE', message: `${site.id} does not run`, cause });
      });
      return client.call(method, path, body);
    },
  };
}

async function clientOf(site: DemoSite): Promise<ApiClient> {
  return createClient(JSON.parse(await readFile(join(site.folder, ADDRESS_FILE), 'utf8')) as SiteAddress);
}
