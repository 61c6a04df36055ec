// Reads an embedded index block by block as documents with their own bytes, for whoever moves it elsewhere; what is damaged is told and passed over.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../../core/errors.ts';
import type { PicketEvent } from '../../core/event.ts';
import type { IndexDocument } from '../event-index.ts';
import type { RowSet } from './block.ts';
import { Catalogue, type SegmentEntry } from './catalogue.ts';

/** A segment as it stood when it was asked for. `error` where it cannot be read at all. */
export interface WalkedSegment {
  readonly name: string;
  readonly tenant: string;
  readonly dataset: string;
  readonly jurisdiction: string;
  /** Blocks that are sealed and change no more; the open tail has this number. */
  readonly sealed: number;
  /** Events in the open tail. */
  readonly tail: number;
  readonly events: number;
  readonly error?: string;
}

export interface WalkedBlock {
  readonly block: number;
  readonly documents: readonly IndexDocument[];
  /** Events that cannot be read: where (an id, or the whole block), how many, and why. */
  readonly damaged: readonly { readonly at: string; readonly events: number; readonly message: string }[];
}

export interface SegmentWalk {
  /** By name. */
  segments(): readonly WalkedSegment[];
  /** The blocks of a segment from one on, the tail last; never throws for what is stored. */
  blocks(name: string, from: number): Generator<WalkedBlock>;
  close(): void;
}

/** Whether a folder holds an embedded index. */
export function holdsIndex(folder: string): boolean {
  return existsSync(join(folder, 'catalogue.sqlite'));
}

/**
 * Holds the folder's lock until closed, as its owner does. Everything is read on the caller's thread.
 * @throws PicketError INDEX_FOLDER_IN_USE, INDEX_FOLDER_UNUSABLE
 */
export function walkSegments({ folder }: { folder: string }): SegmentWalk {
  // The period is for segments that are made; none is.
  const catalogue = new Catalogue({ folder, period: 'week' });
  const entries = new Map(catalogue.entries().map((entry) => [entry.name, entry]));
  return {
    segments: () =>
      [...entries.values()]
        .map((entry) => describeSegment(catalogue, entry))
        .sort((one, other) => (one.name < other.name ? -1 : 1)),
    *blocks(name, from) {
      const entry = entries.get(name);
      if (!entry) return;
      const zones = catalogue.segment(name)?.zones(-Infinity, Infinity) ?? [];
      for (const { block, count } of zones
        .filter((zone) => zone.block >= from)
        .sort((a, b) => a.block - b.block)) {
        try {
          // Opened anew where it was closed meanwhile: only so many are open at once.
          const rows = catalogue.segment(name)?.read(block);
          if (!rows) throw new Error('the block is missing');
          yield { block, ...readDocuments(entry, rows) };
        } catch (error) {
          yield {
            block,
            documents: [],
            damaged: [{ at: `block ${block}`, events: count, message: describeError(error) }],
          };
        }
      }
    },
    close: () => catalogue.close(),
  };
}

function describeSegment(catalogue: Catalogue, entry: SegmentEntry): WalkedSegment {
  const { name, tenant, dataset, jurisdiction } = entry;
  const place = { name, tenant, dataset, jurisdiction };
  try {
    const segment = catalogue.segment(name);
    if (!segment) throw new Error('the segment is missing');
    const sealed = segment.tailBlock();
    const tail = segment.zones(-Infinity, Infinity).find(({ block }) => block === sealed)?.count ?? 0;
    return { ...place, sealed, tail, events: segment.count() };
  } catch (error) {
    return { ...place, sealed: 0, tail: 0, events: 0, error: describeError(error) };
  }
}

function readDocuments(entry: SegmentEntry, rows: RowSet): Omit<WalkedBlock, 'block'> {
  const documents: IndexDocument[] = [];
  const damaged: WalkedBlock['damaged'][number][] = [];
  const { ids, times } = rows;
  for (let row = 0; row < rows.count; row++) {
    const id = ids[row] as string;
    // Throws for the whole block where its bodies cannot be had.
    const body = rows.body(row);
    try {
      documents.push(readDocument(entry, { id, time: times[row] as number, body }));
    } catch (error) {
      damaged.push({ at: `event ${id}`, events: 1, message: describeError(error) });
    }
  }
  return { documents, damaged };
}

/** The document as it was first written: its route from the segment, the rest from the event. @throws what is wrong with it */
function readDocument(
  { tenant, dataset, jurisdiction, period }: SegmentEntry,
  { id, time, body }: { id: string; time: number; body: Uint8Array },
): IndexDocument {
  const event = JSON.parse(Buffer.from(body).toString('utf8')) as Partial<PicketEvent> | null;
  if (event?.event?.id !== id) throw new Error(`the body is not that of event ${id}`);
  const undated = event.picket?.time === 'future' ? 'future' : 'missing';
  return {
    id,
    tenant,
    dataset,
    jurisdiction,
    timestamp: new Date(time).toISOString(),
    time: period === 'undated' ? undated : 'ok',
    body,
  };
}
