// Makes events of what a site tells of itself: one at once, then sums of what repeats, so that no stranger can flood the bus.
import { randomUUID } from 'node:crypto';
import type { Bus } from '../platform/bus/bus.ts';
import type { Clock } from '../platform/core/clock.ts';
import type { Counters } from '../platform/core/counters.ts';
import { describeError, errorCode } from '../platform/core/errors.ts';
import type { JsonObject, PicketEvent } from '../platform/core/event.ts';
import type { Logger } from '../platform/core/log.ts';
import {
  SITE_DATASET,
  SITE_EVENTS,
  type SiteEventAction,
  type SiteEvents,
  type SiteHappening,
} from '../platform/core/site-events.ts';
import { TOPICS } from '../platform/core/topics.ts';
import { buildEvent } from './build-event.ts';
import { eventMessage } from './encode-messages.ts';
import type { SiteIdentity } from './site-identity.ts';

/** The source that events of a site itself name (`picket.source`). */
export const SITE_SOURCE = { id: 'picket', type: 'picket' } as const;

/** What repeats in so long is told as one event with a count. */
const WINDOW_MS = 60_000;

/** Subjects of one action that are told apart in a window; those above are counted together. */
const MAX_SUBJECTS = 32;

/** Texts quote what strangers sent. */
const MAX_TEXT = 500;

/** Happenings that wait for a bus that does not take them; more are counted as lost. */
const MAX_WAITING = 1_000;

interface Window {
  readonly first: number;
  last: number;
  /** Not told yet. */
  count: number;
  happening: SiteHappening;
  others: boolean;
}

export interface SiteEventKeeper extends SiteEvents {
  /** Tells what is still counted, and ends. */
  close(): Promise<void>;
}

/** Begins to keep; what is told is on the bus soon after, in order. */
export function keepSiteEvents(options: {
  site: SiteIdentity;
  bus: Pick<Bus, 'produce'>;
  clock: Clock;
  counters: Counters;
  logger: Logger;
  window_ms?: number;
}): SiteEventKeeper {
  const { site, bus, clock, counters, logger } = options;
  const window_ms = options.window_ms ?? WINDOW_MS;
  const windows = new Map<string, Window>();
  const subjects = new Map<SiteEventAction, number>();
  const ending = new AbortController();
  let waiting = 0;
  let working: Promise<void> = Promise.resolve();

  const send = (window: Window): void => {
    if (window.count === 0) return;
    if (waiting >= MAX_WAITING) {
      counters.add('bus', 'site-event-lost', { by: window.count });
      window.count = 0;
      return;
    }
    const event = describe({ window, site, now: clock.now() });
    const message = eventMessage({ event, key: `${site.id}/${SITE_SOURCE.id}`, detection_only: false });
    window.count = 0;
    waiting++;
    working = working
      .then(() => bus.produce(TOPICS.events, [message]))
      .then(() => counters.add('bus', 'site-event', { source: SITE_SOURCE.id }))
      .catch((error: unknown) => {
        counters.add('bus', 'site-event-lost', { source: SITE_SOURCE.id });
        logger.error({ code: errorCode(error), reason: describeError(error) }, 'a site event was lost');
      })
      .finally(() => {
        waiting--;
      });
  };

  /** Tells what a window still counts, and ends it. */
  const end = (key: string, window: Window): void => {
    send(window);
    windows.delete(key);
    const { action } = window.happening;
    subjects.set(action, (subjects.get(action) ?? 1) - 1);
  };

  const isOver = ({ first }: Window, now: number): boolean => now - first >= window_ms;

  /** The window of a key that still runs; one that is over is ended first. */
  const running = (key: string, now: number): Window | undefined => {
    const window = windows.get(key);
    if (!window || !isOver(window, now)) return window;
    end(key, window);
    return undefined;
  };

  const sweep = (async () => {
    while (!ending.signal.aborted) {
      await clock.sleep(Math.min(window_ms, 5_000), ending.signal).catch(() => undefined);
      const now = clock.now();
      for (const [key, window] of windows) if (isOver(window, now)) end(key, window);
    }
  })();

  return {
    tell: (happening) => {
      const now = clock.now();
      const { action } = happening;
      const by = happening.by ?? 1;
      const own = `${action}\n${happening.code ?? ''}\n${happening.subject}`;
      const known = running(own, now);
      const others = !known && (subjects.get(action) ?? 0) >= MAX_SUBJECTS;
      const key = others ? `${action}\n\u0000others` : own;
      const window = known ?? running(key, now);
      if (window) {
        window.count += by;
        window.last = now;
        return;
      }
      const fresh: Window = { first: now, last: now, count: by, happening, others };
      windows.set(key, fresh);
      if (!others) send(fresh);
      subjects.set(action, (subjects.get(action) ?? 0) + 1);
    },
    close: async () => {
      ending.abort();
      await sweep;
      for (const [key, window] of windows) end(key, window);
      await working;
    },
  };
}

function describe(options: { window: Window; site: SiteIdentity; now: number }): PicketEvent {
  const { window, site, now } = options;
  const { happening, count, others } = window;
  const { action, code } = happening;
  const { category, type, outcome } = SITE_EVENTS[action];
  const { site_event, ...fields } = others ? {} : structuredClone(happening.fields ?? {});
  return buildEvent({
    draft: {
      dataset: SITE_DATASET,
      timestamp: now,
      fields: {
        ...fields,
        event: { kind: 'event', module: 'picket', action, category: [...category], type: [...type], outcome },
        message: (others ? `more of the same: ${happening.message}` : happening.message).slice(0, MAX_TEXT),
        observer: { vendor: 'Picket', product: 'Picket', type: 'site', name: site.id },
        ...(code === undefined ? {} : { error: { code } }),
        site_event: {
          ...(site_event as JsonObject | undefined),
          count,
          first: new Date(window.first).toISOString(),
          last: new Date(window.last).toISOString(),
          ...(others ? { others: true } : {}),
        },
      },
      original: null,
    },
    part: 0,
    record: { bytes: new Uint8Array(), received: now, position: { kind: 'assigned', id: randomUUID() } },
    source: SITE_SOURCE,
    class: 'operational',
    site,
  });
}
