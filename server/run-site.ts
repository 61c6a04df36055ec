// Runs one site in this process: opens its stores, starts every stage in order, and ends them in reverse.
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startIncidentBuilder } from '../detect/incidents/start-incident-builder.ts';
import { loadQuestions } from '../detect/investigate/load-questions.ts';
import { startInvestigator } from '../detect/investigate/start-investigator.ts';
import { startDetector } from '../detect/worker/start-detector.ts';
import { createIntake, type Intake } from '../ingest/intake.ts';
import { keepSiteEvents } from '../ingest/keep-site-events.ts';
import type { RawRecord } from '../ingest/source.ts';
import { createSourceStateStore } from '../ingest/source-state.ts';
import { replayDeadLetters } from '../platform/bus/replay-dead-letters.ts';
import { systemClock } from '../platform/core/clock.ts';
import { Counters } from '../platform/core/counters.ts';
import { describeError, describePlace, PicketError } from '../platform/core/errors.ts';
import { createLogger } from '../platform/core/log.ts';
import { TOPICS } from '../platform/core/topics.ts';
import { openLocalKeys, openSiteKeys } from '../platform/identity/site-identity.ts';
import { startIndexWriter } from '../platform/index/write-events.ts';
import { startLedgerKeeper } from '../platform/residency/ledger-keeper.ts';
import { createAccess } from './api/access.ts';
import { buildApp } from './api/build-app.ts';
import type { ApiDeps } from './api/deps.ts';
import type { ReloadView } from './api/rule-contract.ts';
import { ADDRESS_FILE, type SiteAddress } from './commands/api-client.ts';
import { PROGRAM_FOLDER, resolveContent } from './content-path.ts';
import { describeListenError } from './describe-listen-error.ts';
import { keepCounters } from './keep-counters.ts';
import { loadResidency } from './load-residency.ts';
import { openSiteBus } from './open-site-bus.ts';
import { openSiteIndex, openSiteRecords } from './open-site-stores.ts';
import { readTls } from './read-tls.ts';
import { startRules } from './rules/start-rules.ts';
import type { SiteConfig } from './site-config.ts';
import { startChildSide } from './start-child-side.ts';
import { startParentSide } from './start-parent-side.ts';
import { startReceivers } from './start-receivers.ts';
import { startRetention } from './start-retention.ts';
import { readVersion } from './version.ts';

/** How often sources are looked at for one that fell silent. */
const SILENCE_CHECK_MS = 60_000;

export interface RunningSite {
  /** Address of the API and the page. */
  readonly url: string;
  createSignInToken(): Promise<string>;
  /** Reads rules, pipelines and packs again, between two batches of events. */
  reloadRules(): Promise<ReloadView>;
  /** Resolves when the site has ended after the signal. */
  readonly ended: Promise<void>;
}

/** Ends what was started, last first; a part that fails to end is logged and the rest still end. */
class Endings {
  readonly #parts: { name: string; end: () => Promise<unknown> }[] = [];

  add(name: string, end: () => Promise<unknown>): void {
    this.#parts.push({ name, end });
  }

  async run(onError: (name: string, error: unknown) => void): Promise<void> {
    for (const { name, end } of this.#parts.splice(0).reverse()) {
      try {
        await end();
      } catch (error) {
        onError(name, error);
      }
    }
  }
}

/**
 * Resolves when the site is ready.
 * @throws PicketError DATA_FOLDER, BUS_LOCKED, PORT_TAKEN and what content and stores say; all that was started is ended first
 */
export async function runSite(options: {
  config: SiteConfig;
  configFile: string;
  signal: AbortSignal;
}): Promise<RunningSite> {
  const { config, configFile, signal } = options;
  const { data } = config;
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
    await writeFile(join(data, '.writable'), '');
    // One that was there before may be open to others; what it will hold is not for them.
    await chmod(data, 0o700);
  } catch (cause) {
    throw new PicketError({
      code: 'DATA_FOLDER',
      message: `the data folder ${data} cannot be written: ${describeError(cause)}`,
      cause,
    });
  }
  const logger = createLogger({ name: config.site.id, level: config.log.level, file: config.log.file });
  const endings = new Endings();
  const onEndError = (part: string, error: unknown): void =>
    logger.error({ err: error, part }, 'did not end cleanly');
  try {
    const site = await start({ config, configFile, endings, logger });
    const ended = new Promise<void>((resolve) => {
      const end = (): void => {
        logger.info('ending');
        endings.run(onEndError).then(resolve, resolve);
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
    return { ...site, ended };
  } catch (error) {
    // Whoever started it tells the reason in one sentence; a log on stderr would say it twice.
    if (config.log.file !== undefined || !(error instanceof PicketError))
      logger.error({ err: error }, 'not started');
    await endings.run(onEndError);
    throw error;
  }
}

async function start(options: {
  config: SiteConfig;
  configFile: string;
  endings: Endings;
  logger: ReturnType<typeof createLogger>;
}): Promise<Omit<RunningSite, 'ended'>> {
  const { config, configFile, endings, logger } = options;
  const { data, tenant } = config;
  const clock = systemClock;
  const started = clock.now();
  const content = (path: string): string => resolveContent(path, configFile);
  const counters = new Counters();

  const bus = await openSiteBus({ config, clock, counters, logger });
  endings.add('bus', () => bus.close());
  await bus.ensureTopics(Object.values(TOPICS));
  const records = await openSiteRecords({ config, clock, logger });
  endings.add('records', () => records.close());
  const index = await openSiteIndex({ config, clock, logger });
  endings.add('index', () => index.close());
  const kept = await keepCounters({ counters, records, logger });
  endings.add('counters', () => kept.close());

  const identityFolder = join(data, 'identity');
  const siteKeys = config.parent ? await openSiteKeys({ folder: identityFolder }) : undefined;
  const { eventKey, residencyKey } = siteKeys ?? (await openLocalKeys({ folder: identityFolder }));
  const residency = loadResidency({
    folder: content(config.content.residency),
    jurisdiction: config.site.jurisdiction,
    hashKey: residencyKey,
  });
  const rules = await startRules({ config, configFile, content, records, index, clock, logger });
  endings.add('rules', () => rules.close());

  const writer = startIndexWriter({ bus, index, counters, logger });
  endings.add('index writer', () => writer.stop());
  const detector = startDetector({
    bus,
    folder: join(data, 'detect'),
    rules: rules.desk.detectorRules(),
    entityTable: rules.desk.entityTable,
    site: { tenant, ...config.site },
    mode: config.parent ? 'site' : 'centre',
    // On Kafka other processes may detect beside this one.
    steps: config.bus.engine === 'kafka' ? 'two' : 'one',
    clock,
    counters,
    logger,
  });
  endings.add('detector', () => detector.stop());
  rules.desk.attach(detector);
  const incidents = await startIncidentBuilder({ bus, records, clock, counters, logger });
  endings.add('incidents', () => incidents.stop());
  const asked = loadQuestions(content(config.content.investigation));
  for (const { code, message, place } of asked.refused)
    logger.warn({ code, place: describePlace(place) }, message);
  const investigator = await startInvestigator({
    index,
    records,
    clock,
    questions: asked.questions,
    logger,
  });
  endings.add('investigator', () => investigator.stop());
  const ledger = startLedgerKeeper({ bus, records, logger });
  endings.add('ledger', () => ledger.stop());
  const retention = startRetention({ index, rules: config.retention, clock, counters, logger });
  endings.add('retention', () => retention.stop());

  const stateStore = createSourceStateStore({
    store: records,
    onError: (error) => logger.error({ err: error }, 'source state'),
  });
  endings.add('source state', () => stateStore.close());
  const { id, tier, jurisdiction } = config.site;
  const site = { tenant, id, tier, jurisdiction, eventKey };
  const siteEvents = keepSiteEvents({ site, bus, clock, counters, logger });
  endings.add('site events', () => siteEvents.close());
  const intake = await createIntake({
    site,
    sources: config.sources,
    bus,
    counters,
    clock,
    stateStore,
    logger,
    siteEvents,
  });
  endings.add('intake', () => intake.close());
  const silence = setInterval(() => intake.checkSilence(), SILENCE_CHECK_MS);
  endings.add('silence watch', async () => clearInterval(silence));

  const shared = { config, bus, records, clock, counters, logger, residency, siteEvents };
  const parentSide = config.link
    ? await startParentSide({ ...shared, link: config.link, content })
    : undefined;
  if (parentSide) endings.add('link for children', () => parentSide.stop());
  const childSide = siteKeys ? await startChildSide({ ...shared, keys: siteKeys, started }) : undefined;
  if (childSide) endings.add('link to the parent', () => childSide.stop());
  const receivers = await startReceivers({ config, intake, clock, logger });
  endings.add('receivers', () => receivers.close());

  const access = createAccess({ records, clock });
  const deps: ApiDeps = {
    config,
    version: readVersion(),
    started,
    records,
    index,
    bus,
    counters,
    clock,
    logger,
    access,
    investigator,
    runner: parentSide?.runner,
    desk: parentSide?.desk,
    parentLink: () => childSide?.state(),
    inviteSite: parentSide && ((site) => parentSide.invite(site)),
    revokeSite: parentSide && ((site) => parentSide.revoke(site)),
    ruleDesk: rules.desk,
    backtests: rules.backtests,
    packs: rules.packs,
    residencyFolder: content(config.content.residency),
    replay: (source, list) => replay(intake, source, list),
    replayDeadLetters: (filter) => feedDeadLetters({ bus, intake, filter, now: clock.now() }),
    unready: () => (bus.congested() ? ['the bus is near its bound: receivers answer 429'] : []),
    pageFolder: join(PROGRAM_FOLDER, 'ui', 'dist'),
  };
  if (config.metrics.prometheus || config.metrics.otlp) {
    // OpenTelemetry takes its time to load.
    const { publishMetrics } = await import('./publish-metrics.ts');
    const metrics = await publishMetrics({ config, bus, counters, unready: deps.unready });
    endings.add('metrics', () => metrics.close());
  }
  const tls = config.listen.tls && readTls(config.listen.tls);
  const app = await buildApp(deps, tls);
  const { host, port } = config.listen;
  const url = await app.listen({ host, port }).catch(describeListenError({ host, port }));
  endings.add('API', () => app.close());

  const addressFile = join(data, ADDRESS_FILE);
  // The token of an earlier run, which may have ended without a word, is worth nothing from now on.
  await access.retire({ actor: 'cli' });
  const token = await access.createApiToken({ actor: 'cli', roles: ['admin'] });
  const address: SiteAddress = {
    url,
    token,
    pid: process.pid,
    // The first of the file: what the listener shows. Those that follow are of the CAs that signed it.
    ...(tls ? { certificate: new X509Certificate(tls.certificate).toString() } : {}),
  };
  await writeFile(addressFile, JSON.stringify(address), { mode: 0o600 });
  endings.add('address file', () => rm(addressFile, { force: true }));
  logger.info({ url, rules: rules.desk.detection().views.length, sources: config.sources.length }, 'ready');
  return {
    url,
    createSignInToken: () => access.createSignInToken({ actor: 'operator', roles: ['admin'] }),
    reloadRules: () => rules.desk.reload(),
  };
}

async function replay(
  intake: Intake,
  source: string,
  list: Parameters<ApiDeps['replay']>[1],
): ReturnType<ApiDeps['replay']> {
  const raw = list.map(
    ({ bytes, received, peer, ordinal, shift_ms, replayed }): RawRecord => ({
      bytes,
      received,
      position: { kind: 'request', ordinal },
      ...(peer === undefined ? {} : { peer }),
      ...(shift_ms === undefined ? {} : { shift_ms }),
      ...(replayed ? { replayed } : {}),
    }),
  );
  const results = await intake.accept(source, raw);
  const rejected = results.filter((result) => result.rejected.length > 0).length;
  const events = results.reduce((sum, result) => sum + result.events.length, 0);
  return { accepted: results.length - rejected, rejected, events };
}

/** Stages that read a topic and whose work may be done again: everything they write has an id of its own. */
const REPLAYED_STAGES: ReadonlySet<string> = new Set(['index', 'detect', 'residency']);

async function feedDeadLetters(options: {
  bus: Parameters<typeof replayDeadLetters>[0]['bus'];
  intake: Intake;
  filter: Parameters<ApiDeps['replayDeadLetters']>[0];
  now: number;
}): ReturnType<ApiDeps['replayDeadLetters']> {
  const { bus, intake, filter, now } = options;
  const { stage, code, source } = filter;
  let accepted = 0;
  let rejected = 0;
  const { replayed, already, failed } = await replayDeadLetters({
    bus,
    filter: {
      ...(stage === undefined ? {} : { stage }),
      ...(code === undefined ? {} : { code }),
      ...(source === undefined ? {} : { source }),
    },
    now,
    feed: async (message, letter) => {
      // What a later stage gave up was an event or alert already: it goes into its topic again.
      const topic = REPLAYED_STAGES.has(letter.stage)
        ? Object.values(TOPICS).find(({ name }) => name === letter.topic)
        : undefined;
      if (topic) {
        await bus.produce(topic, [message]);
        accepted++;
        return;
      }
      const result = await intake.replayDeadLetter(message);
      if (result.rejected.length > 0) rejected++;
      else accepted++;
    },
  });
  return { replayed, accepted, rejected, already, failed: [...failed] };
}
