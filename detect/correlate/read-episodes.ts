// Reads episodes back from the correlator's store: one whole, or how many each rule has.
import type { RuleInfo } from '../match.ts';
import { type Point, spanOf } from './episodes.ts';
import { findFiring } from './firing/find-firing.ts';
import type { SignalRow } from './firing/signal-row.ts';
import { countEvents, readEdge, readRows } from './store/chunks.ts';
import type { KeyState } from './store/key-table.ts';
import type { EpisodeRow, SignalStore } from './store/open-store.ts';

/** An episode as alerts are made of it. */
export interface Episode {
  readonly id: string;
  /** As it was when its signals were last remembered: also of a rule that is no longer loaded. */
  readonly rule: RuleInfo;
  /** Ids of the plain rules whose matches are its signals. */
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
  /** What was stored of these events, by event id. */
  readonly evidence: ReadonlyMap<string, readonly StoredEvidence[]>;
  /** ms since the epoch, when it was first made. */
  readonly created: number;
  /** Part of its windows lies before the horizon: signals may be missing. */
  readonly incomplete: boolean;
  /** It only feeds other correlations and raises no alert. */
  readonly silent: boolean;
}

/** What was stored of one event for one rule (the signal's `describe`). */
export interface StoredEvidence {
  readonly rule: string;
  readonly body: unknown;
}

/** Current episodes of a rule, and the times (ms since the epoch) between which their firing points lie. */
export interface EpisodeTally {
  readonly rule: string;
  readonly alerts: number;
  readonly first: number;
  readonly last: number;
}

const SHOWN_EVENTS = 100;

export function tallyEpisodes(store: SignalStore): EpisodeTally[] {
  return store
    .statement(
      `SELECT json_extract(c.body, '$.rule.id') AS rule, COUNT(*) AS alerts, MIN(e.anchor_t) AS first, MAX(e.last_t) AS last
       FROM episodes e JOIN keys k ON k.id = e.key JOIN correlations c ON c.number = k.correlation
       WHERE e.state = 'current' AND NOT json_extract(c.body, '$.silent') GROUP BY 1 ORDER BY 1`,
    )
    .all()
    .map((row) => ({
      rule: String(row['rule']),
      alerts: Number(row['alerts']),
      first: Number(row['first']),
      last: Number(row['last']),
    }));
}

/** The key's signals must all be in chunks. */
export function readEpisode(options: {
  store: SignalStore;
  row: EpisodeRow;
  key: KeyState;
  asOf: (site: string) => number | undefined;
}): Episode {
  const { store, row, key } = options;
  const { correlation } = key;
  const [tenant, fields] = JSON.parse(key.text) as [string, Record<string, string>];
  const anchor = { t: row.anchor_t, event: row.anchor_event };
  const span = spanOf(correlation, { anchor, last: { t: row.last_t, event: row.last_event } });
  const shown =
    correlation.type === 'absence' ? readUnanswered(options, span) : readMembers(store, key.id, span);
  return {
    id: row.id,
    rule: correlation.rule,
    inputs: correlation.inputs,
    tenant,
    key: fields,
    state: row.state,
    superseded_by: row.superseded_by ?? undefined,
    anchor,
    ...shown,
    created: row.created,
    incomplete: span.from < horizonOf(store),
    silent: correlation.silent,
  };
}

type Shown = Pick<Episode, 'first' | 'last' | 'count' | 'events' | 'evidence'>;

function readMembers(store: SignalStore, key: number, span: { from: number; to: number }): Shown {
  const count = countEvents(store, key, span.from, span.to);
  const edge = (side: 'first' | 'last', limit: number): SignalRow[] =>
    limit <= 0 ? [] : readEdge(store, { key, ...span, limit, side });
  return describeRows(
    [...edge('first', SHOWN_EVENTS), ...edge('last', Math.min(SHOWN_EVENTS, count - SHOWN_EVENTS))],
    count,
    span,
  );
}

/** Of an absence only what went unanswered is shown, not the answers or what was answered in between. */
function readUnanswered(
  { store, key, asOf }: Parameters<typeof readEpisode>[0],
  span: { from: number; to: number },
): Shown {
  const { correlation } = key;
  const rows = readRows(store, {
    key: key.id,
    from: span.from,
    to: span.to + correlation.timespan_ms,
    evidence: true,
  });
  const fires = findFiring({
    correlation,
    rows,
    low: span.from,
    high: span.to,
    asOf: (site) => asOf(site) ?? Number.NEGATIVE_INFINITY,
  });
  const firing = rows.filter((_, at) => fires[at]);
  const events = [...new Set(firing.map(({ event }) => event))];
  const kept = new Set([
    ...events.slice(0, SHOWN_EVENTS),
    ...events.slice(SHOWN_EVENTS).slice(-SHOWN_EVENTS),
  ]);
  return describeRows(
    firing.filter(({ event }) => kept.has(event)),
    events.length,
    span,
  );
}

/** `rows` are those of the events to show, sorted. A run whose signals are all gone keeps the times of its points. */
function describeRows(rows: readonly SignalRow[], count: number, span: { from: number; to: number }): Shown {
  const events: Point[] = [];
  const evidence = new Map<string, StoredEvidence[]>();
  for (const { t, event, evidence: text } of rows) {
    if (events.at(-1)?.event !== event) events.push({ t, event });
    if (text === undefined) continue;
    const held = evidence.get(event) ?? [];
    for (const one of JSON.parse(text) as StoredEvidence[])
      if (!held.some(({ rule }) => rule === one.rule)) held.push(one);
    evidence.set(event, held);
  }
  return {
    first: events[0]?.t ?? span.from,
    last: events.at(-1)?.t ?? span.to,
    count,
    events,
    evidence,
  };
}

/** Before this time (ms since the epoch) signals may be missing. */
export function horizonOf(store: SignalStore): number {
  return Number(
    store.statement("SELECT value FROM meta WHERE name = 'horizon'").get()?.['value'] ??
      Number.MIN_SAFE_INTEGER,
  );
}
