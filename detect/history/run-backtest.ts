// Runs rules over the events that an index holds: matches and alerts of each rule, as the detector would have made them.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PicketError } from '../../platform/core/errors.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import { allOf, EVERYTHING, type Expression, equals } from '../../platform/core/expression/expression.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import { type Correlator, openCorrelator } from '../correlate/correlator.ts';
import { type Signal, signalsOfMatch } from '../correlate/signal.ts';
import type { Match, RuleInfo } from '../match.ts';
import type { EntityTable } from '../worker/entity-table.ts';
import { type DetectorRules, type RefusedCorrelation, routeMatches } from '../worker/route-matches.ts';
import { MatchTally, type RuleTally } from './tally-matches.ts';

const DAY_MS = 86_400_000;
/** Events taken from the index at a time: the event loop is free between two pages. */
const PAGE_EVENTS = 250;
const RETENTION_MS = 30 * DAY_MS;
/** A rule that matches everything is known for it long before. */
export const MAX_MATCHES = 1_000_000;
const MEMORY_BYTES = 16 * 1024 ** 2;

/** How far a backtest is. */
export interface BacktestProgress {
  /** Events that the query found and the engine looked at. */
  readonly events: number;
  readonly matches: number;
  /** The event time reached, ISO 8601; they are read oldest first. */
  readonly reached: string | undefined;
  /** 0 to 1, by time. */
  readonly done: number;
}

export interface BacktestResult {
  /** False when it was stopped at the bound on matches: what comes after `reached` is not in it. */
  readonly complete: boolean;
  readonly reached: string | undefined;
  readonly events: number;
  readonly matches: number;
  /** Matches that exceptions hid; they are in no other number of a rule. */
  readonly suppressed: number;
  /** Events whose time is not known, which make no alerts. */
  readonly undated: number;
  readonly rules: readonly RuleTally[];
  /** Places of a distributed index that did not answer. */
  readonly unanswered: readonly string[];
  /** Correlations that could not be worked. */
  readonly refused: readonly RefusedCorrelation[];
}

export interface BacktestOptions {
  readonly index: Pick<EventIndex, 'search'>;
  readonly tenant: string;
  /** ms since the epoch; `to` exclusive. */
  readonly from: number;
  readonly to: number;
  /** Only events of these sites. */
  readonly sites?: readonly string[];
  readonly rules: DetectorRules;
  /** A superset of what the rules match (narrowQuery). */
  readonly where?: Expression;
  readonly entityTable: EntityTable;
  /** Folder for the signals of this run; made, and removed at the end. */
  readonly folder: string;
  /** The exception that hides a match, if one does. */
  readonly suppressedBy?: (match: Match) => string | undefined;
  /** An exception that is not in force yet: what it hides is also counted as if it did not. */
  readonly previewed?: string;
  /** Samples kept a rule. */
  readonly samples: number;
  readonly max_matches?: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: BacktestProgress) => void;
}

/**
 * Every rule is worked here, of both scopes, over all events of the time that the index holds: also those that a
 * site has worked already. Memory is bounded: pages of events, samples, and SQLite's cache over the signals.
 * @throws PicketError BACKTEST_CANCELLED when the signal comes, and what the index says
 */
export async function runBacktest(options: BacktestOptions): Promise<BacktestResult> {
  const { rules, folder, signal } = options;
  mkdirSync(folder, { recursive: true });
  const open = (name: string): Correlator =>
    openCorrelator({
      file: join(folder, name),
      memory_bytes: MEMORY_BYTES,
      revision_wait_ms: 0,
      count: () => undefined,
    });
  const correlator = open('backtest.sqlite');
  /** Holds also what the previewed exception hides. */
  const before = options.previewed === undefined ? undefined : open('before.sqlite');
  const router = routeMatches({ rules, table: options.entityTable, retention_ms: RETENTION_MS });
  for (const one of [correlator, before]) one?.use(router.correlations);
  const tally = new MatchTally(options.samples);
  const max_matches = options.max_matches ?? MAX_MATCHES;
  let events = 0;
  let matches = 0;
  let suppressed = 0;
  let undated = 0;
  let reached: string | undefined;
  let complete = true;
  let cursor: string | undefined;
  const unanswered = new Set<string>();
  const sites = new Set<string>();

  const signalsOf = (match: Match): Signal[] =>
    signalsOfMatch({
      match,
      correlations: router.correlationsOf(match, 'both'),
      describe: () => ({}),
      count: () => undefined,
    });

  const workEvent = (event: PicketEvent, signals: Signal[], hidden: Signal[]): void => {
    const dated = event.picket.time === 'ok';
    sites.add(event.picket.site.id);
    for (const match of rules.match(event)) {
      matches++;
      const exception = options.suppressedBy?.(match);
      if (exception !== undefined) {
        suppressed++;
        tally.addSuppressed(match, exception);
        if (dated && exception === options.previewed) hidden.push(...signalsOf(match));
        continue;
      }
      tally.add(match);
      if (dated) signals.push(...signalsOf(match));
      else undated++;
    }
  };

  try {
    do {
      const page = await options.index.search({
        tenant: options.tenant,
        from: options.from,
        to: options.to,
        where: allOf([atSites(options.sites), options.where ?? EVERYTHING]),
        sort: 'oldest',
        limit: PAGE_EVENTS,
        signal,
        ...(cursor === undefined ? {} : { cursor }),
      });
      if (signal.aborted) break;
      const signals: Signal[] = [];
      const hidden: Signal[] = [];
      for (const event of page.hits) workEvent(event, signals, hidden);
      if (signals.length > 0) correlator.work({ signals, now: options.to });
      if (before && signals.length + hidden.length > 0)
        before.work({ signals: [...signals, ...hidden], now: options.to });
      events += page.hits.length;
      reached = page.hits.at(-1)?.['@timestamp'] ?? reached;
      for (const place of page.unanswered) unanswered.add(place);
      cursor = page.cursor;
      complete = matches < max_matches || cursor === undefined;
      options.onProgress?.({ events, matches, reached, done: share(reached, options) });
      await new Promise(setImmediate);
    } while (cursor !== undefined && complete && !signal.aborted);
    if (signal.aborted) throw cancelled();
    // Windows and absences are judged as of the end of the time that was asked about.
    const as_of = Object.fromEntries([...sites].map((site) => [site, options.to]));
    for (const one of [correlator, before]) one?.work({ signals: [], as_of, now: options.to });
    return {
      complete,
      reached,
      events,
      matches,
      suppressed,
      undated,
      rules: tally.results(listRules(rules), correlator.tally(), before?.tally()),
      unanswered: [...unanswered],
      refused: router.refused,
    };
  } catch (error) {
    // The index may answer an aborted question with an error of its own.
    throw signal.aborted ? cancelled() : error;
  } finally {
    correlator.close();
    before?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function cancelled(): PicketError {
  return new PicketError({ code: 'BACKTEST_CANCELLED', message: 'the backtest was cancelled' });
}

function atSites(sites: readonly string[] | undefined): Expression {
  if (sites === undefined) return EVERYTHING;
  return { op: 'or', of: sites.map((site) => equals('picket.site.id', site)) };
}

function listRules({ rules, correlations }: DetectorRules): RuleInfo[] {
  return [...rules, ...correlations.map(({ rule }) => rule)];
}

function share(reached: string | undefined, { from, to }: { from: number; to: number }): number {
  if (reached === undefined) return 0;
  return Math.min(1, Math.max(0, (Date.parse(reached) - from) / Math.max(1, to - from)));
}
