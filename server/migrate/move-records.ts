// Moves the records of an embedded store into another one, in the order of their last changes; nothing that differs there is overwritten unasked.
import { canonicalJson } from '../../platform/core/canonical-json.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Collection, RecordChange, RecordStore } from '../../platform/records/record-store.ts';
import type { Fault, Progress } from './open-progress.ts';
import { type Persistence, persist } from './persist.ts';

/** Records written at the same time; the order of changes is kept to within so many. */
const AT_ONCE = 64;
const PAGE = 1_000;

export interface MovedRecords {
  created: number;
  /** There already, and equal. */
  same: number;
  /** There already with another value, which was overwritten because it was asked for. */
  replaced: number;
  conflicts: number;
  /** The target does not take it. */
  refused: number;
  damaged: number;
}

const COUNTED_AS = { conflict: 'conflicts', refused: 'refused', damaged: 'damaged' } as const;
type MoveFault = Fault & { readonly kind: keyof typeof COUNTED_AS };

/** What a record is to be in its new place; as it is where nothing about it belongs to the old one. */
export type Convert = (collection: Collection, id: string, value: object) => object;

interface Moving {
  readonly from: RecordStore;
  readonly to: RecordStore;
  readonly convert: Convert;
  readonly replace: boolean;
  readonly persistence: Persistence;
}

/**
 * Goes on after the change that an earlier run noted; conflicts of earlier runs are looked at again.
 * @throws what the target says that does not pass; the signal's reason
 */
export async function moveRecords(
  options: Moving & {
    progress: Progress;
    /** Hears of every record that was looked at. */
    onMoved: (records: number) => void;
  },
): Promise<MovedRecords> {
  const { from, progress, persistence, onMoved } = options;
  const moved: MovedRecords = { created: 0, same: 0, replaced: 0, conflicts: 0, refused: 0, damaged: 0 };
  const moveAll = async (changes: readonly Pick<RecordChange, 'collection' | 'id'>[]): Promise<void> => {
    const ends = await Promise.all(changes.map((change) => moveRecord(options, change)));
    const faults: Fault[] = [];
    for (const end of ends) {
      if (end === 'gone') continue;
      if (typeof end === 'string') moved[end]++;
      else {
        moved[COUNTED_AS[end.kind]]++;
        faults.push(end);
      }
    }
    await progress.addFaults(faults);
    onMoved(changes.length);
  };
  const conflicts = progress.faults({ kind: 'conflict', part: 'records' });
  await progress.removeFaults({ kind: 'conflict', part: 'records' });
  for (let at = 0; at < conflicts.length; at += AT_ONCE)
    await moveAll(
      conflicts.slice(at, at + AT_ONCE).map(({ place }) => {
        const slash = place.indexOf('/');
        return { collection: place.slice(0, slash) as Collection, id: place.slice(slash + 1) };
      }),
    );
  let after = (progress.get('records') as number | undefined) ?? 0;
  for (;;) {
    const page = await from.changes({ after, limit: PAGE });
    if (page.length === 0) return moved;
    for (let at = 0; at < page.length; at += AT_ONCE) {
      persistence.signal.throwIfAborted();
      const some = page.slice(at, at + AT_ONCE);
      // What was removed is not there, and never was in the new place.
      await moveAll(some.filter(({ kind }) => kind === 'put'));
      after = (some.at(-1) as RecordChange).sequence;
      await progress.set('records', after);
    }
  }
}

async function moveRecord(
  { from, to, convert, replace, persistence }: Moving,
  { collection, id }: Pick<RecordChange, 'collection' | 'id'>,
): Promise<'created' | 'same' | 'replaced' | 'gone' | MoveFault> {
  const fault = (kind: MoveFault['kind'], message: string): MoveFault => {
    return { kind, part: 'records', place: `${collection}/${id}`, count: 1, message };
  };
  let value: object;
  try {
    const stored = await from.get(collection, id);
    if (!stored) return 'gone';
    value = convert(collection, id, stored.value);
  } catch (error) {
    return fault('damaged', describeError(error));
  }
  return persist(persistence, async () => {
    // Once more where another came between.
    for (;;) {
      try {
        await to.create(collection, id, value);
        return 'created';
      } catch (error) {
        if (errorCode(error) === 'RECORD_INVALID') return fault('refused', describeError(error));
        if (errorCode(error) !== 'RECORD_EXISTS') throw error;
      }
      const there = await to.get(collection, id);
      if (!there) continue;
      if (canonicalJson(there.value) === canonicalJson(value)) return 'same';
      if (!replace) return fault('conflict', 'the target holds another record of this name');
      try {
        await to.update(collection, { ...there, value });
        return 'replaced';
      } catch (error) {
        if (errorCode(error) !== 'RECORD_CONFLICT') throw error;
      }
    }
  });
}
