// The incident builder: alerts from the bus joined into incidents, kept as records, new and raised ones sent on.
import type { Bus, BusRecord } from '../../platform/bus/bus.ts';
import type { Alert } from '../../platform/core/alert.ts';
import type { Clock } from '../../platform/core/clock.ts';
import type { Counters } from '../../platform/core/counters.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { Logger } from '../../platform/core/log.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { workBeside } from '../../platform/core/work-beside.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import { keepAlert, readAlert } from '../worker/keep-alert.ts';
import { openCaseBook } from './case-book.ts';
import { readLinks } from './link-alerts.ts';
import { countRarity, publishRarity, type RarityTable, readRarity } from './rarity.ts';
import { DEFAULT_LIMITS, type JoinLimits } from './weigh-entity.ts';

/** The consumer group of incident builders. */
export const INCIDENT_GROUP = 'incidents';

const DAY_MS = 86_400_000;
/** Alerts of a batch are kept so many beside each other. */
const WIDTH = 8;
/** How often decisions are read that no one told of. */
const DECISIONS_MS = 5_000;

export interface IncidentBuilder {
  /** Finishes the batch in hand. */
  stop(): Promise<void>;
}

/**
 * Starts to build incidents from `picket.alerts`. It keeps each alert as a record first, so that a
 * restart finds all it joined. With `rarity` the table is fixed; else the published one is
 * in force and counted anew once a day.
 * @throws PicketError of the record store
 */
export async function startIncidentBuilder(options: {
  bus: Bus;
  records: RecordStore;
  clock: Clock;
  counters: Counters;
  logger: Logger;
  limits?: JoinLimits;
  rarity?: RarityTable;
}): Promise<IncidentBuilder> {
  const { bus, records, clock, counters, logger } = options;
  let rarity = options.rarity ?? (await readRarity(records));
  const book = await openCaseBook({ records, bus, clock, limits: options.limits ?? DEFAULT_LIMITS, rarity });

  const publishDaily = async (): Promise<void> => {
    if (options.rarity || clock.now() - Date.parse(rarity.published) < DAY_MS) return;
    rarity = countRarity(book.alerts(), clock.now());
    await publishRarity(records, rarity);
    book.useRarity(rarity);
    logger.info(
      { version: rarity.version, entities: Object.keys(rarity.spread).length },
      'rarity table published',
    );
  };
  book.useLinks(await readLinks(records));
  await book.settle();
  await publishDaily();

  // Batches and decisions take turns: the book is written by one at a time.
  let turn: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };
  const takeDecisions = async (): Promise<void> => {
    book.useLinks(await readLinks(records));
    await book.settle();
  };
  const tellFailure = (error: unknown): void =>
    logger.error(
      { code: errorCode(error) },
      `incidents were not brought up to date: ${describeError(error)}`,
    );
  const unwatch = records.watch(({ collection }) => {
    if (collection === 'incident-links') void inTurn(takeDecisions).catch(tellFailure);
  });
  // Another process may serve the API: what people decide there is not told here.
  const timer = setInterval(() => void inTurn(takeDecisions).catch(tellFailure), DECISIONS_MS);

  const read = async (record: BusRecord): Promise<Alert | undefined> => {
    const found = readAlert(record.value);
    if ('alert' in found) return found.alert;
    counters.add('detect', 'alert-dead-lettered');
    await bus.deadLetter(
      { topic: record.topic, key: record.key, value: record.value, headers: record.headers },
      { stage: 'detect', code: 'ALERT_INVALID', message: found.message },
    );
    return undefined;
  };

  const readAll = async (batch: readonly BusRecord[]): Promise<Alert[]> => {
    const alerts: Alert[] = [];
    for (const record of batch) {
      const alert = await read(record);
      if (alert) alerts.push(alert);
    }
    return alerts;
  };

  /** The newest form of an alert that is kept now; undefined for one that was refused. */
  const keep = async (alert: Alert): Promise<Alert | undefined> => {
    const kept = await keepAlert(records, alert, book.knows(alert.id) ? undefined : 'absent');
    logger.debug({ alert: alert.id, revision: alert.revision }, kept);
    if (kept === 'kept') return alert;
    // Redelivery and reordering: what is stored is newer.
    if (kept === 'older') return (await records.get<Alert>('alerts', alert.id))?.value ?? alert;
    counters.add('detect', 'alert-foreign', { source: alert.site.id });
    logger.error({ alert: alert.id, site: alert.site.id }, "a site sent an alert with another site's id");
    return undefined;
  };

  /** Several beside each other, since each takes several answers of the store; in the order they came. */
  const keepAll = async (alerts: readonly Alert[]): Promise<Alert[]> => {
    const kept: (Alert | undefined)[] = [];
    for (const run of cutIntoRuns(alerts)) {
      const from = kept.length;
      await workBeside({
        items: run,
        width: WIDTH,
        work: async (alert, at) => {
          kept[from + at] = await keep(alert);
        },
      });
    }
    return kept.filter((alert) => alert !== undefined);
  };

  const consumer = bus.consume({
    group: INCIDENT_GROUP,
    topics: [TOPICS.alerts],
    handle: (batch) =>
      inTurn(async () => {
        await publishDaily();
        for (const alert of await keepAll(await readAll(batch.records))) book.take(alert);
        await book.settle();
      }),
    onError: (error) =>
      logger.error(
        { code: errorCode(error) },
        `incidents were not brought up to date; the alerts come again: ${describeError(error)}`,
      ),
  });
  return {
    async stop() {
      unwatch();
      clearInterval(timer);
      await consumer.stop();
      await turn;
    },
  };
}

/**
 * Runs whose alerts do not depend on one another: no id twice, and one that another took over from by itself, since
 * what was decided of it follows to that other, which comes before it.
 */
function cutIntoRuns(alerts: readonly Alert[]): Alert[][] {
  const runs: Alert[][] = [];
  let ids = new Set<string>();
  let alone = true;
  for (const alert of alerts) {
    const isSuperseded = alert.superseded_by !== undefined;
    if (alone || isSuperseded || ids.has(alert.id)) {
      runs.push([]);
      ids = new Set();
    }
    runs.at(-1)?.push(alert);
    ids.add(alert.id);
    alone = isSuperseded;
  }
  return runs;
}
