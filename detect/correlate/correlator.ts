// The correlator: takes signals in batches with their input position and keeps the episodes they make, durably and in step.
import { backdate, type CarriedKey, carryKeys } from './carry-over.ts';
import type { Correlation } from './correlation.ts';
import { DAY_MS } from './correlation.ts';
import { saveRun } from './keep-episodes.ts';
import { confirmSent, nextDue, type Outgoing, queueChanges, takeOutgoing } from './outbox.ts';
import { type Episode, type EpisodeTally, horizonOf, readEpisode, tallyEpisodes } from './read-episodes.ts';
import type { Signal } from './signal.ts';
import { dropBefore } from './store/chunks.ts';
import { type KeyState, openKeyTable } from './store/key-table.ts';
import { type EpisodeRow, openSignalStore } from './store/open-store.ts';
import { openSignalLog } from './store/signal-log.ts';
import { forgetQueued, type HandedSignal, queueSignals, readQueued } from './store/signal-queue.ts';

import { workSignals } from './work-signals.ts';

/** Where a batch ended: the next offset to read. */
export interface InputPosition {
  readonly topic: string;
  readonly partition: number;
  readonly next: number;
}

export interface Batch {
  readonly signals: readonly Signal[];
  /** Site → event time (ms since the epoch) up to which what happened there is taken as told. Only ever rises. */
  readonly as_of?: Readonly<Record<string, number>>;
  readonly position?: InputPosition;
  /** ms since the epoch. */
  readonly now: number;
}

export interface Correlator {
  /** The next offset to read of a partition, as of the last transaction. */
  position(topic: string, partition: number): number | undefined;
  /** The correlations in force: which of them are fed by others. Signals bring their own definition. */
  use(correlations: readonly Correlation[]): void;
  /**
   * Takes signals (known ones change nothing) and the position, works the episodes, and queues what changed:
   * new ids at once, further revisions not before `revision_wait_ms` after `now`. Returns the ids that changed.
   * All of it is one transaction, ended before the call returns or, in a batch that is held, with a later one.
   * @throws what the database says when its disk is full; the batch may be handed in again
   */
  work(batch: Batch, options?: { hold?: boolean }): string[];
  /** All current episodes, by id. */
  current(): Episode[];
  /** How many current episodes each rule has, and the times (ms since the epoch) between which they lie. */
  tally(): EpisodeTally[];
  episode(id: string): Episode | undefined;
  /** Makes the texts of what is due (build is handed the new revision) and returns all that waits to be sent, oldest first. */
  takeOutgoing(options: {
    now: number;
    limit: number;
    /** The least number that a revision made now may have; default 1. */
    least_revision?: number;
    build: (episode: Episode, revision: number) => string | undefined;
  }): Outgoing[];
  /** Signals for outer correlations that wait to be handed out (`hands_out`), oldest first: of each the latest state. */
  takeSignals(limit: number): HandedSignal[];
  /** Forgets what was handed out. */
  confirmSignals(handed: readonly HandedSignal[]): void;
  /** Ends what is held and resolves when all that was made before the call is on disk; awaited before anything is sent. */
  flush(): Promise<void>;
  /** Forgets what was sent. */
  confirmSent(sent: readonly Outgoing[]): void;
  /** Every key after a number (0 for all) with its signals, for another correlator (carry-over.ts). */
  carryKeys(after: number): Iterable<CarriedKey>;
  /** Site → event time up to which it has told, ms since the epoch. */
  told(): Readonly<Record<string, number>>;
  /** Episodes that another correlator made before this one: id → when, ms since the epoch. Held until the next commit. */
  backdate(made: Readonly<Record<string, number>>): void;
  /** When the next queued revision is due (ms since the epoch); undefined when nothing waits. */
  nextDue(): number | undefined;
  /** While the store holds more than `max_bytes`, drops its oldest UTC day of signals. Returns how many days went. */
  shrinkTo(max_bytes: number): number;
  /** Drops signals before a time (whole UTC days) and records that horizon; later arrivals from before it are counted and left out. */
  forgetBefore(t: number): void;
  horizon(): number;
  close(): void;
}

/** A key in hand takes about this much memory besides its fresh rows. */
const KEY_BYTES = 500;
/** With this many rows in the log a start takes two to three seconds. */
const LOGGED_ROWS = 250_000;

/**
 * Opens the correlator over a SQLite file (`:memory:` for evaluations). A quarter of `memory_bytes` is SQLite's
 * page cache, the rest bounds the keys in hand.
 * `count` hears of signals left out: `before-horizon`.
 * @throws PicketError CORRELATOR_STORE
 */
export function openCorrelator(options: {
  file: string;
  memory_bytes: number;
  /** How long a further revision of an alert that was sent waits for more. */
  revision_wait_ms: number;
  count: (reason: string, by: number) => void;
  /** Rows that wait in the log for their chunks, at most about this many; default 250,000. */
  logged_rows?: number;
  /**
   * What firing points mean for outer correlations is not worked here but handed out, since their keys may be
   * another correlator's; default false.
   */
  hands_out?: boolean;
}): Correlator {
  const { memory_bytes, count, logged_rows = LOGGED_ROWS } = options;
  const store = openSignalStore({ file: options.file, memory_bytes: memory_bytes / 4 });
  const keys = openKeyTable(store);
  const log = openSignalLog({ store, keys, most_rows: logged_rows });
  const most_keys = Math.max(16, Math.floor((memory_bytes * 0.75) / KEY_BYTES));
  let horizon = horizonOf(store);
  const asOf = new Map<string, number>();
  for (const { site, t } of store.statement('SELECT site, t FROM as_of').all())
    asOf.set(String(site), Number(t));
  const outers = new Map<string, Correlation[]>();
  const moved = new Set<KeyState>();
  const changed = new Map<string, number>();
  let handed: Signal[] = [];

  const commit = (): void => {
    for (const key of moved) saveRun({ store }, key);
    moved.clear();
    log.write();
    queueChanges(store, changed, options.revision_wait_ms);
    changed.clear();
    queueSignals(store, handed);
    handed = [];
    store.commit();
    keys.trim(most_keys);
  };
  const settled = (row: EpisodeRow): EpisodeRow => {
    log.settle(keys.byId(row.key));
    return row;
  };
  const read = (row: EpisodeRow): Episode =>
    readEpisode({ store, row: settled(row), key: keys.byId(row.key), asOf: (site) => asOf.get(site) });
  const byState = 'SELECT * FROM episodes WHERE state = ? ORDER BY id';
  const find = (id: string): Episode | undefined => {
    const row = store.statement('SELECT * FROM episodes WHERE id = ?').get(id);
    return row === undefined ? undefined : read(row as unknown as EpisodeRow);
  };

  const forgetBefore = (t: number): void => {
    const cut = Math.floor(t / DAY_MS) * DAY_MS;
    if (cut <= horizon) return;
    log.settleAll();
    commit();
    store.begin();
    dropBefore(store, cut);
    store.statement('DELETE FROM undecided WHERE t < ?').run(cut);
    store
      .statement(
        "INSERT INTO meta VALUES ('horizon', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      )
      .run(cut);
    store.commit();
    // What keys remember of the time before is gone.
    keys.clear();
    horizon = cut;
  };

  return {
    position(topic, partition) {
      const row = store
        .statement('SELECT next FROM positions WHERE topic = ? AND partition = ?')
        .get(topic, partition);
      return row === undefined ? undefined : Number(row['next']);
    },
    use(correlations) {
      outers.clear();
      for (const outer of correlations)
        for (const id of new Set(outer.rules)) outers.set(id, [...(outers.get(id) ?? []), outer]);
    },
    work(batch, { hold = false } = {}) {
      const { position, now } = batch;
      const kept =
        horizon === Number.MIN_SAFE_INTEGER
          ? batch.signals
          : batch.signals.filter((signal) => signal.t >= horizon);
      if (kept.length < batch.signals.length) count('before-horizon', batch.signals.length - kept.length);
      const ids = workSignals({
        store,
        keys,
        log,
        moved,
        signals: kept,
        told: batch.as_of ?? {},
        asOf,
        now,
        count,
        // What a plain rule matched reaches correlations as its matches, not as its own alerts.
        ...(options.hands_out ? { handOut: (signal: Signal) => void handed.push(signal) } : {}),
        outersOf: ({ rule }) => (rule.kind === 'plain' ? [] : (outers.get(rule.id) ?? [])),
      });
      for (const id of ids) if (!changed.has(id)) changed.set(id, now);
      if (position) {
        store.begin();
        store
          .statement(
            `INSERT INTO positions VALUES (?, ?, ?)
             ON CONFLICT (topic, partition) DO UPDATE SET next = MAX(next, excluded.next)`,
          )
          .run(position.topic, position.partition, position.next);
      }
      if (!hold) commit();
      return [...ids];
    },
    current() {
      commit();
      const rows = store.statement(byState).all('current') as unknown as EpisodeRow[];
      const episodes = rows.map(read).filter(({ silent }) => !silent);
      commit();
      return episodes;
    },
    tally() {
      commit();
      return tallyEpisodes(store);
    },
    episode(id) {
      commit();
      const episode = find(id);
      commit();
      return episode;
    },
    takeOutgoing(request) {
      commit();
      store.begin();
      const outgoing = takeOutgoing(store, { least_revision: 1, ...request, find });
      commit();
      return outgoing;
    },
    takeSignals(limit) {
      commit();
      return readQueued(store, limit);
    },
    confirmSignals(sent) {
      forgetQueued(store, sent);
      store.commit();
    },
    flush() {
      commit();
      return store.flush();
    },
    confirmSent(sent) {
      store.begin();
      confirmSent(store, sent);
      store.commit();
    },
    nextDue() {
      commit();
      return nextDue(store);
    },
    carryKeys(after) {
      log.settleAll();
      commit();
      return carryKeys({ store, keys, after });
    },
    // '' is the furthest of all, which every correlator finds by itself.
    told: () => Object.fromEntries([...asOf].filter(([site]) => site !== '')),
    backdate(made) {
      commit();
      backdate(store, made);
    },
    forgetBefore,
    shrinkTo(max_bytes) {
      let days = 0;
      const pragma = (name: string): number => Number(store.statement(`PRAGMA ${name}`).get()?.[name]);
      commit();
      const used = (): number => (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
      for (; used() > max_bytes; days++) {
        log.settleAll();
        commit();
        const oldest = store.statement('SELECT MIN(last_t) AS t FROM chunks').get()?.['t'];
        if (typeof oldest !== 'number') break;
        forgetBefore(oldest + DAY_MS);
      }
      return days;
    },
    horizon: () => horizon,
    close() {
      commit();
      store.close();
    },
  };
}

export type { Outgoing } from './outbox.ts';
export type { Episode, StoredEvidence } from './read-episodes.ts';
export type { HandedSignal } from './store/signal-queue.ts';
