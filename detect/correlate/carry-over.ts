// Reads a correlator's signals back out of its store, key by key, so that another correlator can come to the same episodes.
import type { Correlation } from './correlation.ts';
import type { Signal } from './signal.ts';
import { readRows } from './store/chunks.ts';
import type { KeyState, KeyTable } from './store/key-table.ts';
import type { SignalStore } from './store/open-store.ts';

/** What the store holds of one key of one correlation. */
export interface CarriedKey {
  /** Rises from key to key; go on after it. */
  readonly number: number;
  readonly correlation: Correlation;
  readonly tenant: string;
  readonly key: Readonly<Record<string, string>>;
  /** By time; none for the inner step of `first_seen`, which its signals make again. Read when called. */
  readonly signals: () => readonly Signal[];
  /** Current episode → when it was first made, ms since the epoch. */
  readonly made: Readonly<Record<string, number>>;
}

/** What `first_seen` makes of its own signals has its identity and this. */
export const POINTS = '/points';

/** Every key after a number. Its signals must all be in chunks. */
export function* carryKeys(options: {
  store: SignalStore;
  keys: KeyTable;
  after: number;
}): Generator<CarriedKey> {
  const { store, keys } = options;
  const next = store.statement('SELECT min(id) AS id FROM keys WHERE id > ?');
  for (let id = next.get(options.after)?.['id']; typeof id === 'number'; id = next.get(id)?.['id'])
    yield carryKey(store, keys.byId(id));
}

function carryKey(store: SignalStore, { id, correlation, text }: KeyState): CarriedKey {
  // A key of first_seen has its value in a second line.
  const [line = ''] = text.split('\n', 1);
  const [tenant, key] = JSON.parse(line) as [string, Record<string, string>];
  const made: Record<string, number> = {};
  for (const row of store
    .statement("SELECT id, created FROM episodes WHERE key = ? AND state = 'current'")
    .all(id))
    made[String(row['id'])] = Number(row['created']);
  const everything = { key: id, from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER, evidence: true };
  const signals = (): Signal[] =>
    correlation.identity.endsWith(POINTS)
      ? []
      : readRows(store, everything).map(({ evidence, ...row }) => {
          return { ...row, correlation, key, tenant, describe: () => evidence };
        });
  return { number: id, correlation, tenant, key, signals, made };
}

/** Episodes that another correlator made first keep the time at which it did. Unknown ids are left alone. */
export function backdate(store: SignalStore, made: Readonly<Record<string, number>>): void {
  store.begin();
  const update = store.statement('UPDATE episodes SET created = min(created, ?) WHERE id = ?');
  for (const [id, created] of Object.entries(made)) update.run(created, id);
}
