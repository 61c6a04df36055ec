// The correlator: takes signals in batches with their input position and keeps the episodes they make, in one transaction.

import type { RuleInfo } from '../match.ts';
import type { Correlation } from './correlation.ts';
import type { Point } from './episodes.ts';
import { type EpisodeTally, readEpisode, tallyEpisodes } from './read-episodes.ts';
import { keyText, type Signal } from './signal.ts';
import { type EpisodeRow, openSignalStore, type SignalStore } from './signal-store.ts';
import { workKey } from './work-key.ts';

/** Where a batch ended: the next offset to read. */
export interface InputPosition {
  readonly topic: string;
  readonly partition: number;
  readonly next: number;
}

/** An episode as alerts are made of it. */
export interface Episode {
  readonly id: string;
  /** As it was when its signals were last remembered: also of a rule that is no longer loaded. */
  readonly rule: RuleInfo;
  /** Ids of the rules whose matches are its signals. */
  readonly inputs: readonly string[];
  readonly tenant: string;
  readonly key: Readonly<Record<string, string>>;
  readonly state: 'current' | 'withdrawn' | 'superseded';
  readonly superseded_by: string | undefined;
  readonly anchor: Point;
  /** Times of its first and last event, ms since the epoch. */
  readonly first: number;
  readonly last: number;
  /** Exact number of distinct events. */
  readonly count: number;
  /** The first and last hundred of its events by (t, id). */
  readonly events: readonly Point[];
  /** ms since the epoch, when it was first made. */
  readonly created: number;
}

/** What was stored of one event for one rule (the signal's `describe`). */
export interface StoredEvidence {
  readonly rule: string;
  readonly body: unknown;
}

/** One alert text on its way out; sent again after a crash exactly as it was. */
export interface Outgoing {
  readonly seq: number;
  readonly id: string;
  readonly revision: number;
  readonly text: string;
}

export interface Correlator {
  /** The next offset to read of a partition, as of the last transaction. */
  position(topic: string, partition: number): number | undefined;
  /**
   * Stores signals (known ones change nothing) and the position, works the episodes, and queues what changed:
   * new ids at once, further revisions not before `revision_wait_ms` after `now`. One durable transaction.
   * Returns the ids that changed.
   */
  work(batch: { signals: readonly Signal[]; position?: InputPosition; now: number }): string[];
  /** All current episodes, by id. */
  current(): Episode[];
  /** How many current episodes each rule has, and the times (ms since the epoch) between which they lie. */
  tally(): EpisodeTally[];
  episode(id: string): Episode | undefined;
  evidence(event: string): StoredEvidence[];
  /** Makes the texts of what is due (build is handed the new revision) and returns all that waits to be sent, oldest first. */
  takeOutgoing(options: {
    now: number;
    limit: number;
    build: (episode: Episode, revision: number) => string | undefined;
  }): Outgoing[];
  /** Resolves when all that was made before the call is on disk; awaited before anything is sent. */
  flush(): Promise<void>;
  /** Forgets what was sent. */
  confirmSent(sent: readonly Outgoing[]): void;
  /** When the next queued revision is due (ms since the epoch); undefined when nothing waits. */
  nextDue(): number | undefined;
  /** While the store holds more than `max_bytes`, drops its oldest UTC day of signals. Returns how many days went. */
  shrinkTo(max_bytes: number): number;
  /** Drops signals before a time (whole UTC days) and records that horizon; later arrivals from before it are counted and left out. */
  forgetBefore(t: number): void;
  horizon(): number;
  close(): void;
}

const DAY_MS = 86_400_000;

/**
 * Opens the correlator over a SQLite file (`:memory:` for evaluations).
 * `count` hears of signals left out: `before-horizon`.
 * @throws PicketError CORRELATOR_STORE
 */
export function openCorrelator(options: {
  file: string;
  memory_bytes: number;
  /** How long a further revision of an alert that was sent waits for more. */
  revision_wait_ms: number;
  count: (reason: string, by: number) => void;
}): Correlator {
  const store = openSignalStore(options);
  let horizon = Number(
    store.statement("SELECT value FROM meta WHERE name = 'horizon'").get()?.['value'] ??
      Number.MIN_SAFE_INTEGER,
  );
  const forgetBefore = (t: number): void => {
    const cut = Math.floor(t / DAY_MS) * DAY_MS;
    if (cut <= horizon) return;
    store.transaction(() => {
      store.statement('DELETE FROM signals WHERE t < ?').run(cut);
      store.statement('DELETE FROM evidence WHERE t < ?').run(cut);
      store
        .statement(
          "INSERT INTO meta VALUES ('horizon', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .run(cut);
    });
    horizon = cut;
  };
  return {
    position(topic, partition) {
      const row = store
        .statement('SELECT next FROM positions WHERE topic = ? AND partition = ?')
        .get(topic, partition);
      return row === undefined ? undefined : Number(row['next']);
    },
    work({ signals, position, now }) {
      const kept = signals.filter((signal) => signal.t >= horizon);
      if (kept.length < signals.length) options.count('before-horizon', signals.length - kept.length);
      return store.transaction(() => {
        const changed = kept.length === 0 ? [] : workSignals(store, kept, now);
        for (const id of changed) queue(store, { id, now, wait_ms: options.revision_wait_ms });
        if (position) {
          store
            .statement(
              `INSERT INTO positions VALUES (?, ?, ?)
               ON CONFLICT (topic, partition) DO UPDATE SET next = MAX(next, excluded.next)`,
            )
            .run(position.topic, position.partition, position.next);
        }
        return changed;
      });
    },
    current: () =>
      (
        store
          .statement("SELECT * FROM episodes WHERE state = 'current' ORDER BY id")
          .all() as unknown as EpisodeRow[]
      ).map((row) => readEpisode(store, row)),
    tally: () => tallyEpisodes(store),
    episode(id) {
      const row = store.statement('SELECT * FROM episodes WHERE id = ?').get(id);
      return row === undefined ? undefined : readEpisode(store, row as unknown as EpisodeRow);
    },
    evidence: (event) =>
      store
        .statement('SELECT rule, body FROM evidence WHERE event = ? ORDER BY rule')
        .all(event)
        .map((row) => ({ rule: String(row['rule']), body: JSON.parse(String(row['body'])) as unknown })),
    takeOutgoing: (request) => store.transaction(() => takeOutgoing(store, request)),
    flush: () => store.flush(),
    confirmSent(sent) {
      store.transaction(() => {
        for (const { id, revision } of sent) {
          // What changed again meanwhile has lost its text and stays queued.
          store
            .statement('DELETE FROM outbox WHERE id = ? AND revision = ? AND made IS NOT NULL')
            .run(id, revision);
        }
      });
    },
    nextDue() {
      const due = store.statement('SELECT MIN(due) AS due FROM outbox').get()?.['due'];
      return due === null || due === undefined ? undefined : Number(due);
    },
    forgetBefore,
    shrinkTo(max_bytes) {
      let days = 0;
      for (; usedBytes(store) > max_bytes; days++) {
        const oldest = store.statement('SELECT MIN(t) AS t FROM signals').get()?.['t'];
        if (typeof oldest !== 'number') break;
        forgetBefore(oldest + DAY_MS);
      }
      return days;
    },
    horizon: () => horizon,
    close: () => store.close(),
  };
}

function usedBytes(store: SignalStore): number {
  const pragma = (name: string): number => Number(store.statement(`PRAGMA ${name}`).get()?.[name]);
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
}

function workSignals(store: SignalStore, signals: readonly Signal[], now: number): string[] {
  const touched = new Map<
    number,
    { correlation: Correlation; tenant: string; fields: Readonly<Record<string, string>>; times: number[] }
  >();
  const remembered = new Set<Correlation>();
  for (const signal of signals) {
    const key = keyOf(store, signal);
    remembered.add(signal.correlation);
    const inserted = store
      .statement('INSERT OR IGNORE INTO signals VALUES (?, ?, ?, ?, ?, ?)')
      .run(
        key,
        signal.t,
        signal.event,
        signal.rule,
        signal.values.length === 0 ? null : JSON.stringify(signal.values),
        signal.correlation.alwaysFires ? 1 : 0,
      );
    if (inserted.changes === 0) continue;
    store
      .statement('INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?)')
      .run(signal.event, signal.rule, signal.t, JSON.stringify(signal.describe()));
    const entry = touched.get(key);
    if (entry) entry.times.push(signal.t);
    else {
      touched.set(key, {
        correlation: signal.correlation,
        tenant: signal.tenant,
        fields: signal.key,
        times: [signal.t],
      });
    }
  }
  for (const correlation of remembered) remember(store, correlation);
  const changed: string[] = [];
  for (const [id, { correlation, tenant, fields, times }] of touched) {
    changed.push(...workKey({ store, correlation, key: { id, tenant, fields }, now }, times));
  }
  return changed;
}

function remember(store: SignalStore, { identity, rule, rules }: Correlation): void {
  store
    .statement(
      `INSERT INTO correlations VALUES (?, ?, ?)
       ON CONFLICT (identity) DO UPDATE SET rule = excluded.rule WHERE rule <> excluded.rule`,
    )
    .run(identity, JSON.stringify(rule), JSON.stringify(rules));
}

function keyOf(store: SignalStore, signal: Signal): number {
  const { identity } = signal.correlation;
  const text = keyText(signal);
  const known = store.statement('SELECT id FROM keys WHERE correlation = ? AND text = ?').get(identity, text);
  if (known !== undefined) return Number(known['id']);
  return Number(
    store
      .statement('INSERT INTO keys (correlation, tenant, text, key) VALUES (?, ?, ?, ?)')
      .run(identity, signal.tenant, text, JSON.stringify(signal.key)).lastInsertRowid,
  );
}

/** Queues an id; a text that was made but not yet confirmed is made anew, as a further revision. */
function queue(store: SignalStore, options: { id: string; now: number; wait_ms: number }): void {
  const { id, now, wait_ms } = options;
  const revision = Number(
    store.statement('SELECT revision FROM episodes WHERE id = ?').get(id)?.['revision'],
  );
  store
    .statement(
      `INSERT INTO outbox (id, due) VALUES (?, ?)
       ON CONFLICT (id) DO UPDATE SET made = NULL, revision = NULL`,
    )
    .run(id, revision === 0 ? now : now + wait_ms);
}

function takeOutgoing(
  store: SignalStore,
  request: {
    now: number;
    limit: number;
    build: (episode: Episode, revision: number) => string | undefined;
  },
): Outgoing[] {
  const rows = store
    .statement(
      'SELECT seq, id, made, revision FROM outbox WHERE due <= ? OR made IS NOT NULL ORDER BY seq LIMIT ?',
    )
    .all(request.now, request.limit) as {
    seq: number;
    id: string;
    made: string | null;
    revision: number | null;
  }[];
  const outgoing: Outgoing[] = [];
  for (const { seq, id, made, revision } of rows) {
    if (made !== null && revision !== null) {
      outgoing.push({ seq, id, revision, text: made });
      continue;
    }
    const row = store.statement('SELECT * FROM episodes WHERE id = ?').get(id) as unknown as EpisodeRow;
    const next = row.revision + 1;
    const text = request.build(readEpisode(store, row), next);
    if (text === undefined) {
      store.statement('DELETE FROM outbox WHERE seq = ?').run(seq);
      continue;
    }
    store.statement('UPDATE episodes SET revision = ? WHERE id = ?').run(next, id);
    store.statement('UPDATE outbox SET made = ?, revision = ? WHERE seq = ?').run(text, next, seq);
    outgoing.push({ seq, id, revision: next, text });
  }
  return outgoing;
}
