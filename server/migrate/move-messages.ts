// Moves what waits on an embedded bus to another one: what some stage has not worked yet.
import type { Bus, BusRecord } from '../../platform/bus/bus.ts';
import type { CommittedOffset } from '../../platform/bus/open-bus.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { TopicDefinition } from '../../platform/core/topics.ts';
import type { Progress } from './open-progress.ts';
import { type Persistence, persist } from './persist.ts';
import { readPages, type Stretch } from './read-pages.ts';

/** A topic and the groups that read it at a site; what the slowest has not worked is moved. */
export interface Readers {
  readonly topic: TopicDefinition;
  readonly groups: readonly string[];
}

/**
 * What is left of each topic for the slowest of its groups; a group that never read begins at the first record.
 * `position` tells where a group stands that keeps its own place.
 */
export async function findRemainders(options: {
  bus: Bus;
  committed: readonly CommittedOffset[];
  readers: readonly Readers[];
  position: (group: string, topic: string, partition: number) => number | undefined;
}): Promise<Stretch[]> {
  const { bus, committed, readers, position } = options;
  const remainders: Stretch[] = [];
  for (const { topic, groups } of readers) {
    for (const [partition, { first, next }] of (await bus.bounds(topic)).entries()) {
      const places = groups.map(
        (group) =>
          position(group, topic.name, partition) ??
          committed.find(
            (one) => one.group === group && one.topic === topic.name && one.partition === partition,
          )?.next ??
          first,
      );
      // A group can stand behind what retention has left, or ahead of a topic that was made anew.
      const from = Math.min(next, Math.max(first, Math.min(...places)));
      if (from < next) remainders.push({ topic, partition, from, next });
    }
  }
  return remainders;
}

/**
 * Messages go with their keys and headers, in the order of their partition. What was sent and not yet noted when the
 * process died goes once more: all who read these topics know repeats by their ids.
 * @throws what the target says that does not pass; the signal's reason
 */
export async function moveMessages(options: {
  from: Bus;
  to: Bus;
  remainders: readonly Stretch[];
  progress: Progress;
  persistence: Persistence;
  onMoved: (messages: number) => void;
}): Promise<void> {
  const { from, to, remainders, progress, persistence, onMoved } = options;
  for (const { topic, partition, ...stretch } of remainders) {
    const noted = `bus/${topic.name}/${partition}`;
    const start = Math.max(stretch.from, (progress.get(noted) as number | undefined) ?? 0);
    const pages = readPages(from, { topic, partition, from: start, next: stretch.next }, (fault) =>
      progress.addFaults([fault]),
    );
    const send = (records: readonly BusRecord[]): Promise<unknown> =>
      persist(persistence, () =>
        to.produce(
          topic,
          records.map(({ key, value, headers }) => ({ key, value, headers })),
        ),
      );
    const sendAlone = async (record: BusRecord): Promise<void> => {
      try {
        await send([record]);
      } catch (error) {
        if (errorCode(error) !== 'BUS_MESSAGE_TOO_LARGE') throw error;
        const place = `${topic.name}, partition ${partition}, offset ${record.offset}`;
        await progress.addFaults([
          { kind: 'refused', part: 'bus', place, count: 1, message: describeError(error) },
        ]);
      }
    };
    for await (const page of pages) {
      persistence.signal.throwIfAborted();
      try {
        await send(page);
      } catch (error) {
        if (errorCode(error) !== 'BUS_MESSAGE_TOO_LARGE') throw error;
        for (const record of page) await sendAlone(record);
      }
      await progress.set(noted, (page.at(-1) as BusRecord).offset + 1);
      onMoved(page.length);
    }
  }
}
