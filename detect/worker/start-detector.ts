// The detector: events from the bus, matches, signals, episodes, and alerts back to the bus, the same after any crash.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bus, BusBatch, BusRecord } from '../../platform/bus/bus.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Counters } from '../../platform/core/counters.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import type { Logger } from '../../platform/core/log.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { type Correlator, openCorrelator } from '../correlate/correlator.ts';
import { makeSignals, type Signal } from '../correlate/signal.ts';
import type { Match } from '../match.ts';
import { buildAlert, type DetectorSite, type Evidence, takeEvidence } from './build-alert.ts';
import type { EntityTable } from './entity-table.ts';
import { type DetectorRules, type RefusedCorrelation, routeMatches, type Scopes } from './route-matches.ts';
import { startSending } from './send-alerts.ts';

/** The consumer group of detectors. */
export const DETECT_GROUP = 'detect';

const DAY_MS = 86_400_000;
/** How often a site that sends nothing is looked at, and how long its records may take to arrive. */
const IDLE_CHECK_MS = 10_000;
const IDLE_GRACE_MS = 60_000;
/** Event time is told at most so often, unless signals go along. */
const TELL_MS = 1_000;

export interface Detector {
  /** Swaps the rules between two batches: no event is missed or worked twice differently. Returns what was refused. */
  replaceRules(rules: DetectorRules): readonly RefusedCorrelation[];
  /** Correlations of the rules in force that cannot be worked. */
  refused(): readonly RefusedCorrelation[];
  /** Finishes the batch in hand, sends what is due and closes the store. */
  stop(): Promise<void>;
}

export interface DetectorOptions {
  readonly bus: Bus;
  /** Folder of its own; made when missing. */
  readonly folder: string;
  readonly rules: DetectorRules;
  readonly entityTable: EntityTable;
  readonly site: DetectorSite;
  /** `site` works rules of scope site; `centre` (no parent) also those of scope fleet. */
  readonly mode: 'site' | 'centre';
  readonly clock: Clock;
  readonly counters: Counters;
  readonly logger: Logger;
  /** SQLite page cache over the signals; default 64 MiB. */
  readonly memory_bytes?: number;
  /** Size of the store above which the oldest days of signals go; default 8 GiB. */
  readonly max_store_bytes?: number;
  /** The longest timespan that a correlation may have; default 30 days. */
  readonly retention_ms?: number;
  /** How long a further revision of an alert waits for more; default 1 s. */
  readonly revision_wait_ms?: number;
}

/**
 * Starts to detect. Positions are kept with the episodes in one transaction; alerts are sent at least once
 * with a stable id and revision.
 * @throws PicketError CORRELATOR_STORE when the store cannot be opened
 */
export function startDetector(options: DetectorOptions): Detector {
  const { bus, clock, counters, logger, site } = options;
  const retention_ms = options.retention_ms ?? 30 * DAY_MS;
  const max_store_bytes = options.max_store_bytes ?? 8 * 1024 ** 3;
  mkdirSync(options.folder, { recursive: true });
  const correlator = openCorrelator({
    file: join(options.folder, 'correlate.sqlite'),
    memory_bytes: options.memory_bytes ?? 64 * 1024 ** 2,
    revision_wait_ms: options.revision_wait_ms ?? 1_000,
    count: (reason, by) => counters.add('detect', reason, { by }),
  });
  const compile = (rules: DetectorRules) => {
    const router = routeMatches({ rules, table: options.entityTable, retention_ms });
    correlator.use(router.correlations);
    return { matchJson: rules.matchJson, accepts: rules.accepts, router };
  };
  let inForce = compile(options.rules);
  const all: Scopes = options.mode === 'centre' ? 'both' : 'site';
  const savePositions = rememberPositions({ correlator, clock });
  const told = watchEventTime();
  let checked = clock.monotonic();

  const sender = startSending({
    bus,
    clock,
    correlator,
    logger,
    build: (episode, revision) => {
      const alert = buildAlert({
        episode,
        revision,
        site,
        evidence: (event) =>
          (episode.evidence.get(event) ?? []).map(({ rule, body }) => ({ rule, body: body as Evidence })),
      });
      if (!alert) counters.add('detect', 'alert-without-evidence');
      return alert;
    },
  });

  const workRecord = (record: BusRecord, signals: Signal[], unreadable: Unreadable[]): void => {
    const { matchJson, accepts, router } = inForce;
    const { time } = record.headers;
    if (time !== undefined && time !== 'ok') {
      counters.add('detect', `time-${time}`);
      return;
    }
    const scopes: Scopes = record.headers['detected'] === '1' ? 'fleet' : all;
    if ((scopes === 'fleet' && all === 'site') || router.isIdle(scopes)) return;
    let matches: readonly Match[];
    try {
      matches = matchJson(record.value);
    } catch (error) {
      unreadable.push({ record, message: describeError(error) });
      return;
    }
    const [first] = matches;
    if (first === undefined) return;
    const event = checkEvent(first.event);
    if (event === undefined) {
      unreadable.push({ record, message: 'no PicketEvent' });
      return;
    }
    if (event.picket.time !== 'ok') {
      counters.add('detect', `time-${event.picket.time}`);
      return;
    }
    for (const found of matches) {
      const correlations = router.correlationsOf(found, scopes);
      if (correlations.length === 0) continue;
      if (accepts && !accepts(found)) {
        counters.add('detect', 'suppressed');
        continue;
      }
      for (const correlation of correlations) {
        signals.push(
          ...makeSignals({
            correlation,
            rule: found.rule.id,
            document: event,
            event: event.event.id,
            t: Date.parse(event['@timestamp']),
            tenant: event.picket.tenant,
            site: event.picket.site.id,
            describe: () => takeEvidence(found, options.entityTable),
            count: (reason, by) => counters.add('detect', reason, { by }),
          }),
        );
      }
    }
  };

  const handle = async (batch: BusBatch): Promise<void> => {
    const signals: Signal[] = [];
    const unreadable: Unreadable[] = [];
    for (const record of batch.records) {
      workRecord(record, signals, unreadable);
      told.see(record);
    }
    for (const { record, message } of unreadable) {
      counters.add('detect', 'dead-lettered');
      await bus.deadLetter(
        { topic: record.topic, key: record.key, value: record.value, headers: record.headers },
        { stage: 'detect', code: 'EVENT_INVALID', message, place: `offset ${record.offset}` },
      );
    }
    const next = (batch.records.at(-1) as BusRecord).offset + 1;
    const position = { topic: batch.topic, partition: batch.partition, next };
    counters.add('detect', 'worked', { by: batch.records.length });
    if (signals.length === 0 && !told.isDue(clock.monotonic())) {
      savePositions(position);
      return;
    }
    counters.add('detect', 'signals', { by: signals.length });
    correlator.work({ signals, as_of: told.take(clock.monotonic()), position, now: clock.now() });
    sender.wake();
    if (clock.monotonic() - checked > 60_000) {
      checked = clock.monotonic();
      const days = correlator.shrinkTo(max_store_bytes);
      if (days > 0) {
        counters.add('detect', 'signal-days-lost', { by: days });
        logger.warn(
          { days, horizon: correlator.horizon() },
          'the oldest days of signals were dropped for space',
        );
      }
    }
  };

  const consumer = bus.consume({
    group: DETECT_GROUP,
    topics: [TOPICS.events],
    handle,
    onError: (error, batch) =>
      logger.error(
        { code: errorCode(error), partition: batch.partition, offset: batch.records[0]?.offset },
        `a batch was not worked and comes again: ${describeError(error)}`,
      ),
    position: (topic, partition) => correlator.position(topic, partition),
  });

  // A site that is silent still moves on: what it has sent is worked up to now, so that time is recorded as told.
  const idle = setInterval(() => {
    tellIdle().catch((error: unknown) => logger.warn({ code: errorCode(error) }, describeError(error)));
  }, IDLE_CHECK_MS);
  const tellIdle = async (): Promise<void> => {
    const until = clock.now() - IDLE_GRACE_MS;
    const lag = await bus.lag(DETECT_GROUP);
    if (Object.values(lag).some((records) => records > 0)) return;
    if (correlator.work({ signals: [], as_of: { [site.id]: until }, now: clock.now() }).length > 0)
      sender.wake();
  };

  return {
    replaceRules(rules) {
      inForce = compile(rules);
      return inForce.router.refused;
    },
    refused: () => inForce.router.refused,
    async stop() {
      clearInterval(idle);
      await consumer.stop();
      savePositions(undefined);
      await sender.stop();
      correlator.close();
    },
  };
}

interface Unreadable {
  readonly record: BusRecord;
  readonly message: string;
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

/**
 * The event time up to which each site has told: the greatest of its events, never beyond their append time, so
 * that a clock that runs ahead does not end windows early. A function of what the bus recorded.
 */
function watchEventTime() {
  const greatest = new Map<string, number>();
  let taken = Number.NEGATIVE_INFINITY;
  return {
    see({ headers, timestamp }: BusRecord): void {
      const { site, timestamp: at, time } = headers;
      if (site === undefined || at === undefined || (time !== undefined && time !== 'ok')) return;
      const t = Math.min(Date.parse(at), timestamp);
      if (t > (greatest.get(site) ?? Number.NEGATIVE_INFINITY)) greatest.set(site, t);
    },
    isDue: (now: number): boolean => greatest.size > 0 && now - taken >= TELL_MS,
    take(now: number): Record<string, number> {
      taken = now;
      const told = Object.fromEntries(greatest);
      greatest.clear();
      return told;
    },
  };
}

/**
 * Positions of batches without signals are written at most once a second, since working such a batch again
 * changes nothing. Called with undefined it writes what waits.
 */
function rememberPositions(options: { correlator: Correlator; clock: Clock }) {
  const { correlator, clock } = options;
  const waiting = new Map<string, { topic: string; partition: number; next: number }>();
  let written = clock.monotonic();
  return (position: { topic: string; partition: number; next: number } | undefined): void => {
    if (position) {
      waiting.set(`${position.topic}/${position.partition}`, position);
      if (clock.monotonic() - written < 1_000) return;
    }
    written = clock.monotonic();
    for (const one of waiting.values()) correlator.work({ signals: [], position: one, now: clock.now() });
    waiting.clear();
  };
}
