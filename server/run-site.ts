// Runs one process of a site, with all its roles or some: opens what they stand on, starts each in order, and ends them in reverse.
import { join } from 'node:path';
import { createIntake, type Intake } from '../ingest/intake.ts';
import { createSourceStateStore } from '../ingest/source-state.ts';
import { PicketError } from '../platform/core/errors.ts';
import { createLogger, type Logger } from '../platform/core/log.ts';
import { type Authority, createAuthority } from '../platform/identity/authority.ts';
import type { ReloadView } from './api/rule-contract.ts';
import { Endings } from './endings.ts';
import { folderOf, keysOf, type Membership, makeFolder, type OpenSite, openSite } from './open-site.ts';
import { idOfProcess } from './record-of-process.ts';
import { ALL_ROLES, checkEngines, describeRoles } from './roles/role.ts';
import { startApiRole } from './roles/start-api.ts';
import { startDetectRole } from './roles/start-detect.ts';
import { startIndexRole } from './roles/start-index.ts';
import { startIngestRole } from './roles/start-ingest.ts';
import { type SiteRules, startRules } from './rules/start-rules.ts';
import type { SiteConfig } from './site-config.ts';

export interface RunningSite {
  /** Address of the API and the page; undefined in a process without the role `api`. */
  readonly url: string | undefined;
  /** @throws PicketError NOT_AT_THIS_SITE in a process without the role `api` */
  createSignInToken(): Promise<string>;
  /** Reads rules, pipelines and packs again, between two batches of events; undefined where no rules are. */
  reloadRules(): Promise<ReloadView | undefined>;
  /** Resolves when the site has ended after the signal. */
  readonly ended: Promise<void>;
}

/**
 * Resolves when the site is ready.
 * @throws PicketError ROLE_ENGINES, DATA_FOLDER, DATA_LOCKED, BUS_LOCKED, PORT_TAKEN and what content and stores say; all that was started is ended first
 */
export async function runSite(options: {
  config: SiteConfig;
  configFile: string;
  signal: AbortSignal;
  /** Default: the whole site. */
  membership?: Membership;
}): Promise<RunningSite> {
  const { config, configFile, signal, membership = { roles: ALL_ROLES, instance: 'all' } } = options;
  checkEngines(config, membership.roles);
  await makeFolder(folderOf(config, membership));
  const logger = createLogger({
    name: membership.roles === ALL_ROLES ? config.site.id : `${config.site.id}/${membership.instance}`,
    level: config.log.level,
    file: config.log.file,
  });
  const endings = new Endings();
  try {
    const site = await start({ config, configFile, membership, endings, logger });
    const ended = new Promise<void>((resolve) => {
      const end = (): void => {
        logger.info('ending');
        endings.run(logger).then(resolve, resolve);
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
    return { ...site, ended };
  } catch (error) {
    // Whoever started it tells the reason in one sentence; a log on stderr would say it twice.
    if (config.log.file !== undefined || !(error instanceof PicketError))
      logger.error({ err: error }, 'not started');
    await endings.run(logger);
    throw error;
  }
}

async function start(options: {
  config: SiteConfig;
  configFile: string;
  membership: Membership;
  endings: Endings;
  logger: Logger;
}): Promise<Omit<RunningSite, 'ended'>> {
  const { config, endings, logger } = options;
  const { roles } = options.membership;
  const site = await openSite(options);
  const { bus, folder } = site;

  const rules = roles.has('detect') || roles.has('api') ? await openRules(site) : undefined;
  if (rules) endings.add('rules', () => rules.close());
  if (roles.has('index')) await startIndexRole(site, endings);
  if (rules && roles.has('detect')) await startDetectRole(site, rules.desk, endings);
  const intake = roles.has('ingest') || roles.has('api') ? await openIntake(site, endings) : undefined;
  const authority = config.link && intake ? await openAuthority(site, config.link.names) : undefined;
  const ingest =
    intake && roles.has('ingest') ? await startIngestRole(site, { intake, authority, endings }) : undefined;

  const unready = (): string[] =>
    bus.congested() ? ['the bus is near its bound: receivers answer 429'] : [];
  if (config.metrics.prometheus || config.metrics.otlp) {
    // OpenTelemetry takes its time to load.
    const { publishMetrics } = await import('./publish-metrics.ts');
    const metrics = await publishMetrics({ ...site, unready });
    endings.add('metrics', () => metrics.close());
  }
  const api =
    rules && intake && roles.has('api')
      ? await startApiRole(site, {
          rules,
          intake,
          authority,
          linkUrl: config.link && (config.link.url ?? ingest?.linkUrl ?? urlOf(config.link)),
          parentLink: () => ingest?.parentLink(),
          unready,
          endings,
        })
      : undefined;
  logger.info(
    {
      ...(api ? { url: api.url } : {}),
      roles: describeRoles(roles),
      folder,
      rules: rules?.desk.detection().views.length ?? 0,
      sources: config.sources.length,
    },
    'ready',
  );
  return {
    url: api?.url,
    createSignInToken: async () => {
      if (!api) throw new PicketError({ code: 'NOT_AT_THIS_SITE', message: 'this process serves no API' });
      return api.access.createSignInToken({ actor: 'operator', roles: ['admin'] });
    },
    reloadRules: async () => rules?.desk.reload(),
  };
}

function openRules(site: OpenSite): Promise<SiteRules> {
  return startRules({ ...site, servesApi: site.roles.has('api') });
}

/** Of sources that listen, and of what the API hands in. */
async function openIntake(site: OpenSite, endings: Endings): Promise<Intake> {
  const { config, bus, records, clock, counters, logger, siteEvents } = site;
  const stateStore = createSourceStateStore({
    store: records,
    idOf: (source) => idOfProcess(`source-state:${source}`, site.process),
    onError: (error) => logger.error({ err: error }, 'source state'),
  });
  endings.add('source state', () => stateStore.close());
  const intake = await createIntake({
    site: site.identity,
    sources: config.sources,
    bus,
    counters,
    clock,
    stateStore,
    logger,
    siteEvents,
  });
  endings.add('intake', () => intake.close());
  return intake;
}

/** The keys are shared by all processes of a site; the link's certificate is each one's own. */
function openAuthority(site: OpenSite, names: readonly string[]): Promise<Authority> {
  const { config, folder, records, clock } = site;
  return createAuthority({
    folder: join(keysOf(config), 'authority'),
    certificateFolder: join(folder, 'authority'),
    records,
    tenant: config.tenant,
    clock,
    names,
  });
}

function urlOf({ host, port }: { host: string; port: number }): string {
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
