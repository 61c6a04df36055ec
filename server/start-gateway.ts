// Where children reach a site: the link that they call, and their topics on the brokers.
import type { Authority } from '../platform/identity/authority.ts';
import { startCommandTopics } from '../platform/link/hand-out-commands.ts';
import { startLinkServer } from '../platform/link/link-server.ts';
import { startIngress } from '../platform/link/take-ingress.ts';
import { describeListenError } from './describe-listen-error.ts';
import type { OpenSite } from './open-site.ts';
import type { SiteConfig } from './site-config.ts';

/** What children send is verified here: who they are, and what their residency lets out. @throws PicketError PORT_TAKEN, PORT_REFUSED */
export async function startGateway(
  site: OpenSite,
  options: { link: NonNullable<SiteConfig['link']>; authority: Authority },
): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const { config, bus, records, clock, counters, logger, siteEvents } = site;
  const { host, port } = options.link;
  const residency = { jurisdiction: config.site.jurisdiction, policies: site.residency.policies };
  const shared = { bus, records, residency, clock, counters, logger, siteEvents };
  const server = await startLinkServer({ host, port, authority: options.authority, ...shared }).catch(
    describeListenError({ host, port }),
  );
  const onBrokers = config.bus.engine === 'kafka' && config.bus.ingress;
  const ingress = onBrokers ? startIngress({ ...shared, tenant: config.tenant }) : undefined;
  const commands = onBrokers
    ? await site.alone('command-topics', () => startCommandTopics({ bus, records, clock, counters, logger }))
    : undefined;
  return {
    url: server.url,
    async stop() {
      await server.close();
      await ingress?.stop();
      await commands?.stop();
    },
  };
}
