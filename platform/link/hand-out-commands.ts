// The parent's commands in topics of its Kafka, besides the streams of the link: the signed posture of each site, whenever it changes.
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../core/clock.ts';
import type { Counters } from '../core/counters.ts';
import { describeError, errorCode } from '../core/errors.ts';
import type { Logger } from '../core/log.ts';
import { commandTopic } from '../core/topics.ts';
import type { RecordStore } from '../records/record-store.ts';
import type { Command } from './protocol.ts';
import type { PublishedPosture } from './publish-posture.ts';

const RETRY_MS = 2_000;
const MOST_SITES = 10_000;

export interface CommandTopics {
  stop(): Promise<void>;
}

/** Writes the posture of every site once at the start, and each that is published after; tries until the brokers have it. */
export function startCommandTopics(options: {
  bus: Bus;
  records: RecordStore;
  clock: Clock;
  counters: Counters;
  logger: Logger;
}): CommandTopics {
  const { bus, records, clock, counters, logger } = options;
  const stopping = new AbortController();
  const waiting = new Set<string>();
  let wake = Promise.withResolvers<void>();
  const stopWatching = records.watch((change) => {
    if (change.collection !== 'postures' || change.kind !== 'put') return;
    waiting.add(change.id);
    wake.resolve();
  });

  const publish = async (site: string): Promise<void> => {
    const stored = await records.get<PublishedPosture>('postures', site);
    if (!stored) return;
    const { version: _, ...document } = stored.value;
    const command: Command = { kind: 'posture', document };
    const topic = commandTopic(site);
    await bus.produce(topic, [
      { key: command.kind, value: Buffer.from(JSON.stringify(command)), headers: {} },
    ]);
    counters.add('link', 'command-handed-out', { source: site });
  };

  const run = async (): Promise<void> => {
    let listed = false;
    while (!stopping.signal.aborted) {
      wake = Promise.withResolvers();
      try {
        if (!listed) {
          const { records: all } = await records.query('postures', { limit: MOST_SITES });
          for (const { id } of all) waiting.add(id);
          listed = true;
        }
        for (const site of waiting) {
          // Taken off first: what is published meanwhile puts it back.
          waiting.delete(site);
          await publish(site).catch((error: unknown) => {
            waiting.add(site);
            throw error;
          });
        }
        await Promise.race([wake.promise, aborted(stopping.signal)]);
      } catch (error) {
        logger.warn(
          { code: errorCode(error), reason: describeError(error) },
          'commands wait for the brokers',
        );
        await clock.sleep(RETRY_MS, stopping.signal).catch(() => {});
      }
    }
  };
  const running = run();
  return {
    async stop() {
      stopWatching();
      stopping.abort();
      await running;
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The site's end: every command that its topic holds, from the oldest on at each start; whoever takes them knows what it holds already. */
export function readCommands(options: {
  bus: Bus;
  site: string;
  onLine: (line: string) => Promise<void>;
  logger: Logger;
}): { stop(): Promise<void> } {
  const { bus, site, onLine, logger } = options;
  return bus.consume({
    group: `site-${site}`,
    topics: [commandTopic(site)],
    position: () => 0,
    handle: async ({ records }) => {
      for (const { value } of records) await onLine(Buffer.from(value).toString('utf8'));
    },
    onError: (error) =>
      logger.warn(
        { code: errorCode(error), reason: describeError(error) },
        'commands cannot be read from the brokers of the parent',
      ),
  });
}
