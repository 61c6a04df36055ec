// Reads a stretch of a bus partition page by page; a record that cannot be read is told and passed over.
import type { Bus, BusRecord } from '../../platform/bus/bus.ts';
import { describeError } from '../../platform/core/errors.ts';
import type { TopicDefinition } from '../../platform/core/topics.ts';
import type { Fault } from './open-progress.ts';

const PAGE = 500;

/** A stretch of a partition: `next` is the first offset after it. */
export interface Stretch {
  readonly topic: TopicDefinition;
  readonly partition: number;
  readonly from: number;
  readonly next: number;
}

/** `onDamaged`: without it a record that cannot be read ends the reading with its error. */
export async function* readPages(
  bus: Bus,
  { topic, partition, from, next }: Stretch,
  onDamaged?: (fault: Fault) => Promise<void>,
): AsyncGenerator<BusRecord[]> {
  for (let offset = from; offset < next; ) {
    const read = (max_records: number): Promise<readonly BusRecord[]> =>
      bus.read({ topic, partition, offset, max_records });
    let records: readonly BusRecord[];
    try {
      records = await read(PAGE).catch((error: unknown) => {
        if (!onDamaged) throw error;
        return read(1);
      });
    } catch (error) {
      if (!onDamaged) throw error;
      const place = `partition ${partition}, offset ${offset}`;
      await onDamaged({
        kind: 'damaged',
        part: 'bus',
        place: `${topic.name}, ${place}`,
        count: 1,
        message: describeError(error),
      });
      offset++;
      continue;
    }
    const page = records.filter((record) => record.offset < next);
    if (page.length === 0) return;
    yield page;
    offset = (page.at(-1) as BusRecord).offset + 1;
  }
}

/** All that a topic holds now. */
export async function* readTopic(
  bus: Bus,
  topic: TopicDefinition,
  onDamaged?: (fault: Fault) => Promise<void>,
): AsyncGenerator<BusRecord[]> {
  for (const [partition, { first, next }] of (await bus.bounds(topic)).entries())
    yield* readPages(bus, { topic, partition, from: first, next }, onDamaged);
}
