// Moves the events of an embedded index into another one: segment by segment, the bytes as they are, each place noted once it is safe.

import type { EventIndex, IndexDocument } from '../../platform/index/event-index.ts';
import type { SegmentWalk, WalkedBlock, WalkedSegment } from '../../platform/index/open-index.ts';
import type { Fault, Progress } from './open-progress.ts';
import { type Persistence, persist } from './persist.ts';

/** Of one write to the target. */
const MOST_EVENTS = 2_000;
const MOST_BYTES = 8 * 1024 ** 2;
/** Writes under way at a time. */
const WRITES = 3;

export interface MovedEvents {
  created: number;
  /** There already: an earlier run wrote them. */
  duplicate: number;
  refused: number;
  damaged: number;
}

/** How far a segment is moved: all below this block, and so many events of its tail once all of it was. */
interface Reached {
  readonly block: number;
  readonly tail: number;
}

interface Part {
  readonly segment: WalkedSegment;
  readonly blocks: WalkedBlock[];
}

/** Events that are still to be moved, as far as earlier runs noted it. */
export function eventsLeft(segments: readonly WalkedSegment[], progress: Progress): number {
  return segments.reduce((sum, segment) => (isMoved(segment, progress) ? sum : sum + segment.events), 0);
}

function isMoved({ name, sealed, tail }: WalkedSegment, progress: Progress): boolean {
  const reached = progress.get(`events/${name}`) as Reached | undefined;
  return reached !== undefined && reached.block === sealed && reached.tail === tail;
}

/**
 * Ids make a repeat a duplicate, so that what was written and not yet noted when the process died changes nothing.
 * @throws what the target says that does not pass; the signal's reason
 */
export async function moveEvents(options: {
  walk: SegmentWalk;
  index: EventIndex;
  progress: Progress;
  persistence: Persistence;
  /** Hears of every write that is done: events read for it. */
  onMoved: (events: number) => void;
}): Promise<MovedEvents> {
  const { walk, index, progress, persistence, onMoved } = options;
  const moved: MovedEvents = { created: 0, duplicate: 0, refused: 0, damaged: 0 };

  const write = async (parts: readonly Part[]): Promise<Fault[]> => {
    const documents: { document: IndexDocument; place: string }[] = [];
    const faults: Fault[] = [];
    for (const { segment, blocks } of parts)
      for (const block of blocks) {
        for (const document of block.documents)
          documents.push({ document, place: `segment ${segment.name}, event ${document.id}` });
        for (const { at, events, message } of block.damaged)
          faults.push({
            kind: 'damaged',
            part: 'events',
            place: `segment ${segment.name}, ${at}`,
            count: events,
            message,
          });
      }
    const outcomes =
      documents.length === 0
        ? []
        : await persist(persistence, () => index.write(documents.map(({ document }) => document)));
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome.result !== 'rejected') {
        moved[outcome.result]++;
        continue;
      }
      moved.refused++;
      const { place } = documents[at] as { place: string };
      const message = `${outcome.message} [${outcome.code}]`;
      faults.push({ kind: 'refused', part: 'events', place, count: 1, message });
    }
    for (const fault of faults) if (fault.kind === 'damaged') moved.damaged += fault.count;
    onMoved(
      documents.length + faults.reduce((sum, { kind, count }) => sum + (kind === 'damaged' ? count : 0), 0),
    );
    return faults;
  };

  /** In the order of reading: a place is noted when all before it is safe. */
  const writing: { done: Promise<Fault[]>; parts: readonly Part[] }[] = [];
  const settleOldest = async (): Promise<void> => {
    const oldest = writing.shift();
    if (!oldest) return;
    await progress.addFaults(await oldest.done);
    for (const { segment, blocks } of oldest.parts) {
      const last = (blocks.at(-1) as WalkedBlock).block;
      const reached: Reached =
        last === segment.sealed ? { block: last, tail: segment.tail } : { block: last + 1, tail: 0 };
      await progress.set(`events/${segment.name}`, reached);
    }
  };
  const begin = async (parts: readonly Part[]): Promise<void> => {
    if (parts.length === 0) return;
    const done = write(parts);
    // Awaited in its turn; until then a failure must not look unhandled.
    done.catch(() => undefined);
    writing.push({ done, parts });
    if (writing.length >= WRITES) await settleOldest();
  };

  try {
    const segments = walk.segments();
    const readable = segments.filter(({ error }) => error === undefined);
    await progress.addFaults(
      segments.flatMap(({ name, error }) =>
        error === undefined
          ? []
          : [{ kind: 'damaged', part: 'events', place: `segment ${name}`, count: 1, message: error }],
      ),
    );
    for (const parts of gather(walk, readable, progress)) {
      persistence.signal.throwIfAborted();
      await begin(parts);
    }
    while (writing.length > 0) await settleOldest();
  } finally {
    // What is under way ends before the target is closed.
    await Promise.allSettled(writing.map(({ done }) => done));
  }
  return moved;
}

/** What is left of every segment, in pieces of the size of one write. */
function* gather(
  walk: SegmentWalk,
  segments: readonly WalkedSegment[],
  progress: Progress,
): Generator<Part[]> {
  let parts: Part[] = [];
  let events = 0;
  let bytes = 0;
  for (const segment of segments) {
    if (isMoved(segment, progress)) continue;
    const { block: from } = (progress.get(`events/${segment.name}`) as Reached | undefined) ?? { block: 0 };
    let part: Part | undefined;
    for (const block of walk.blocks(segment.name, from)) {
      if (!part) parts.push((part = { segment, blocks: [] }));
      part.blocks.push(block);
      events += block.documents.length;
      bytes += block.documents.reduce((sum, { body }) => sum + body.length, 0);
      if (events < MOST_EVENTS && bytes < MOST_BYTES) continue;
      yield parts;
      [parts, part, events, bytes] = [[], undefined, 0, 0];
    }
  }
  yield parts;
}
