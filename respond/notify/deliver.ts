// Delivers notifications from a durable queue: retried with growing waits, dead-lettered with the reason, never doubled by id.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../platform/core/clock.ts';
import type { Counters } from '../../platform/core/counters.ts';
import { errorCode } from '../../platform/core/errors.ts';
import { equals } from '../../platform/core/expression/expression.ts';
import type { Logger } from '../../platform/core/log.ts';
import { type RecordStore, upsertRecord } from '../../platform/records/record-store.ts';
import type { Notification } from './notifier.ts';
import { type NotifierConfig, sendThrough } from './registry.ts';

/** One message to one notifier (collection `deliveries`). */
export const Delivery = z.object({
  id: z.string(),
  notifier: z.string(),
  state: z.enum(['pending', 'delivered', 'dead']),
  notification: z.object({
    id: z.string(),
    type: z.string(),
    timestamp: z.string(),
    text: z.string(),
    data: z.record(z.string(), z.unknown()),
  }),
  attempts: z.number().int(),
  next_attempt: z.iso.datetime(),
  last_error: z.string().optional(),
  delivered: z.iso.datetime().optional(),
});
export type Delivery = z.infer<typeof Delivery>;

/** Waits before the 2nd, 3rd … attempt (Standard Webhooks' suggested schedule); after the last the delivery is dead. */
export const RETRY_SCHEDULE_MS: readonly number[] = [
  5_000, 60_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000,
];

/** Attempts under way at once. */
const MOST_AT_ONCE = 8;
/** The wait after the record store failed. */
const STORE_AGAIN_MS = 1_000;

export interface Deliverer {
  /** Puts one message per notifier into the queue; the same key makes the same messages. */
  enqueue(options: { key: string; type: string; text: string; data: Record<string, unknown> }): Promise<void>;
  stop(): Promise<void>;
}

/** Delivers what is pending now and what comes, until stopped. A stopped process goes on where it was. */
export function startDeliverer(options: {
  records: RecordStore;
  notifiers: readonly NotifierConfig[];
  fetch: typeof globalThis.fetch;
  clock: Clock;
  counters: Counters;
  logger: Logger;
  /** Shorter in tests. */
  retrySchedule?: readonly number[];
}): Deliverer {
  const { records, notifiers, clock, counters, logger } = options;
  const schedule = options.retrySchedule ?? RETRY_SCHEDULE_MS;
  const stop = new AbortController();
  let wake: () => void = () => undefined;
  /** Set by enqueue, so that a message that comes while the queue is read is not slept over. */
  let more = false;

  async function attempt(delivery: Delivery): Promise<void> {
    const notifier = notifiers.find(({ id }) => id === delivery.notifier);
    const result = notifier
      ? await sendThrough(notifier, {
          notification: delivery.notification,
          fetch: options.fetch,
          now: clock.now(),
          signal: stop.signal,
        })
      : ({ ok: false, again: false, reason: 'this notifier is no longer configured' } as const);
    if (!result.ok && stop.signal.aborted) return;
    const wait = result.ok ? undefined : schedule[delivery.attempts];
    const state = result.ok ? 'delivered' : result.again && wait !== undefined ? 'pending' : 'dead';
    counters.add('notify', result.ok ? 'delivered' : state === 'dead' ? 'dead' : 'retried', {
      source: delivery.notifier,
    });
    if (!result.ok) logger.warn({ delivery: delivery.id, notifier: delivery.notifier, state }, result.reason);
    const now = clock.now();
    await upsertRecord<Delivery>({
      store: records,
      collection: 'deliveries',
      id: delivery.id,
      change: (current) =>
        current && {
          ...current,
          state,
          attempts: current.attempts + 1,
          ...(result.ok
            ? { delivered: new Date(now).toISOString() }
            : {
                last_error: result.reason,
                next_attempt: new Date(
                  now + Math.max(jitter(delivery.id, wait ?? 0), result.retry_after_ms ?? 0),
                ).toISOString(),
              }),
        },
    });
  }

  /** Attempts under way, by delivery: a receiver that hangs holds up none of the others. */
  const inHand = new Map<string, Promise<void>>();

  function begin(delivery: Delivery): void {
    const work = attempt(delivery)
      .catch(async (error: unknown) => {
        logger.error(
          { err: error, delivery: delivery.id },
          'the outcome of a delivery was not stored; it is tried again',
        );
        await pause(STORE_AGAIN_MS);
      })
      .finally(() => {
        inHand.delete(delivery.id);
        more = true;
        wake();
      });
    inHand.set(delivery.id, work);
  }

  const pause = (duration_ms: number): Promise<void> =>
    clock.sleep(duration_ms, stop.signal).catch(() => undefined);

  async function loop(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await turn();
      } catch (error) {
        logger.error({ err: error }, 'deliveries cannot be read; they are tried again');
        await pause(STORE_AGAIN_MS);
      }
    }
    await Promise.all(inHand.values());
  }

  /** Begins what is due, or waits for what comes next. */
  async function turn(): Promise<void> {
    more = false;
    // One that ends while the queue is read stands in what was read as it was before: it is not sent again.
    const underWay = new Set(inHand.keys());
    const { records: pending } = await records.query<Delivery>('deliveries', {
      where: equals('state', 'pending'),
      sort: { field: 'next_attempt', direction: 'asc' },
      limit: 100,
    });
    const now = clock.now();
    const waiting = pending.filter(({ id }) => !underWay.has(id));
    const due = waiting
      .filter(({ value }) => Date.parse(value.next_attempt) <= now)
      .slice(0, MOST_AT_ONCE - inHand.size);
    for (const { value } of due) begin(value);
    // With all hands full the next one that ends wakes us.
    const full = inHand.size >= MOST_AT_ONCE;
    if ((due.length > 0 && !full) || more || stop.signal.aborted) return;
    const moments = full ? [] : waiting.map(({ value }) => Date.parse(value.next_attempt) - now);
    const next = Math.min(...moments, 60_000);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(next, 10));
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const running = loop();

  return {
    async enqueue({ key, type, text, data }) {
      const now = new Date(clock.now()).toISOString();
      for (const notifier of notifiers) {
        // A key that is worked twice after a crash must be the same message to the receiver.
        const id = `msg_${createHash('sha256').update(`${notifier.id}\n${key}`).digest('hex').slice(0, 24)}`;
        const notification: Notification = { id, type, timestamp: now, text, data };
        const delivery: Delivery = {
          id,
          notifier: notifier.id,
          state: 'pending',
          notification: { ...notification, data },
          attempts: 0,
          next_attempt: now,
        };
        try {
          await records.create('deliveries', id, delivery);
        } catch (error) {
          if (errorCode(error) !== 'RECORD_EXISTS') throw error;
        }
      }
      more = true;
      wake();
    },
    async stop() {
      stop.abort();
      wake();
      await running;
    },
  };
}

/** Up to 10% more, from the id, so that many deliveries to one receiver that was away do not return at once. */
function jitter(id: string, wait_ms: number): number {
  const fraction = createHash('sha256').update(id).digest()[0] ?? 0;
  return Math.round(wait_ms * (1 + fraction / 2_560));
}
