// The detector: events from the bus, matches, signals, episodes, and alerts back to the bus, the same after any crash.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bus, BusBatch, BusRecord } from '../../platform/bus/bus.ts';
import type { Alert } from '../../platform/core/alert.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Counters } from '../../platform/core/counters.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { traceIdOf } from '../../platform/core/trace-id.ts';
import type { Correlation } from '../correlate/correlation.ts';
import {
  type Correlator,
  type Episode,
  type InputPosition,
  openCorrelator,
} from '../correlate/correlator.ts';
import type { Signal } from '../correlate/signal.ts';
import { buildAlert, type DetectorSite } from './build-alert.ts';
import type { EntityTable } from './entity-table.ts';
import { type MatchingRules, matchRecords, watchEventTime } from './match-events.ts';
import { type DetectorRules, type RefusedCorrelation, routeMatches, type Scopes } from './route-matches.ts';
import { startSending } from './send-alerts.ts';
import { shrinkWhenDue } from './shrink-store.ts';
import { encodeAsOf, encodeSignals, groupKey, KEY_GROUPS } from './signal-messages.ts';
import { startCorrelating } from './start-correlating.ts';

/** The consumer group of detectors. */
export const DETECT_GROUP = 'detect';

const DAY_MS = 86_400_000;
/** How often a site that sends nothing is looked at, and how long its records may take to arrive. */
const IDLE_CHECK_MS = 10_000;
const IDLE_GRACE_MS = 60_000;

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
  /** `two`: matches are shared out by key over all processes that detect; default `one`. */
  readonly steps?: 'one' | 'two';
}

/**
 * Starts to detect. In one step (the default) matches are correlated in this process, and positions are kept with the
 * episodes in one transaction. In two steps they travel by `picket.signals` to whichever process owns their key
 * (docs/decisions/0013-two-steps.md). Either way alerts are sent at least once, with a stable id and rising revision.
 * @throws PicketError CORRELATOR_STORE when the store cannot be opened
 */
export function startDetector(options: DetectorOptions): Detector {
  const { bus, clock, counters, logger, site } = options;
  const retention_ms = options.retention_ms ?? 30 * DAY_MS;
  mkdirSync(options.folder, { recursive: true });
  const build = (episode: Episode, revision: number): Alert | undefined => {
    const alert = buildAlert({ episode, revision, site });
    if (!alert) counters.add('detect', 'alert-without-evidence');
    return alert;
  };
  const bounds = {
    memory_bytes: options.memory_bytes ?? 64 * 1024 ** 2,
    max_store_bytes: options.max_store_bytes ?? 8 * 1024 ** 3,
    revision_wait_ms: options.revision_wait_ms ?? 1_000,
  };
  const worker =
    options.steps === 'two'
      ? passSignals({ ...options, ...bounds, build })
      : correlateHere({ ...options, ...bounds, build });
  const compile = (rules: DetectorRules): MatchingRules => {
    const router = routeMatches({ rules, table: options.entityTable, retention_ms });
    worker.use(router.correlations);
    return { rules, router };
  };
  let inForce = compile(options.rules);
  const scopes: Scopes = options.mode === 'centre' ? 'both' : 'site';
  const told = watchEventTime();

  const handle = async (batch: BusBatch): Promise<void> => {
    const { records } = batch;
    const matched = matchRecords({
      records,
      matching: inForce,
      entityTable: options.entityTable,
      scopes,
      counters,
    });
    for (const record of records) told.see(record);
    for (const { record, message } of matched.unreadable) {
      counters.add('detect', 'dead-lettered');
      await bus.deadLetter(
        { topic: record.topic, key: record.key, value: record.value, headers: record.headers },
        { stage: 'detect', code: 'EVENT_INVALID', message, place: `offset ${record.offset}` },
      );
    }
    const next = (records.at(-1) as BusRecord).offset + 1;
    const { signals } = matched;
    if (logger.isLevelEnabled('debug'))
      for (const { event, rule } of signals) logger.debug({ 'trace.id': traceIdOf(event), rule }, 'matched');
    counters.add('detect', 'worked', { by: records.length });
    counters.add('detect', 'signals', { by: signals.length });
    const tells = signals.length > 0 || told.isDue(clock.monotonic());
    await worker.take({
      signals,
      as_of: tells ? told.take(clock.monotonic()) : undefined,
      position: { topic: batch.topic, partition: batch.partition, next },
    });
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
    ...(worker.position ? { position: worker.position } : {}),
  });

  // A site that is silent still moves on: what it has sent is worked up to now, so that time is recorded as told.
  const idle = setInterval(() => {
    tellIdle().catch((error: unknown) => logger.warn({ code: errorCode(error) }, describeError(error)));
  }, IDLE_CHECK_MS);
  const tellIdle = async (): Promise<void> => {
    const until = clock.now() - IDLE_GRACE_MS;
    const lag = await bus.lag(DETECT_GROUP);
    if (Object.values(lag).some((records) => records > 0)) return;
    await worker.take({ signals: [], as_of: { [site.id]: until } });
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
      await worker.stop();
    },
  };
}

/** What becomes of the signals of a batch. */
interface SignalWorker {
  use(correlations: readonly Correlation[]): void;
  /** `as_of` is undefined when nothing need be told yet. */
  take(batch: {
    signals: readonly Signal[];
    as_of: Readonly<Record<string, number>> | undefined;
    position?: InputPosition;
  }): Promise<void>;
  /** Where it keeps its own positions; absent where the bus does. */
  readonly position?: (topic: string, partition: number) => number | undefined;
  stop(): Promise<void>;
}

type WorkerOptions = DetectorOptions &
  Required<Pick<DetectorOptions, 'memory_bytes' | 'max_store_bytes' | 'revision_wait_ms'>> & {
    readonly build: (episode: Episode, revision: number) => Alert | undefined;
  };

/** One step: the signals of this process are correlated in this process. */
function correlateHere(options: WorkerOptions): SignalWorker {
  const { bus, clock, counters, logger, build } = options;
  const correlator = openCorrelator({
    file: join(options.folder, 'correlate.sqlite'),
    memory_bytes: options.memory_bytes,
    revision_wait_ms: options.revision_wait_ms,
    count: (reason, by) => counters.add('detect', reason, { by }),
  });
  const savePositions = rememberPositions({ correlator, clock });
  const sender = startSending({ bus, clock, correlator, logger, build });
  const shrink = shrinkWhenDue({ ...options, correlator });
  return {
    use: (correlations) => correlator.use(correlations),
    position: (topic, partition) => correlator.position(topic, partition),
    async take({ signals, as_of, position }) {
      if (signals.length === 0 && as_of === undefined) {
        savePositions(position);
        return;
      }
      const changed = correlator.work({
        signals,
        as_of: as_of ?? {},
        ...(position ? { position } : {}),
        now: clock.now(),
      });
      if (position || changed.length > 0) sender.wake();
      shrink();
    },
    async stop() {
      savePositions(undefined);
      await sender.stop();
      correlator.close();
    },
  };
}

/** Two steps: signals go to the partition of their key, where this process or another correlates them. */
function passSignals(options: WorkerOptions): SignalWorker {
  const { bus } = options;
  // Each partition has a correlator of its own.
  const share = 1 / TOPICS.signals.partitions;
  const correlating = startCorrelating({
    ...options,
    folder: join(options.folder, 'signals'),
    memory_bytes: options.memory_bytes * share,
    max_store_bytes: options.max_store_bytes * share,
  });
  /** Partition → a message key that leads there; learned from where messages went. */
  const keys = new Map<number, string>();
  const learn = async (): Promise<void> => {
    const all = Array.from({ length: KEY_GROUPS }, (_, group) => groupKey(group));
    const places = await bus.produce(
      TOPICS.signals,
      all.map((key) => encodeAsOf(key, {})),
    );
    for (const [at, { partition }] of places.entries()) keys.set(partition, all[at] as string);
  };
  return {
    use: (correlations) => correlating.use(correlations),
    async take({ signals, as_of }) {
      if (as_of !== undefined && keys.size === 0) await learn();
      const messages = [
        ...encodeSignals(signals),
        // After the signals of the same batch, so that nothing is judged before they are there.
        ...(as_of === undefined ? [] : [...keys.values()].map((key) => encodeAsOf(key, as_of))),
      ];
      if (messages.length > 0) await bus.produce(TOPICS.signals, messages);
    },
    stop: () => correlating.stop(),
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
