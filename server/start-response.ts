// What answers incidents: playbooks, the changes that they order, and messages to people; one process of a site does it at a time.
import { describePlace } from '../platform/core/errors.ts';
import { startDeliverer } from '../respond/notify/deliver.ts';
import { startLateDigest } from '../respond/notify/digest-late.ts';
import { loadPlaybooks } from '../respond/playbooks/load-playbooks.ts';
import { startPlaybookRunner } from '../respond/playbooks/run-playbooks.ts';
import { orderChange, type PostureDesk } from '../respond/posture/order-change.ts';
import type { OpenSite } from './open-site.ts';

export async function startResponse(site: OpenSite, desk: PostureDesk): Promise<{ stop(): Promise<void> }> {
  const { config, bus, records, clock, counters, logger } = site;
  const deliverer = startDeliverer({
    records,
    notifiers: config.notifiers,
    fetch: globalThis.fetch,
    clock,
    counters,
    logger,
  });
  const digest = await startLateDigest({ records, deliverer, clock, logger });
  const { playbooks, refused } = await loadPlaybooks(site.content(config.content.playbooks));
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
      orderChange: async (child, entry) => {
        const { entries } = await orderChange(desk, child, entry);
        return entries.find(({ id }) => id === entry.id) ?? entry;
      },
    },
  });
  return {
    async stop() {
      await runner.stop();
      await digest.stop();
      await deliverer.stop();
    },
  };
}
