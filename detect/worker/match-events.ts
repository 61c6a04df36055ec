// Step one of detection: events of the bus to signals, by the rules in force; what cannot be read is set aside.
import type { BusRecord } from '../../platform/bus/bus.ts';
import type { Counters } from '../../platform/core/counters.ts';
import { describeError } from '../../platform/core/errors.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import { type Signal, signalsOfMatch } from '../correlate/signal.ts';
import type { Match } from '../match.ts';
import { takeEvidence } from './build-alert.ts';
import type { EntityTable } from './entity-table.ts';
import type { DetectorRules, Router, Scopes } from './route-matches.ts';

/** A record that is no event, and why. */
export interface Unreadable {
  readonly record: BusRecord;
  readonly message: string;
}

/** What the matching of one batch goes by. */
export interface MatchingRules {
  readonly rules: DetectorRules;
  readonly router: Router;
}

/** Signals of a batch, in the order of its records. Nothing of an event makes it throw. */
export function matchRecords(options: {
  records: readonly BusRecord[];
  matching: MatchingRules;
  entityTable: EntityTable;
  /** `site` works rules of scope site; `both` (no parent) also those of scope fleet. */
  scopes: Scopes;
  counters: Counters;
}): { signals: Signal[]; unreadable: Unreadable[] } {
  const { entityTable, counters } = options;
  const { rules, router } = options.matching;
  const signals: Signal[] = [];
  const unreadable: Unreadable[] = [];
  for (const record of options.records) {
    const { time } = record.headers;
    if (time !== undefined && time !== 'ok') {
      counters.add('detect', `time-${time}`);
      continue;
    }
    const scopes: Scopes = record.headers['detected'] === '1' ? 'fleet' : options.scopes;
    if ((scopes === 'fleet' && options.scopes === 'site') || router.isIdle(scopes)) continue;
    let matches: readonly Match[];
    try {
      matches = rules.matchJson(record.value);
    } catch (error) {
      unreadable.push({ record, message: describeError(error) });
      continue;
    }
    const [first] = matches;
    if (first === undefined) continue;
    const event = checkEvent(first.event);
    if (event === undefined) {
      unreadable.push({ record, message: 'no PicketEvent' });
      continue;
    }
    if (event.picket.time !== 'ok') {
      counters.add('detect', `time-${event.picket.time}`);
      continue;
    }
    for (const found of matches)
      signals.push(...signalsOf({ found, scopes, matching: options.matching, entityTable, counters }));
  }
  return { signals, unreadable };
}

function signalsOf(options: {
  found: Match;
  scopes: Scopes;
  matching: MatchingRules;
  entityTable: EntityTable;
  counters: Counters;
}): Signal[] {
  const { found, scopes, entityTable, counters } = options;
  const { rules, router } = options.matching;
  const correlations = router.correlationsOf(found, scopes);
  if (correlations.length === 0) return [];
  if (rules.accepts?.(found) === false) {
    counters.add('detect', 'suppressed');
    return [];
  }
  return signalsOfMatch({
    match: found,
    correlations,
    describe: () => takeEvidence(found, entityTable),
    count: (reason, by) => counters.add('detect', reason, { by }),
  });
}

/** The event when it has what alerts are made of; only events that match are looked at. */
function checkEvent(event: PicketEvent): PicketEvent | undefined {
  const { event: meta, picket } = event as Partial<PicketEvent>;
  return typeof meta?.id === 'string' &&
    typeof meta.dataset === 'string' &&
    typeof picket?.site?.id === 'string' &&
    !Number.isNaN(Date.parse(event['@timestamp'] ?? ''))
    ? event
    : undefined;
}

/** Event times are told at most so often, unless signals go along. */
const TELL_MS = 1_000;

export interface EventTime {
  see(record: BusRecord): void;
  isDue(now: number): boolean;
  /** What was seen since the last call, by site; ms since the epoch. */
  take(now: number): Record<string, number>;
}

/**
 * The event time up to which each site has told: the greatest of its events, never beyond their append time, so
 * that a clock that runs ahead does not end windows early. A function of what the bus recorded.
 */
export function watchEventTime(): EventTime {
  const greatest = new Map<string, number>();
  let taken = Number.NEGATIVE_INFINITY;
  return {
    see({ headers, timestamp }) {
      const { site, timestamp: at, time } = headers;
      if (site === undefined || at === undefined || (time !== undefined && time !== 'ok')) return;
      const t = Math.min(Date.parse(at), timestamp);
      if (t > (greatest.get(site) ?? Number.NEGATIVE_INFINITY)) greatest.set(site, t);
    },
    isDue: (now) => greatest.size > 0 && now - taken >= TELL_MS,
    take(now) {
      taken = now;
      const told = Object.fromEntries(greatest);
      greatest.clear();
      return told;
    },
  };
}
