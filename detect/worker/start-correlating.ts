// Step two of detection: signals of `picket.signals` to episodes and alerts, one correlator a partition, shared out over processes.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bus, BusBatch, BusRecord } from '../../platform/bus/bus.ts';
import type { Alert } from '../../platform/core/alert.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Counters } from '../../platform/core/counters.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import type { Correlation } from '../correlate/correlation.ts';
import {
  type Correlator,
  type Episode,
  type InputPosition,
  openCorrelator,
} from '../correlate/correlator.ts';
import { type Pump, startPump } from './pump.ts';
import { startSending } from './send-alerts.ts';
import { shrinkWhenDue } from './shrink-store.ts';
import { decodeRecord, encodeSignals, type SignalRecord } from './signal-messages.ts';

/** The consumer group of step two. */
export const CORRELATE_GROUP = 'correlate';

/** Signals handed on at a time. */
const LIMIT = 500;

export interface Correlating {
  /** The correlations in force: which of them are fed by others. */
  use(correlations: readonly Correlation[]): void;
  /** Finishes the batches in hand, sends what is due and closes the stores. */
  stop(): Promise<void>;
}

/** How far one owner of a partition has come. */
interface Progress {
  /** The next offset of the partition when it was assigned: nothing leaves before it is reached. Unknown until asked. */
  reach: number | undefined;
  next: number;
  /** When the partition was assigned (monotonic, ms), until it is worked up to `reach`. */
  assigned: number | undefined;
  /** The greatest append time worked, ms since the epoch: how old this owner's view is, whoever it is. */
  appended: number;
}

interface Owned extends Progress {
  readonly correlator: Correlator;
  readonly alerts: Pump;
  readonly signals: Pump;
  readonly shrink: () => void;
}

/** Names under which a store keeps its own `appended`, and that of the partitions that hand signals on to it. */
const APPENDED = 'appended';
const HEARD_FROM = 'heard-from';

/**
 * A correlator is a function of its partition alone, append times included, so that whoever gets the partition comes to
 * the same alerts: from the store it has of it, with what came since, or from the first signal that the bus still holds.
 * Nothing leaves until the partition is worked up to where it stood at the hand-over, so that what was taken back long
 * ago is not told again. Revisions are at least the append time worked, which only rises, whoever owns the partition
 * and even when the topic is made anew. What an owner of before still hands on is known by its lesser append time and
 * left out: the owner of now has handed on the same, or what came of it since.
 */
export function startCorrelating(options: {
  bus: Bus;
  /** Folder of its own, made when missing: one store a partition. */
  folder: string;
  build: (episode: Episode, revision: number) => Alert | undefined;
  clock: Clock;
  counters: Counters;
  logger: Logger;
  memory_bytes: number;
  max_store_bytes: number;
  revision_wait_ms: number;
}): Correlating {
  const { bus, clock, counters, logger } = options;
  const topic = TOPICS.signals;
  mkdirSync(options.folder, { recursive: true });
  const owned = new Map<number, Owned>();
  let inForce: readonly Correlation[] = [];

  const open = (partition: number): Owned => {
    const correlator = openCorrelator({
      file: join(options.folder, `signals-${partition}.sqlite`),
      memory_bytes: options.memory_bytes,
      revision_wait_ms: options.revision_wait_ms,
      count: (reason, by) => counters.add('detect', reason, { by }),
      hands_out: true,
    });
    correlator.use(inForce);
    // The pumps begin at once: what they ask for stands before them.
    const progress: Progress = {
      reach: undefined,
      assigned: undefined,
      next: correlator.position(topic.name, partition) ?? 0,
      appended: correlator.position(APPENDED, partition) ?? 0,
    };
    const ready = (): boolean => progress.reach !== undefined && progress.next >= progress.reach;
    return Object.assign(progress, {
      correlator,
      shrink: shrinkWhenDue({ ...options, correlator }),
      alerts: startSending({
        bus,
        clock,
        correlator,
        logger,
        build: options.build,
        ready,
        leastRevision: () => progress.appended,
      }),
      signals: startPump({
        carry: async () => ready() && (await handOn({ correlator, partition, appended: progress.appended })),
        nextDue: () => undefined,
        what: 'signals',
        clock,
        logger,
      }),
    });
  };

  const handOn = async (from: {
    correlator: Correlator;
    partition: number;
    appended: number;
  }): Promise<boolean> => {
    const { correlator, partition, appended } = from;
    const handed = correlator.takeSignals(LIMIT);
    if (handed.length === 0) return false;
    await correlator.flush();
    await bus.produce(
      topic,
      encodeSignals(
        handed.map(({ signal }) => signal),
        { partition, appended },
      ),
    );
    correlator.confirmSignals(handed);
    counters.add('detect', 'signals-handed-on', { by: handed.length });
    return true;
  };

  const ownedOf = (partition: number): Owned => {
    let one = owned.get(partition);
    if (!one) owned.set(partition, (one = open(partition)));
    return one;
  };

  const wake = (one: Owned): void => {
    one.alerts.wake();
    one.signals.wake();
  };

  const handle = async (batch: BusBatch): Promise<void> => {
    const one = ownedOf(batch.partition);
    if (one.reach === undefined) {
      one.reach = (await bus.bounds(topic))[batch.partition]?.next ?? 0;
      if (one.reach - one.next > batch.records.length)
        logger.info(
          { partition: batch.partition, from: one.next, to: one.reach },
          'signals are worked up to where the partition stood',
        );
    }
    for (const record of batch.records) await workRecord(one, record);
    one.next = (batch.records.at(-1) as BusRecord).offset + 1;
    if (one.assigned !== undefined && one.next >= one.reach) {
      counters.add('detect', 'hand-over');
      counters.add('detect', 'hand-over-ms', { by: Math.round(clock.monotonic() - one.assigned) });
      one.assigned = undefined;
    }
    note(one, { topic: APPENDED, partition: batch.partition, next: one.appended }, { hold: true });
    note(one, { topic: topic.name, partition: batch.partition, next: one.next });
    wake(one);
    one.shrink();
  };

  const note = ({ correlator, appended }: Owned, position: InputPosition, how?: { hold: boolean }): void => {
    correlator.work({ signals: [], position, now: appended }, how);
  };

  /**
   * Each record alone, however they come in batches: an owner that begins anew passes through every state that one of
   * before may have told, and takes back what does not stand. Held: the batch's position ends the transaction.
   */
  const workRecord = async (one: Owned, record: BusRecord): Promise<void> => {
    const { correlator } = one;
    one.appended = Math.max(one.appended, record.timestamp);
    let told: SignalRecord;
    try {
      told = decodeRecord(record);
    } catch (error) {
      await refuse(record, error);
      return;
    }
    const { signals, as_of, from, made } = told;
    if (made) correlator.backdate(made);
    if (from && from.appended < (correlator.position(HEARD_FROM, from.partition) ?? 0)) {
      counters.add('detect', 'handed-on-by-former-owner');
      return;
    }
    if (from)
      note(one, { topic: HEARD_FROM, partition: from.partition, next: from.appended }, { hold: true });
    correlator.work({ signals, as_of, now: one.appended }, { hold: true });
    counters.add('detect', 'correlated', { by: signals.length });
  };

  const refuse = async (record: BusRecord, error: unknown): Promise<void> => {
    counters.add('detect', 'dead-lettered');
    await bus.deadLetter(
      { topic: record.topic, key: record.key, value: record.value, headers: record.headers },
      {
        stage: 'detect',
        code: 'SIGNAL_INVALID',
        message: describeError(error),
        place: `offset ${record.offset}`,
      },
    );
  };

  const consumer = bus.consume({
    group: CORRELATE_GROUP,
    topics: [topic],
    handle,
    onError: (error, batch) =>
      logger.error(
        { code: errorCode(error), partition: batch.partition, offset: batch.records[0]?.offset },
        `signals were not worked and come again: ${describeError(error)}`,
      ),
    // Asked when the partition is assigned: what is known of it ends there, and what came since must be worked first.
    position: (_, partition) => {
      const one = ownedOf(partition);
      one.reach = undefined;
      one.assigned = clock.monotonic();
      return one.next;
    },
  });

  return {
    use(correlations) {
      inForce = correlations;
      for (const { correlator } of owned.values()) correlator.use(correlations);
    },
    async stop() {
      await consumer.stop();
      for (const one of owned.values()) {
        await one.signals.stop();
        await one.alerts.stop();
        one.correlator.close();
      }
    },
  };
}
