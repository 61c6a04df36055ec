// The role `ingest`: records of this site's own sources, what children send over the link, and the link to the parent.
import type { Intake } from '../../ingest/intake.ts';
import type { Authority } from '../../platform/identity/authority.ts';
import type { LinkState } from '../../platform/link/link-client.ts';
import type { Work } from '../../platform/records/hold-lease.ts';
import type { Endings } from '../endings.ts';
import type { OpenSite } from '../open-site.ts';
import { startChildSide } from '../start-child-side.ts';
import { startGateway } from '../start-gateway.ts';
import { startReceivers } from '../start-receivers.ts';

/** How often sources are looked at for one that fell silent. */
const SILENCE_CHECK_MS = 60_000;

export async function startIngestRole(
  site: OpenSite,
  options: { intake: Intake; authority: Authority | undefined; endings: Endings },
): Promise<{
  /** Where children call in; undefined when none may. */
  readonly linkUrl: string | undefined;
  /** How the link to the parent stands, when this process has it. */
  parentLink(): LinkState | undefined;
}> {
  const { config, clock, logger, siteKeys } = site;
  const { intake, authority, endings } = options;
  const silence = setInterval(() => intake.checkSilence(), SILENCE_CHECK_MS);
  endings.add('silence watch', async () => clearInterval(silence));
  const gateway =
    config.link && authority ? await startGateway(site, { link: config.link, authority }) : undefined;
  if (gateway) endings.add('link for children', () => gateway.stop());

  let state: (() => LinkState) | undefined;
  if (siteKeys) {
    const up = await site.alone('link-to-parent', async (): Promise<Work> => {
      const child = await startChildSide(site, siteKeys);
      state = () => child.state();
      return {
        async stop() {
          state = undefined;
          await child.stop();
        },
      };
    });
    endings.add('link to the parent', () => up.stop());
  }
  const receivers = await startReceivers({ config, folder: site.folder, intake, clock, logger });
  endings.add('receivers', () => receivers.close());
  return { linkUrl: gateway?.url, parentLink: () => state?.() };
}
