// What a site with children runs: its authority, the link that they call, playbooks, and messages to people.

import { join } from 'node:path';
import type { Bus } from '../platform/bus/bus.ts';
import type { Clock } from '../platform/core/clock.ts';
import type { Counters } from '../platform/core/counters.ts';
import { describePlace } from '../platform/core/errors.ts';
import type { Logger } from '../platform/core/log.ts';
import type { SiteEvents } from '../platform/core/site-events.ts';
import { createAuthority } from '../platform/identity/authority.ts';
import { startCommandTopics } from '../platform/link/hand-out-commands.ts';
import { startLinkServer } from '../platform/link/link-server.ts';
import { startIngress } from '../platform/link/take-ingress.ts';
import type { RecordStore } from '../platform/records/record-store.ts';
import { startDeliverer } from '../respond/notify/deliver.ts';
import { startLateDigest } from '../respond/notify/digest-late.ts';
import { loadPlaybooks } from '../respond/playbooks/load-playbooks.ts';
import { type PlaybookRunner, startPlaybookRunner } from '../respond/playbooks/run-playbooks.ts';
import { orderChange, type PostureDesk } from '../respond/posture/order-change.ts';
import { describeListenError } from './describe-listen-error.ts';
import type { Residency } from './load-residency.ts';
import type { SiteConfig } from './site-config.ts';

export interface ParentSide {
  readonly desk: PostureDesk;
  readonly runner: PlaybookRunner;
  /** The bundle of a new child. */
  invite(site: { id: string; name: string; tier: 'region' | 'edge'; jurisdiction: string }): Promise<string>;
  /** Cuts a child off, now and until it is invited again. @throws PicketError SITE_UNKNOWN */
  revoke(site: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startParentSide(options: {
  config: SiteConfig;
  link: NonNullable<SiteConfig['link']>;
  content: (path: string) => string;
  bus: Bus;
  records: RecordStore;
  residency: Residency;
  clock: Clock;
  counters: Counters;
  logger: Logger;
  siteEvents: SiteEvents;
}): Promise<ParentSide> {
  const { config, link, bus, records, residency, clock, counters, logger, siteEvents } = options;
  const { tenant } = config;
  const authority = await createAuthority({
    folder: join(config.data, 'authority'),
    records,
    tenant,
    clock,
    names: link.names,
  });
  const { host, port } = link;
  const server = await startLinkServer({
    host,
    port,
    authority,
    bus,
    records,
    residency: { jurisdiction: config.site.jurisdiction, policies: residency.policies },
    clock,
    counters,
    logger,
    siteEvents,
  }).catch(describeListenError({ host, port }));

  const ingress =
    config.bus.engine === 'kafka' && config.bus.ingress
      ? startIngress({
          bus,
          records,
          tenant,
          residency: { jurisdiction: config.site.jurisdiction, policies: residency.policies },
          clock,
          counters,
          logger,
          siteEvents,
        })
      : undefined;
  const commands = ingress && startCommandTopics({ bus, records, clock, counters, logger });
  const desk: PostureDesk = { records, clock, tenant, authority };
  const deliverer = startDeliverer({
    records,
    notifiers: config.notifiers,
    fetch: globalThis.fetch,
    clock,
    counters,
    logger,
  });
  const digest = await startLateDigest({ records, deliverer, clock, logger });
  const { playbooks, refused } = await loadPlaybooks(options.content(config.content.playbooks));
  for (const { code, message, place } of refused) logger.warn({ code, place: describePlace(place) }, message);
  const runner = await startPlaybookRunner({
    bus,
    records,
    playbooks,
    clock,
    logger,
    effects: {
      notify: ({ key, text, run }) =>
        deliverer.enqueue({
          key,
          type: 'incident.notified',
          text,
          data: {
            incident: run.incident,
            level: run.variables['__level__'],
            sites: run.variables['__sites__'],
            run: run.id,
          },
        }),
      orderChange: async (site, entry) => {
        const { entries } = await orderChange(desk, site, entry);
        return entries.find(({ id }) => id === entry.id) ?? entry;
      },
    },
  });
  return {
    desk,
    runner,
    async invite({ id, name, tier, jurisdiction }) {
      const parent = { site: config.site.id, jurisdiction: config.site.jurisdiction, url: server.url };
      return (await authority.invite({ site: id, name, tier, jurisdiction, parent })).bundle;
    },
    revoke: (site) => authority.revoke(site),
    async stop() {
      await server.close();
      await ingress?.stop();
      await commands?.stop();
      await runner.stop();
      await digest.stop();
      await deliverer.stop();
    },
  };
}
