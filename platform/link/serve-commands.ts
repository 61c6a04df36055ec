// The streams on which a parent speaks to its children: each holds the site's current posture and whatever comes next.
import type { ServerHttp2Stream } from 'node:http2';
import type { Counters } from '../core/counters.ts';
import type { Logger } from '../core/log.ts';
import type { SiteRecord } from '../core/site.ts';
import type { SiteEvents } from '../core/site-events.ts';
import type { RecordStore } from '../records/record-store.ts';
import type { Command } from './protocol.ts';
import type { PublishedPosture } from './publish-posture.ts';

/** Bytes that may wait for a child to read them. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

export interface CommandStreams {
  open(site: SiteRecord, stream: ServerHttp2Stream): Promise<void>;
  /** The posture of a site changed. */
  changed(site: string): void;
  /** The record of a site changed: one that was revoked is cut off now. */
  recheck(site: string): void;
  ping(): void;
  connected(): string[];
}

export function createCommandStreams(deps: {
  records: RecordStore;
  counters: Counters;
  logger: Logger;
  siteEvents: SiteEvents;
}): CommandStreams {
  const { records, counters, logger, siteEvents } = deps;
  const streams = new Map<string, ServerHttp2Stream>();

  const send = (stream: ServerHttp2Stream, command: Command): void => {
    if (stream.destroyed || !stream.writable) return;
    // A child that does not read would have its commands pile up here: it gets the newest posture when it calls again.
    if (stream.writableLength > MAX_UNREAD_BYTES) stream.session?.destroy();
    else stream.write(`${JSON.stringify(command)}\n`);
  };
  const sendPosture = async (site: string): Promise<void> => {
    const stored = await records.get<PublishedPosture>('postures', site);
    const stream = streams.get(site);
    if (!stored || !stream) return;
    const { version: _, ...document } = stored.value;
    send(stream, { kind: 'posture', document });
  };
  const cutIfRevoked = async (site: string): Promise<void> => {
    const record = await records.get<SiteRecord>('sites', site);
    if (record?.value.state !== 'enrolled') streams.get(site)?.session?.destroy();
  };
  const logFailure = (error: unknown): void => logger.error({ err: error }, 'a command cannot be sent');

  return {
    open: async (site, stream) => {
      const before = streams.get(site.id);
      if (before && !before.destroyed) {
        // One identity at two places is worth a look; the newer one is spoken to.
        counters.add('link', 'second-connection', { source: site.id });
        logger.warn({ site: site.id }, 'the site connected a second time');
        siteEvents.tell({
          action: 'second-connection',
          subject: site.id,
          message: `${site.id} connected while it was connected`,
          fields: { site_event: { site: site.id } },
        });
        before.close();
      }
      streams.set(site.id, stream);
      stream.on('close', () => {
        if (streams.get(site.id) === stream) streams.delete(site.id);
      });
      stream.respond({ ':status': 200, 'content-type': 'application/x-ndjson' });
      send(stream, { kind: 'ping' });
      await sendPosture(site.id);
    },
    changed: (site) => {
      sendPosture(site).catch(logFailure);
    },
    recheck: (site) => {
      if (!streams.has(site)) return;
      cutIfRevoked(site).catch(logFailure);
    },
    ping: () => {
      for (const stream of streams.values()) send(stream, { kind: 'ping' });
    },
    connected: () => [...streams.keys()].sort(),
  };
}
