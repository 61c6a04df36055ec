// What the work on one key is handed, and what its parts have in common.
import type { Correlation } from './correlation.ts';
import { insertRow, type SignalRow } from './firing/signal-row.ts';
import type { KeyState, KeyTable } from './store/key-table.ts';
import type { SignalStore } from './store/open-store.ts';
import type { SignalLog } from './store/signal-log.ts';

export interface KeyWork {
  readonly store: SignalStore;
  readonly keys: KeyTable;
  /** ms since the epoch; becomes `created` of new episodes. */
  readonly now: number;
  readonly asOf: (site: string) => number;
  /** What as_of was before this work: what it decides anew shows as points that begin to fire. */
  readonly asOfBefore: (site: string) => number;
  /** Hears of every point that fires now and did not, or the other way round; undefined where nobody asks. */
  readonly onFiring: ((row: SignalRow, fires: boolean) => void) | undefined;
  /** Hears of every episode that is new or other than before. */
  readonly onChange: (id: string) => void;
  readonly log: SignalLog;
}

/** New signals of a key: sorted rows, rows to take back, and times that as_of has decided. */
export interface KeyChange {
  readonly rows: SignalRow[];
  readonly withdrawn: SignalRow[];
  readonly decided: number[];
}

/** Puts rows among a key's fresh ones. */
export function addFresh({ log }: KeyWork, key: KeyState, rows: readonly SignalRow[]): void {
  for (const row of rows) {
    insertRow(key.fresh, row);
    log.add(key, row);
  }
}

/** Adding signals never takes a firing point back. */
export function onlyGrows({ type, windowed, condition, alwaysFires }: Correlation): boolean {
  if (alwaysFires) return true;
  if (windowed) return false;
  return (
    type === 'event_count' ||
    type === 'value_count' ||
    type === 'temporal_ordered' ||
    (type === 'temporal' && condition === undefined)
  );
}
