// Counts what rules match and exceptions hide at a running site, and keeps the counts in the records.
import type { Exception } from '../../detect/exceptions/exception.ts';
import type { Match } from '../../detect/match.ts';
import { summariseEvent } from '../../detect/worker/summarise-event.ts';
import type { Logger } from '../../platform/core/log.ts';
import { eachRecord, type RecordStore, upsertRecord } from '../../platform/records/record-store.ts';
import { idOfProcess, isOfAnyProcess } from '../record-of-process.ts';

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

/** How often what other processes counted is read. */
const OTHERS_MS = 5_000;

type HitsOfRules = Readonly<Record<string, RuleHits>>;

/**
 * Stored once a second; what was counted within the second before a kill is counted again or lost with it. Each
 * process stores its own counts; what is told is the sum, of others as it stood a few seconds ago.
 */
export async function keepTallies(options: {
  records: RecordStore;
  /** Undefined where one process is the whole site. */
  process: string | undefined;
  /** True where counts are shown: what others counted is read there alone. */
  sums: boolean;
  logger: Logger;
}): Promise<TallyKeeper> {
  const { records, process, logger } = options;
  const hitsId = idOfProcess(HITS_ID, process);
  const kept = await records.get<{ rules: HitsOfRules }>('counters', hitsId);
  const hits = new Map(Object.entries(kept?.value.rules ?? {}));
  const suppressions = new Map<string, Suppressions>();
  let otherHits: ReadonlyMap<string, RuleHits> = new Map();
  let otherSuppressions: ReadonlyMap<string, Suppressions> = new Map();
  for await (const { id, value } of eachRecord<Suppressions>(records, 'suppressions'))
    if (id === idOfProcess(value.exception, process)) suppressions.set(value.exception, value);

  const readOthers = async (): Promise<void> => {
    const [nextHits, nextSuppressions] = [new Map<string, RuleHits>(), new Map<string, Suppressions>()];
    for await (const { id, value } of eachRecord<{ rules: HitsOfRules }>(records, 'counters')) {
      if (id === hitsId || !isOfAnyProcess(id, HITS_ID)) continue;
      for (const [rule, more] of Object.entries(value.rules))
        nextHits.set(rule, addHits(nextHits.get(rule), more) as RuleHits);
    }
    for await (const { id, value } of eachRecord<Suppressions>(records, 'suppressions')) {
      const { exception } = value;
      if (id === idOfProcess(exception, process)) continue;
      nextSuppressions.set(
        exception,
        joinSuppressions(nextSuppressions.get(exception), value) as Suppressions,
      );
    }
    [otherHits, otherSuppressions] = [nextHits, nextSuppressions];
  };
  let hitsChanged = false;
  const changed = new Set<string>();
  const store = async (): Promise<void> => {
    if (hitsChanged) {
      hitsChanged = false;
      const rules = Object.fromEntries(hits);
      await upsertRecord({ store: records, collection: 'counters', id: hitsId, change: () => ({ rules }) });
    }
    const stale = [...changed];
    changed.clear();
    for (const exception of stale) {
      const value = suppressions.get(exception);
      if (value)
        await upsertRecord<Suppressions>({
          store: records,
          collection: 'suppressions',
          id: idOfProcess(exception, process),
          change: () => value,
        });
    }
  };
  let working: Promise<void> = options.sums ? readOthers() : Promise.resolve();
  await working;
  const every = (interval_ms: number, work: () => Promise<void>): NodeJS.Timeout =>
    setInterval(() => {
      working = working
        .then(work)
        .catch((error: unknown) => logger.error({ err: error }, 'rule counts not stored or read'));
    }, interval_ms);
  const timers = [every(INTERVAL_MS, store)];
  if (options.sums) timers.push(every(OTHERS_MS, readOthers));
  return {
    addMatch({ rule, event }) {
      hits.set(rule.id, addHits(hits.get(rule.id), { matches: 1, last: event['@timestamp'] }) as RuleHits);
      hitsChanged = true;
    },
    addSuppressed({ filter }, match) {
      suppressions.set(filter.id, addSuppression(suppressions.get(filter.id), filter.id, match));
      changed.add(filter.id);
    },
    hitsOf: (rule) => addHits(hits.get(rule), otherHits.get(rule)),
    suppressionsOf: (exception) =>
      joinSuppressions(suppressions.get(exception), otherSuppressions.get(exception)),
    async close() {
      for (const timer of timers) clearInterval(timer);
      await working;
      await store();
    },
  };
}

function addHits(one: RuleHits | undefined, other: RuleHits | undefined): RuleHits | undefined {
  if (!one || !other) return one ?? other;
  return { matches: one.matches + other.matches, last: one.last > other.last ? one.last : other.last };
}

function joinSuppressions(
  one: Suppressions | undefined,
  other: Suppressions | undefined,
): Suppressions | undefined {
  if (!one || !other) return one ?? other;
  const by_rule = { ...one.by_rule };
  for (const [rule, count] of Object.entries(other.by_rule)) by_rule[rule] = (by_rule[rule] ?? 0) + count;
  return {
    exception: one.exception,
    count: one.count + other.count,
    by_rule,
    first: one.first < other.first ? one.first : other.first,
    last: one.last > other.last ? one.last : other.last,
    latest: [...one.latest, ...other.latest]
      .sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1))
      .slice(0, KEPT_SUPPRESSIONS),
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
