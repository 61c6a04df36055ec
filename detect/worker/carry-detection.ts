// Turns what one-step detection has in its store into messages of `picket.signals`, from which two-step detection comes to the same alerts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BusMessage } from '../../platform/bus/bus.ts';
import { POINTS } from '../correlate/carry-over.ts';
import { openCorrelator } from '../correlate/correlator.ts';
import type { Signal } from '../correlate/signal.ts';
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
  readonly signals: number;
}

export interface CarriedDetection {
  /** The next offset of a partition that detection had not worked. */
  position(topic: string, partition: number): number | undefined;
  /** What keys after a number say, a few at a time; sending some twice changes nothing. */
  messages(after: number): Generator<CarriedMessages>;
  /** How far sites had told, for every partition: sent last, so that nothing is judged before all is there. */
  told(): readonly BusMessage[];
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
    *messages(after) {
      let signals: Signal[] = [];
      let made = new Map<string, Record<string, number>>();
      let held = 0;
      const take = (number: number): CarriedMessages => {
        const carried = {
          messages: [
            ...encodeSignals(signals),
            ...[...made].map(([key, episodes]) => encodeMade(key, episodes)),
          ],
          after: number,
          signals: signals.length,
        };
        [signals, made, held] = [[], new Map(), 0];
        return carried;
      };
      let last = after;
      for (const one of correlator.carryKeys(after)) {
        last = one.number;
        held++;
        signals.push(...one.signals);
        const { identity } = one.correlation;
        // What first_seen makes of its signals is made where they are.
        const from = identity.endsWith(POINTS) ? identity.slice(0, -POINTS.length) : identity;
        const group = groupKey(keyGroupOf({ ...one, correlation: { ...one.correlation, identity: from } }));
        if (Object.keys(one.made).length > 0) made.set(group, { ...made.get(group), ...one.made });
        if (held >= KEYS_AT_ONCE) yield take(last);
      }
      if (held > 0) yield take(last);
    },
    told: () => {
      const as_of = correlator.told();
      if (Object.keys(as_of).length === 0) return [];
      return Array.from({ length: KEY_GROUPS }, (_, group) => encodeAsOf(groupKey(group), as_of));
    },
    close: () => correlator.close(),
  };
}
