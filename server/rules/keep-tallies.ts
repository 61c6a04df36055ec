// Counts what rules match and exceptions hide at a running site, and keeps the counts in the records.
import type { Exception } from '../../detect/exceptions/exception.ts';
import type { Match } from '../../detect/match.ts';
import { summariseEvent } from '../../detect/worker/summarise-event.ts';
import type { Logger } from '../../platform/core/log.ts';
import { type RecordStore, upsertRecord } from '../../platform/records/record-store.ts';

/** What a rule matched since the records began; a batch that is worked again after a crash counts again. */
export interface RuleHits {
  readonly matches: number;
  /** `@timestamp` of the latest. */
  readonly last: string;
}

/** What an exception hid. Stored in collection `suppressions`, by the exception's id. */
export interface Suppressions {
  readonly exception: string;
  readonly count: number;
  readonly by_rule: Readonly<Record<string, number>>;
  readonly first: string;
  readonly last: string;
  /** The latest ones, newest first. */
  readonly latest: readonly SuppressedMatch[];
}

export interface SuppressedMatch {
  readonly rule: string;
  readonly rule_name: string;
  readonly event: string;
  readonly timestamp: string;
  readonly site: string;
  readonly dataset: string;
  readonly summary: string;
}

/** Suppressed matches that are kept of an exception; all are counted. */
export const KEPT_SUPPRESSIONS = 100;
const INTERVAL_MS = 1_000;
const HITS_ID = 'rule-matches';

export interface TallyKeeper {
  addMatch(match: Match): void;
  addSuppressed(exception: Exception, match: Match): void;
  hitsOf(rule: string): RuleHits | undefined;
  suppressionsOf(exception: string): Suppressions | undefined;
  close(): Promise<void>;
}

/** Stored once a second; what was counted within the second before a kill is counted again or lost with it. */
export async function keepTallies(options: { records: RecordStore; logger: Logger }): Promise<TallyKeeper> {
  const { records, logger } = options;
  const kept = await records.get<{ rules: Record<string, RuleHits> }>('counters', HITS_ID);
  const hits = new Map(Object.entries(kept?.value.rules ?? {}));
  const suppressions = new Map<string, Suppressions>();
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await records.query<Suppressions>('suppressions', {
      limit: 1_000,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const { id, value } of page.records) suppressions.set(id, value);
    cursor = page.cursor;
  }
  let hitsChanged = false;
  const changed = new Set<string>();
  const store = async (): Promise<void> => {
    if (hitsChanged) {
      hitsChanged = false;
      const rules = Object.fromEntries(hits);
      await upsertRecord({ store: records, collection: 'counters', id: HITS_ID, change: () => ({ rules }) });
    }
    const stale = [...changed];
    changed.clear();
    for (const id of stale) {
      const value = suppressions.get(id);
      if (value)
        await upsertRecord<Suppressions>({
          store: records,
          collection: 'suppressions',
          id,
          change: () => value,
        });
    }
  };
  let working: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    working = working
      .then(store)
      .catch((error: unknown) => logger.error({ err: error }, 'rule counts not stored'));
  }, INTERVAL_MS);
  return {
    addMatch({ rule, event }) {
      const before = hits.get(rule.id);
      const timestamp = event['@timestamp'];
      hits.set(rule.id, {
        matches: (before?.matches ?? 0) + 1,
        last: before && before.last > timestamp ? before.last : timestamp,
      });
      hitsChanged = true;
    },
    addSuppressed({ filter }, match) {
      suppressions.set(filter.id, addSuppression(suppressions.get(filter.id), filter.id, match));
      changed.add(filter.id);
    },
    hitsOf: (rule) => hits.get(rule),
    suppressionsOf: (exception) => suppressions.get(exception),
    async close() {
      clearInterval(timer);
      await working;
      await store();
    },
  };
}

function addSuppression(
  before: Suppressions | undefined,
  exception: string,
  { rule, event }: Match,
): Suppressions {
  const timestamp = event['@timestamp'];
  const shown: SuppressedMatch = {
    rule: rule.id,
    rule_name: rule.name,
    event: event.event.id,
    timestamp,
    site: event.picket.site.id,
    dataset: event.event.dataset,
    summary: summariseEvent(event),
  };
  return {
    exception,
    count: (before?.count ?? 0) + 1,
    by_rule: { ...before?.by_rule, [rule.id]: (before?.by_rule[rule.id] ?? 0) + 1 },
    first: before && before.first < timestamp ? before.first : timestamp,
    last: before && before.last > timestamp ? before.last : timestamp,
    latest: [shown, ...(before?.latest ?? [])].slice(0, KEPT_SUPPRESSIONS),
  };
}
