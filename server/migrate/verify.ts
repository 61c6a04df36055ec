// Compares what was moved with what stands in the target: records one by one, events by counts and by samples of each segment.
import { canonicalJson } from '../../platform/core/canonical-json.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import type { SegmentWalk, WalkedSegment } from '../../platform/index/open-index.ts';
import {
  COLLECTIONS,
  type Collection,
  type RecordStore,
  type StoredRecord,
} from '../../platform/records/record-store.ts';
import type { Convert } from './move-records.ts';
import type { Fault, Progress } from './open-progress.ts';
import { type Persistence, persist } from './persist.ts';

const PAGE = 1_000;
/** How long what was written last may take to be found, ms. */
const FOUND_WITHIN_MS = 60_000;
const LOOK_MS = 1_000;

export interface VerifiedCollection {
  readonly collection: string;
  readonly records: number;
  /** Records of the target that the old store does not have. */
  readonly more: number;
  readonly missing: number;
  readonly differing: number;
}

/** Every record of both, side by side. What is known not to have arrived is not told again. */
export async function verifyRecords(options: {
  from: RecordStore;
  to: RecordStore;
  convert: Convert;
  progress: Progress;
  persistence: Persistence;
}): Promise<VerifiedCollection[]> {
  const { from, to, convert, progress, persistence } = options;
  const known = new Set(progress.faults({ part: 'records' }).map(({ place }) => place));
  const verified: VerifiedCollection[] = [];
  for (const collection of COLLECTIONS) {
    const faults: Fault[] = [];
    const note = (kind: Fault['kind'], id: string, message: string): void => {
      const place = `${collection}/${id}`;
      if (!known.has(place)) faults.push({ kind, part: 'records', place, count: 1, message });
    };
    let [records, more] = [0, 0];
    const target = readRecords((cursor) =>
      persist(persistence, () => to.query(collection, { limit: PAGE, ...cursor })),
    );
    let there = await target.next();
    for await (const { id, value } of readIds(from, collection)) {
      persistence.signal.throwIfAborted();
      records++;
      while (!there.done && compareIds(there.value.id, id) < 0) {
        more++;
        there = await target.next();
      }
      if (there.done || there.value.id !== id) {
        note('missing', id, 'it is not in the target');
        continue;
      }
      const compared = value !== undefined && !known.has(`${collection}/${id}`);
      if (compared && !equal(convert(collection, id, value), there.value.value))
        note('differs', id, 'it is another in the target');
      there = await target.next();
    }
    for (; !there.done; there = await target.next()) more++;
    await progress.addFaults(faults);
    const count = (kind: Fault['kind']): number => faults.filter((fault) => fault.kind === kind).length;
    verified.push({ collection, records, more, missing: count('missing'), differing: count('differs') });
  }
  return verified;
}

/** Ids come in the order of their bytes from both engines. */
function compareIds(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

function equal(one: unknown, other: unknown): boolean {
  return canonicalJson(one) === canonicalJson(other);
}

async function* readRecords(
  ask: (cursor: { cursor?: string }) => ReturnType<RecordStore['query']>,
): AsyncGenerator<StoredRecord<object>> {
  for (let cursor: string | undefined; ; ) {
    const page = await ask(cursor === undefined ? {} : { cursor });
    yield* page.records;
    cursor = page.cursor;
    if (cursor === undefined) return;
  }
}

/** The records of the old store; from a page on that holds one that cannot be read, one by one, and that one without its value. */
async function* readIds(
  from: RecordStore,
  collection: Collection,
): AsyncGenerator<{ id: string; value: object | undefined }> {
  let last: string | undefined;
  try {
    for await (const record of readRecords((cursor) => from.query(collection, { limit: PAGE, ...cursor }))) {
      last = record.id;
      yield record;
    }
    return;
  } catch {
    // What is damaged was named when it was to be moved.
  }
  const ids: string[] = [];
  for (let after = 0; ; ) {
    const page = await from.changes({ after, limit: PAGE });
    for (const { collection: of, kind, id } of page)
      if (of === collection && kind === 'put' && (last === undefined || compareIds(id, last) > 0))
        ids.push(id);
    after = page.at(-1)?.sequence ?? after;
    if (page.length < PAGE) break;
  }
  for (const id of ids.sort(compareIds)) {
    try {
      const stored = await from.get(collection, id);
      if (stored) yield stored;
    } catch {
      yield { id, value: undefined };
    }
  }
}

export interface VerifiedEvents {
  readonly tenant: string;
  readonly dataset: string;
  readonly jurisdiction: string;
  /** Events of the old index that could be read and were taken. */
  readonly events: number;
  /** Events of the target. */
  readonly found: number;
  readonly compared: number;
  readonly differing: number;
}

/**
 * Counts by dataset and jurisdiction, which is also where events stand by residency; then of each segment up to
 * `sample` events, spread over its blocks, by their content.
 */
export async function verifyEvents(options: {
  walk: SegmentWalk;
  index: EventIndex;
  progress: Progress;
  persistence: Persistence;
  sample: number;
}): Promise<VerifiedEvents[]> {
  const { walk, index, progress, persistence, sample } = options;
  const { clock } = persistence;
  const groups = new Map<string, WalkedSegment[]>();
  for (const segment of walk.segments()) {
    const key = JSON.stringify([segment.tenant, segment.dataset, segment.jurisdiction]);
    groups.set(key, [...(groups.get(key) ?? []), segment]);
  }
  const lost = progress.faults({ part: 'events' });
  const lostPlaces = new Set(lost.map(({ place }) => place));
  const verified: VerifiedEvents[] = [];
  const deadline = clock.monotonic() + FOUND_WITHIN_MS;
  for (const segments of groups.values()) {
    persistence.signal.throwIfAborted();
    const { tenant, dataset, jurisdiction } = segments[0] as WalkedSegment;
    const names = segments.map(({ name }) => `segment ${name},`);
    const held = segments.reduce((sum, { events }) => sum + events, 0);
    const events =
      held -
      lost
        .filter(({ place }) => names.some((name) => place.startsWith(name)))
        .reduce((sum, { count }) => sum + count, 0);
    const count = async (): Promise<number> =>
      (
        await persist(persistence, () =>
          index.count({ tenant, datasets: [dataset], jurisdictions: [jurisdiction] }),
        )
      ).count;
    let found = await count();
    while (found < events && clock.monotonic() < deadline) {
      await clock.sleep(LOOK_MS, persistence.signal);
      found = await count();
    }
    let compared = 0;
    const faults: Fault[] = [];
    if (found < events)
      faults.push({
        kind: 'missing',
        part: 'events',
        place: `dataset ${dataset} of ${jurisdiction}`,
        count: events - found,
        message: `${found} of ${events} events are in the target`,
      });
    for (const segment of segments)
      for (const { id, body } of sampleOf(walk, segment, sample)) {
        const place = `segment ${segment.name}, event ${id}`;
        if (lostPlaces.has(place)) continue;
        compared++;
        const there = await persist(persistence, () => index.get({ tenant, id }));
        // Where the count says that some are missing, this is one of them.
        if (there === undefined && found < events) continue;
        if (there === undefined)
          faults.push({
            kind: 'missing',
            part: 'events',
            place,
            count: 1,
            message: 'it is not in the target',
          });
        else if (!equal(JSON.parse(Buffer.from(body).toString('utf8')), there))
          faults.push({
            kind: 'differs',
            part: 'events',
            place,
            count: 1,
            message: 'it is another in the target',
          });
      }
    await progress.addFaults(faults);
    const differing = faults.filter(({ kind }) => kind === 'differs').length;
    verified.push({ tenant, dataset, jurisdiction, events, found, compared, differing });
  }
  return verified;
}

/** Of evenly spread blocks, the last with them, one event each in turn until there are enough. */
function* sampleOf(
  walk: SegmentWalk,
  { name, sealed, error }: WalkedSegment,
  sample: number,
): Generator<{ id: string; body: Uint8Array }> {
  if (error !== undefined || sample <= 0) return;
  const blocks = Math.min(sample, sealed + 1);
  const each = Math.ceil(sample / blocks);
  for (let nth = 0; nth < blocks; nth++) {
    const wanted = blocks === 1 ? 0 : Math.round((nth * sealed) / (blocks - 1));
    for (const { documents } of walk.blocks(name, wanted)) {
      const step = Math.max(1, Math.floor(documents.length / each));
      for (let at = 0, taken = 0; at < documents.length && taken < each; at += step, taken++)
        yield documents[at] as { id: string; body: Uint8Array };
      break;
    }
  }
}
