// Gathers the matches of lines into the alerts that stand once the last line is read: `picket eval --correlate`.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { contentHash } from '../../platform/core/canonical-json.ts';
import type { JsonObject, PicketEvent } from '../../platform/core/event.ts';
import { openCorrelator } from '../correlate/correlator.ts';
import type { Episode } from '../correlate/read-episodes.ts';
import { makeSignals, type Signal } from '../correlate/signal.ts';
import type { Match, RuleInfo } from '../match.ts';
import type { EntityTable } from '../worker/entity-table.ts';
import { type DetectorRules, type RefusedCorrelation, routeMatches } from '../worker/route-matches.ts';

/** An alert as `picket eval --correlate` prints it, one JSON line each. */
export interface CurrentAlert {
  /** SEMANTICS, Matches, alerts, scope: the same for every order of the same events. */
  readonly id: string;
  readonly rule: { readonly id: string; readonly name: string; readonly level: string };
  /** What the alert's events have in common: group-by field → value, with the site for rules of scope `site`. */
  readonly group: Readonly<Record<string, string>>;
  /** Times of its first and last event, ISO 8601. */
  readonly first: string;
  readonly last: string;
  /** Exact number of distinct events. */
  readonly count: number;
  /** The first and last hundred: `sequence` is the number of the first line with the event, `id` where it has one. */
  readonly events: readonly {
    readonly sequence: number;
    readonly id?: string;
    readonly '@timestamp': string;
  }[];
}

export interface AlertCollector {
  /** An event with the rules that hold, or none: its time still counts. `sequence` is its line's number, from 1. */
  take(event: JsonObject, rules: readonly RuleInfo[], sequence: number): void;
  /**
   * The alerts that stand, by first event and id. Windows, absences and days are judged as of `as_of` (ms since the
   * epoch), or of the greatest time seen.
   */
  finish(as_of?: number): CurrentAlert[];
  readonly refused: readonly RefusedCorrelation[];
  /** What made no signal: reason → how often (`time-missing`, `group-by-absent`, …). */
  readonly left_out: Readonly<Record<string, number>>;
  /** Removes what it kept on disk. */
  close(): void;
}

/** Signals worked at a time. */
const BATCH = 5_000;
const MEMORY_BYTES = 256 * 1024 ** 2;

/** Opens a collector; it keeps signals in a folder of its own under `folder`, which `close` removes. */
export function openAlertCollector(options: {
  rules: DetectorRules;
  entityTable: EntityTable;
  folder: string;
  /** A longer timespan is refused. */
  retention_ms: number;
}): AlertCollector {
  const router = routeMatches({
    rules: options.rules,
    table: options.entityTable,
    retention_ms: options.retention_ms,
  });
  const own = mkdtempSync(join(options.folder, 'picket-eval-'));
  const left_out: Record<string, number> = {};
  const count = (reason: string, by: number): void => {
    left_out[reason] = (left_out[reason] ?? 0) + by;
  };
  const correlator = openCorrelator({
    file: join(own, 'signals.sqlite'),
    memory_bytes: MEMORY_BYTES,
    revision_wait_ms: 0,
    count,
  });
  correlator.use(router.correlations);
  const lines = new Map<string, { sequence: number; named: boolean }>();
  const alike = new Map<string, number>();
  const sites = new Set<string>();
  let greatest = Number.NEGATIVE_INFINITY;
  let signals: Signal[] = [];

  const work = (): void => {
    correlator.work({ signals, now: 0 }, { hold: true });
    signals = [];
  };

  /** Its own id; else one of its content and how many like it came before, which no order of lines changes. */
  const identify = (event: JsonObject): { id: string; named: boolean } => {
    const named = textAt(event, 'event', 'id');
    if (named !== undefined) return { id: named, named: true };
    const hash = contentHash(event);
    const ordinal = alike.get(hash) ?? 0;
    alike.set(hash, ordinal + 1);
    return { id: `${hash}-${ordinal}`, named: false };
  };

  const describe = (episode: Episode): CurrentAlert => ({
    id: episode.id,
    rule: { id: episode.rule.id, name: episode.rule.name, level: episode.rule.level },
    group: episode.key,
    first: new Date(episode.first).toISOString(),
    last: new Date(episode.last).toISOString(),
    count: episode.count,
    events: episode.events.map(({ t, event }) => {
      const line = lines.get(event);
      return {
        sequence: line?.sequence ?? 0,
        ...(line?.named === true ? { id: event } : {}),
        '@timestamp': new Date(t).toISOString(),
      };
    }),
  });

  return {
    refused: router.refused,
    left_out,
    take(event, matched, sequence) {
      const t = timeOf(event);
      if (t !== undefined && t > greatest) greatest = t;
      if (matched.length === 0) return;
      if (t === undefined) {
        count('time-missing', matched.length);
        return;
      }
      const { id, named } = identify(event);
      if (!lines.has(id)) lines.set(id, { sequence, named });
      const site = textAt(event, 'picket', 'site', 'id') ?? LOCAL;
      sites.add(site);
      const tenant = textAt(event, 'picket', 'tenant') ?? LOCAL;
      const dataset = textAt(event, 'event', 'dataset') ?? '';
      for (const rule of matched) {
        const match = { rule, event: { event: { dataset } } as PicketEvent } as Match;
        for (const correlation of router.correlationsOf(match, 'both'))
          signals.push(
            ...makeSignals({
              correlation,
              rule: rule.id,
              document: event,
              event: id,
              t,
              tenant,
              site,
              describe: () => ({}),
              count,
            }),
          );
      }
      if (signals.length >= BATCH) work();
    },
    finish(as_of) {
      work();
      const told = as_of ?? greatest;
      if (Number.isFinite(told))
        correlator.work({
          signals: [],
          as_of: Object.fromEntries([...sites].map((site) => [site, told])),
          now: 0,
        });
      return correlator
        .current()
        .map(describe)
        .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : a.id < b.id ? -1 : 1));
    },
    close() {
      correlator.close();
      rmSync(own, { recursive: true, force: true });
    },
  };
}

/** Site and tenant of events that name none. */
const LOCAL = 'local';

/** `@timestamp` as text (ISO 8601) or milliseconds; undefined when missing, unreadable or judged `future`. */
function timeOf(event: JsonObject): number | undefined {
  const judged = textAt(event, 'picket', 'time');
  if (judged !== undefined && judged !== 'ok') return undefined;
  const value = event['@timestamp'];
  const t = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isSafeInteger(t) && Math.abs(t) <= LATEST_TIME ? t : undefined;
}

/** The last that a Date can hold (ECMA-262, Time Values and Time Range). */
const LATEST_TIME = 8.64e15;

function textAt(event: JsonObject, ...path: string[]): string | undefined {
  let value: unknown = event;
  for (const name of path) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as JsonObject)[name];
  }
  return typeof value === 'string' && value !== '' ? value : undefined;
}
