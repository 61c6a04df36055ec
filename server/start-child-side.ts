// What a site with a parent runs: its posture's reconciler, and the link by which it calls up.
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Bus } from '../platform/bus/bus.ts';
import type { Clock } from '../platform/core/clock.ts';
import { describeError, PicketError } from '../platform/core/errors.ts';
import type { Logger } from '../platform/core/log.ts';
import { SCHEMA_VERSION } from '../platform/core/schema-version.ts';
import type { SiteEvents } from '../platform/core/site-events.ts';
import { decodeBundle } from '../platform/identity/messages.ts';
import type { SiteKeys } from '../platform/identity/site-identity.ts';
import { handInBatches } from '../platform/link/hand-in-batches.ts';
import { readCommands } from '../platform/link/hand-out-commands.ts';
import { type LinkState, startLinkClient } from '../platform/link/link-client.ts';
import type { RecordStore } from '../platform/records/record-store.ts';
import { ACTIONS } from '../respond/actions/registry.ts';
import {
  createFileExecutor,
  createNftCheck,
  createNftExecutor,
  findNft,
} from '../respond/posture/executor.ts';
import { type Reconciler, startReconciler } from '../respond/posture/reconcile.ts';
import type { OpenSite } from './open-site.ts';
import { openParentBus } from './open-site-bus.ts';
import type { SiteConfig } from './site-config.ts';
import { readVersion } from './version.ts';

export async function startChildSide(
  site: OpenSite,
  keys: SiteKeys,
): Promise<{ state(): LinkState; stop(): Promise<void> }> {
  const { config, bus, records, residency, clock, counters, logger, siteEvents } = site;
  const { tenant } = config;
  const { id, jurisdiction } = config.site;
  const bundle = await readBundle({ config, keys });
  const reconciler = await startSiteReconciler({ ...site, keys, bundle });
  const ingress = config.parent?.ingress;
  const parentBus = ingress && (await openParentBus({ connection: ingress, site: id, clock, logger }));
  const link = startLinkClient({
    ...(parentBus
      ? {
          send: handInBatches({ bus: parentBus, site: id, clock, counters, logger }),
          commands: (onLine) => readCommands({ bus: parentBus, site: id, onLine, logger }),
        }
      : {}),
    keys,
    ...(bundle === undefined ? {} : { bundle }),
    site: { tenant, id, jurisdiction },
    bus,
    records,
    policy: residency.own,
    detects: true,
    onPosture: async (_, posture) => {
      if (!reconciler)
        throw new PicketError({
          code: 'NO_EXECUTOR',
          message: 'this site has no `respond` section: it takes no postures',
        });
      await reconciler.take(posture);
    },
    onPostureRefused: (refused) => {
      reconciler
        ?.tellRefused(refused)
        .catch((error: unknown) => logger.error({ err: error }, 'refusal not told'));
    },
    heldPostureVersion: () => reconciler?.version() ?? 0,
    heartbeat: () => ({
      schema: SCHEMA_VERSION,
      at: new Date(clock.now()).toISOString(),
      version: readVersion(),
      started: new Date(site.started).toISOString(),
      counters: counters.snapshot(),
      posture_version: reconciler?.version() ?? 0,
    }),
    clock,
    logger,
    counters,
    siteEvents,
  });
  return {
    state: () => link.state(),
    async stop() {
      await link.stop();
      await parentBus?.close();
      await reconciler?.stop();
    },
  };
}

/** Undefined when an earlier enrolment makes it needless and the file is gone. @throws PicketError BUNDLE_MISSING */
async function readBundle({
  config,
  keys,
}: {
  config: SiteConfig;
  keys: SiteKeys;
}): Promise<string | undefined> {
  const { bundle, bundle_file } = config.parent ?? {};
  if (bundle !== undefined) return bundle.trim();
  if (bundle_file !== undefined) {
    try {
      return (await readFile(bundle_file, 'utf8')).trim();
    } catch (cause) {
      if (!keys.enrolment()) {
        throw new PicketError({
          code: 'BUNDLE_MISSING',
          message: `the bundle file ${bundle_file} cannot be read, and this site is not enrolled`,
          cause,
        });
      }
    }
  }
  if (!keys.enrolment() && bundle_file === undefined) {
    throw new PicketError({
      code: 'BUNDLE_MISSING',
      message: 'parent needs `bundle` or `bundle_file`: `picket sites new` at the parent makes it',
    });
  }
  return undefined;
}

async function startSiteReconciler(options: {
  config: SiteConfig;
  keys: SiteKeys;
  bundle: string | undefined;
  bus: Bus;
  records: RecordStore;
  clock: Clock;
  logger: Logger;
  siteEvents: SiteEvents;
}): Promise<Reconciler | undefined> {
  const { config, bundle, bus, records, clock, logger, siteEvents } = options;
  if (!config.respond) return undefined;
  const nft = await findNft(process.env);
  const { executor } = config.respond;
  if (executor.type === 'nft' && nft === undefined) {
    throw new PicketError({
      code: 'NFT_MISSING',
      message: 'respond.executor is nft, and nft is not installed',
    });
  }
  const parents = await findParentAddresses({ bundle, keys: options.keys, logger });
  return startReconciler({
    tenant: config.tenant,
    site: config.site.id,
    records,
    bus,
    executor: executor.type === 'file' ? createFileExecutor(executor.path) : createNftExecutor(nft as string),
    check: createNftCheck(nft),
    actions: ACTIONS,
    guard: {
      protectedNetworks: ['127.0.0.0/8', '::1', ...parents, ...config.respond.protected_networks],
    },
    clock,
    logger,
    siteEvents,
  });
}

/**
 * Every address of the parent that the site knows: of its enrolment (the bundle's file may be gone by then) and of
 * the bundle, with what a name stands for now. An order to deny one of them would cut the site off from its parent.
 */
export async function findParentAddresses(options: {
  bundle: string | undefined;
  keys: Pick<SiteKeys, 'enrolment'>;
  logger: Logger;
  resolveName?: (name: string) => Promise<readonly string[]>;
}): Promise<string[]> {
  const { bundle, keys, logger, resolveName = lookUp } = options;
  const enrolled = keys.enrolment()?.parent.url;
  const urls = [
    enrolled,
    enrolled === undefined && bundle !== undefined ? decodeBundle(bundle).parent.url : undefined,
  ];
  const hosts = urls.flatMap((url) =>
    url === undefined ? [] : [new URL(url).hostname.replace(/^\[|\]$/g, '')],
  );
  const found = new Set<string>();
  for (const host of hosts) {
    if (isIP(host) !== 0) found.add(host);
    else {
      try {
        for (const address of await resolveName(host)) found.add(address);
      } catch (error) {
        logger.warn(
          { host, reason: describeError(error) },
          "the parent's name has no address now: it is not protected",
        );
      }
    }
  }
  return [...found];
}

async function lookUp(name: string): Promise<string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
