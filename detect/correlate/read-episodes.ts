// Reads episodes back from the correlator's store: one whole, or how many each rule has.
import type { RuleInfo } from '../match.ts';
import type { Episode } from './correlator.ts';
import type { Point } from './episodes.ts';
import type { EpisodeRow, SignalStore } from './signal-store.ts';

/** Current episodes of a rule, and the times (ms since the epoch) between which they lie. */
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
      `SELECT json_extract(c.rule, '$.id') AS rule, COUNT(*) AS alerts, MIN(e.first_t) AS first, MAX(e.last_t) AS last
       FROM episodes e JOIN correlations c ON c.identity = e.correlation
       WHERE e.state = 'current' GROUP BY 1 ORDER BY 1`,
    )
    .all()
    .map((row) => ({
      rule: String(row['rule']),
      alerts: Number(row['alerts']),
      first: Number(row['first']),
      last: Number(row['last']),
    }));
}

export function readEpisode(store: SignalStore, row: EpisodeRow): Episode {
  const key = store.statement('SELECT tenant, key FROM keys WHERE id = ?').get(row.key) as {
    tenant: string;
    key: string;
  };
  const correlation = store
    .statement('SELECT rule, inputs FROM correlations WHERE identity = ?')
    .get(row.correlation) as { rule: string; inputs: string };
  const read = (direction: 'ASC' | 'DESC'): Point[] =>
    store
      .statement(
        `SELECT DISTINCT t, event FROM signals WHERE key = ? AND t BETWEEN ? AND ?
         ORDER BY t ${direction}, event ${direction} LIMIT ${SHOWN_EVENTS}`,
      )
      .all(row.key, row.from_t, row.last_t)
      .map(({ t, event }) => ({ t: Number(t), event: String(event) }));
  const head = read('ASC');
  const tail =
    row.count <= SHOWN_EVENTS
      ? []
      : read('DESC')
          .reverse()
          .slice(-(row.count - SHOWN_EVENTS));
  return {
    id: row.id,
    rule: JSON.parse(correlation.rule) as RuleInfo,
    inputs: JSON.parse(correlation.inputs) as string[],
    tenant: key.tenant,
    key: JSON.parse(key.key) as Record<string, string>,
    state: row.state,
    superseded_by: row.superseded_by ?? undefined,
    anchor: { t: row.anchor_t, event: row.anchor_event },
    first: row.first_t,
    last: row.last_t,
    count: row.count,
    events: [...head, ...tail],
    created: row.created,
  };
}
