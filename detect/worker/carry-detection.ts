// Turns what one-step detection has in its store into messages of `picket.signals`, from which two-step detection comes to the same alerts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BusMessage } from '../../platform/bus/bus.ts';
import { type CarriedKey, POINTS } from '../correlate/carry-over.ts';
import { openCorrelator } from '../correlate/correlator.ts';
import {
  encodeAsOf,
  encodeMade,
  encodeSignals,
  groupKey,
  KEY_GROUPS,
  keyGroupOf,
} from './signal-messages.ts';

/** Keys of one step. */
const KEYS_AT_ONCE = 200;
/** SQLite's page cache over the signals. */
const MEMORY_BYTES = 64 * 1024 ** 2;

/** Messages to be sent in this order, and where to go on once they are. */
export interface CarriedMessages {
  readonly messages: readonly BusMessage[];
  /** The number of the last key in it. */
  readonly after: number;
  /** Signals, or episodes, in it. */
  readonly count: number;
}

/** To be sent in the order in which they stand here; sending some twice changes nothing. */
export interface CarriedDetection {
  /** The next offset of a partition that detection had not worked. */
  position(topic: string, partition: number): number | undefined;
  /** The signals of keys after a number (0 for all), a few keys at a time. */
  signals(after: number): Generator<CarriedMessages>;
  /** How far sites had told, for every partition: nothing is judged before all signals are there. */
  told(): readonly BusMessage[];
  /** When the episodes of keys after a number were first made: known where signals and times have made them again. */
  made(after: number): Generator<CarriedMessages>;
  close(): void;
}

/** Undefined where nothing was detected in one step. @throws PicketError CORRELATOR_STORE */
export function carryDetection(folder: string): CarriedDetection | undefined {
  const file = join(folder, 'correlate.sqlite');
  if (!existsSync(file)) return undefined;
  const correlator = openCorrelator({
    file,
    memory_bytes: MEMORY_BYTES,
    revision_wait_ms: 0,
    count: () => undefined,
  });
  return {
    position: (topic, partition) => correlator.position(topic, partition),
    *signals(after) {
      for (const keys of inPieces(correlator.carryKeys(after))) {
        const signals = keys.flatMap((key) => key.signals());
        yield { messages: encodeSignals(signals), after: lastOf(keys), count: signals.length };
      }
    },
    *made(after) {
      for (const keys of inPieces(correlator.carryKeys(after))) {
        const made = new Map<string, Record<string, number>>();
        for (const key of keys)
          if (Object.keys(key.made).length > 0)
            made.set(groupOf(key), { ...made.get(groupOf(key)), ...key.made });
        yield {
          messages: [...made].map(([group, episodes]) => encodeMade(group, episodes)),
          after: lastOf(keys),
          count: keys.reduce((sum, key) => sum + Object.keys(key.made).length, 0),
        };
      }
    },
    told: () => {
      const as_of = correlator.told();
      if (Object.keys(as_of).length === 0) return [];
      return Array.from({ length: KEY_GROUPS }, (_, group) => encodeAsOf(groupKey(group), as_of));
    },
    close: () => correlator.close(),
  };
}

function* inPieces(all: Iterable<CarriedKey>): Generator<CarriedKey[]> {
  let piece: CarriedKey[] = [];
  for (const key of all) {
    piece.push(key);
    if (piece.length < KEYS_AT_ONCE) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}

function lastOf(keys: readonly CarriedKey[]): number {
  return keys.at(-1)?.number ?? 0;
}

/** What first_seen makes of its signals is made where they are. */
function groupOf({ correlation, tenant, key }: CarriedKey): string {
  const { identity } = correlation;
  const from = identity.endsWith(POINTS) ? identity.slice(0, -POINTS.length) : identity;
  return groupKey(keyGroupOf({ correlation: { ...correlation, identity: from }, tenant, key }));
}
