// The one way of every receiver into the bus: normalise, build the events, produce; what cannot be read goes to the dead letters.
import { createSecretKey, hash } from 'node:crypto';
import type { Bus, BusMessage } from '../platform/bus/bus.ts';
import type { Clock } from '../platform/core/clock.ts';
import type { Counters } from '../platform/core/counters.ts';
import { PicketError } from '../platform/core/errors.ts';
import type { Logger } from '../platform/core/log.ts';
import { type SiteEvents, silentSiteEvents } from '../platform/core/site-events.ts';
import { traceIdOf } from '../platform/core/trace-id.ts';
import { buildEvent } from './build-event.ts';
import { deadLetterOf, decodeDeadLetter, eventMessage } from './encode-messages.ts';
import { createProducer } from './produce-batches.ts';
import { createRateLimiter, type RateLimiter } from './rate-limit.ts';
import { findAdapter } from './registry.ts';
import type { SiteIdentity } from './site-identity.ts';
import type { Normalised, Normaliser, RawRecord, SourceAdapter } from './source.ts';
import { DEFAULT_MAX_RECORD_BYTES, type SourceConfig } from './source-config.ts';
import type { SourceStateStore } from './source-state.ts';
import { watchSilence } from './watch-silence.ts';

/** What became of one raw record. */
export interface AcceptResult {
  /** event.id of each event made of it, in order. */
  readonly events: readonly string[];
  readonly rejected: readonly { readonly code: string; readonly message: string; readonly place?: string }[];
  /** Names of the rules that left (a part of) it out. */
  readonly filtered: readonly string[];
}

/** A configured source as receivers see it. */
export interface IntakeSource {
  readonly config: SourceConfig;
  readonly adapter: SourceAdapter;
  readonly max_record_bytes: number;
  readonly limiter: RateLimiter;
}

export interface Intake {
  readonly sources: ReadonlyMap<string, IntakeSource>;
  /**
   * Takes raw records of one source; resolves, one result a record in order, when every event and dead
   * letter is durable: only then may a receiver acknowledge.
   * @throws PicketError SOURCE_UNKNOWN; BUS_FULL and BUS_CLOSED from the bus (nothing was acknowledged;
   * sending the same again makes the same ids)
   */
  accept(sourceId: string, records: readonly RawRecord[]): Promise<readonly AcceptResult[]>;
  /** Counts what a receiver lost or turned away before it was a record (`receive` / `dropped:<reason>`). */
  drop(sourceId: string, reason: string, by?: number): void;
  /** Counts a sender that a receiver turned away, and tells of it as a site event. */
  turnAway(sourceId: string, reason: string, peer: string | undefined): void;
  /**
   * Normalises the record of a dead letter of stage `normalise` again, with its first receipt, peer and
   * position, so that the same ids come out. @throws PicketError DEAD_LETTER_NOT_REPLAYABLE, SOURCE_UNKNOWN
   */
  replayDeadLetter(message: Pick<BusMessage, 'value' | 'headers'>): Promise<AcceptResult>;
  /** True when receivers should answer 429 or stop reading. */
  congested(): boolean;
  /** Tells of sources that fell silent; to be called now and then. */
  checkSilence(): void;
  /** Writes the sources' state. */
  close(): Promise<void>;
}

interface OpenSource extends IntakeSource {
  readonly key: string;
  readonly normaliser: Normaliser;
  readonly classes: ReadonlyMap<string, SourceAdapter['datasets'][number]['class']>;
}

/** @throws PicketError SOURCE_FORMAT, SOURCE_PARAMETERS, SOURCE_DUPLICATE */
export async function createIntake(options: {
  site: SiteIdentity;
  sources: readonly SourceConfig[];
  bus: Pick<Bus, 'produce' | 'deadLetter' | 'congested'>;
  counters: Counters;
  clock: Clock;
  stateStore: SourceStateStore;
  logger: Logger;
  siteEvents?: SiteEvents;
}): Promise<Intake> {
  const { bus, counters, logger, stateStore, siteEvents = silentSiteEvents } = options;
  const silence = watchSilence({ clock: options.clock, siteEvents });
  const { eventKey } = options.site;
  const site = {
    ...options.site,
    eventKey: eventKey instanceof Uint8Array ? createSecretKey(eventKey) : eventKey,
  };
  const producer = createProducer(bus);
  const sources = new Map<string, OpenSource>();
  for (const config of options.sources) {
    if (sources.has(config.id)) {
      throw new PicketError({ code: 'SOURCE_DUPLICATE', message: `two sources are called \`${config.id}\`` });
    }
    sources.set(config.id, await openSource(config));
  }

  async function openSource(config: SourceConfig): Promise<OpenSource> {
    const adapter = findAdapter(config.format);
    if (!adapter) throw new PicketError({ code: 'SOURCE_FORMAT', message: `no format \`${config.format}\`` });
    const parameters = adapter.parameters.safeParse(config.parameters);
    if (!parameters.success) {
      const message = `source \`${config.id}\`: ${parameters.error.issues[0]?.message ?? 'bad parameters'}`;
      throw new PicketError({ code: 'SOURCE_PARAMETERS', message });
    }
    const normaliser = adapter.createNormaliser({
      site,
      sourceId: config.id,
      timezone: config.timezone,
      parameters: parameters.data,
      state: await stateStore.open(config.id),
      count: (reason, by) => counters.add('normalise', reason, { source: config.id, by }),
    });
    const { rate_per_s, burst_records } = config;
    const burst = burst_records ?? Math.max(1, Math.ceil(rate_per_s * 10));
    return {
      config,
      adapter,
      normaliser,
      max_record_bytes: config.max_record_bytes ?? adapter.max_record_bytes ?? DEFAULT_MAX_RECORD_BYTES,
      limiter: createRateLimiter({ rate_per_s, burst, clock: options.clock }),
      key: hash('sha256', `${site.tenant}/${site.id}/${config.id}`, 'hex').slice(0, 16),
      classes: new Map(adapter.datasets.map((dataset) => [dataset.name, dataset.class])),
    };
  }

  function sourceOf(id: string): OpenSource {
    const source = sources.get(id);
    if (!source) throw new PicketError({ code: 'SOURCE_UNKNOWN', message: `no source \`${id}\`` });
    return source;
  }

  function outcomesOf(source: OpenSource, record: RawRecord): readonly Normalised[] {
    if (record.cut || record.bytes.length > source.max_record_bytes) {
      const length = record.cut ? 'too many' : String(record.bytes.length);
      const message = `${length} bytes, the source takes ${source.max_record_bytes}`;
      return [{ kind: 'rejected', code: 'RECORD_TOO_LARGE', message }];
    }
    try {
      const outcomes = source.normaliser.normalise(record);
      if (outcomes.length > 0) return outcomes;
      return [{ kind: 'rejected', code: 'ADAPTER_EMPTY', message: 'the adapter gave no outcome' }];
    } catch (error) {
      logger.error({ err: error, source: source.config.id }, 'an adapter threw');
      return [{ kind: 'rejected', code: 'ADAPTER_FAILED', message: 'the adapter failed on this record' }];
    }
  }

  /** Pure but for counters held back in `counts`: they are added once the bus has everything. */
  function work(source: OpenSource, record: RawRecord, counts: Map<string, number>, messages: BusMessage[]) {
    const result = {
      events: [] as string[],
      rejected: [] as { code: string; message: string; place?: string }[],
      filtered: [] as string[],
    };
    const count = (reason: string): void => void counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const refuse = (reason: { code: string; message: string; place?: string }): void => {
      count(`rejected:${reason.code}`);
      result.rejected.push(reason);
    };
    for (const [part, outcome] of outcomesOf(source, record).entries()) {
      count('outcomes');
      if (outcome.kind === 'filtered') {
        count(`filtered:${outcome.rule}`);
        result.filtered.push(outcome.rule);
        continue;
      }
      if (outcome.kind === 'rejected') {
        const { code, message, place } = outcome;
        refuse({ code, message, ...(place === undefined ? {} : { place }) });
        continue;
      }
      const { draft } = outcome;
      const residencyClass =
        source.classes.get(draft.dataset) ?? (source.adapter.openDatasets ? draft.class : undefined);
      if (residencyClass === undefined) {
        refuse({
          code: 'DATASET_UNKNOWN',
          message: `the adapter does not declare the dataset ${draft.dataset}`,
        });
        continue;
      }
      try {
        const event = buildEvent({
          draft,
          part,
          record,
          source: { id: source.config.id, type: source.adapter.id },
          class: residencyClass,
          site,
        });
        const { detection_only } = source.config;
        if (detection_only) event.picket['detection_only'] = true;
        messages.push(eventMessage({ event, key: source.key, detection_only }));
        result.events.push(event.event.id);
        count('accepted');
        if (event.picket.time !== 'ok') count(`time:${event.picket.time}`);
      } catch (error) {
        logger.error({ err: error, source: source.config.id }, 'an event could not be built');
        refuse({ code: 'EVENT_UNBUILDABLE', message: 'the event could not be built' });
      }
    }
    return result;
  }

  async function accept(sourceId: string, records: readonly RawRecord[]): Promise<readonly AcceptResult[]> {
    const source = sourceOf(sourceId);
    const counts = new Map<string, number>();
    const messages: BusMessage[] = [];
    const results = records.map((record) => work(source, record, counts, messages));
    const refusals = results.flatMap(({ rejected }, at) => {
      const record = records[at];
      const [first] = rejected;
      if (!first || !record) return [];
      return [deadLetterOf({ source, site, record, first, count: rejected.length })];
    });
    // The dead letters first: were they lost after the events stood, nobody would send the record again.
    for (const together of cutByBytes(refusals)) {
      await Promise.all(together.map(({ message, reason }) => bus.deadLetter(message, reason)));
      for (const { reason } of together) {
        siteEvents.tell({
          action: 'records-dead-lettered',
          subject: sourceId,
          code: reason.code,
          message: `a record of ${sourceId} could not be read: ${reason.message}`,
          fields: { site_event: { source: sourceId } },
        });
      }
    }
    const tooLarge = await producer.produce(messages);
    for (const { message, at } of tooLarge) {
      await bus.deadLetter(message, {
        stage: 'bus',
        code: 'BUS_MESSAGE_TOO_LARGE',
        message: 'the event is too large for the bus',
      });
      counters.add('bus', `rejected:BUS_MESSAGE_TOO_LARGE`, { source: sourceId });
      logger.warn({ source: sourceId, at }, 'an event is too large for the bus');
    }
    await stateStore.settle(sourceId);
    if (records.some(({ replayed }) => replayed !== true)) silence.heard(sourceId);
    if (logger.isLevelEnabled('debug'))
      for (const id of results.flatMap(({ events }) => events))
        logger.debug({ 'trace.id': traceIdOf(id), source: sourceId }, 'accepted');
    counters.add('receive', 'received', { source: sourceId, by: records.length });
    counters.add('normalise', 'dead-lettered', { source: sourceId, by: refusals.length });
    counters.add('bus', 'produced', { source: sourceId, by: messages.length - tooLarge.length });
    for (const [reason, by] of counts) counters.add('normalise', reason, { source: sourceId, by });
    return results;
  }

  return {
    sources,
    accept,
    drop: (sourceId, reason, by = 1) =>
      counters.add('receive', `dropped:${reason}`, { source: sourceId, by }),
    turnAway(sourceId, reason, peer) {
      counters.add('receive', `dropped:${reason}`, { source: sourceId });
      siteEvents.tell({
        action: 'sender-refused',
        subject: `${sourceId} ${peer ?? ''}`,
        code: reason,
        message: `${peer ?? 'a sender'} may not write to source ${sourceId}: ${reason}`,
        fields: {
          ...(peer === undefined ? {} : { source: { ip: peer } }),
          site_event: { source: sourceId },
        },
      });
    },
    async replayDeadLetter(message) {
      const { sourceId, record } = decodeDeadLetter(message);
      const [result] = await accept(sourceId, [record]);
      return result as AcceptResult;
    },
    congested: () => bus.congested(),
    checkSilence: () => silence.check(),
    close: () => stateStore.close(),
  };
}

/** Dead letters that go to the bus at once, in bytes: far below what it holds before it refuses. */
const DEAD_LETTERS_AT_ONCE_BYTES = 8 * 1024 * 1024;

/** In order, so that one fsync serves many and a body of rubbish does not take a fsync a line. */
function cutByBytes<T extends { readonly message: { readonly value: Uint8Array } }>(
  letters: readonly T[],
): T[][] {
  const groups: T[][] = [];
  let room = 0;
  for (const letter of letters) {
    room -= letter.message.value.length;
    if (room < 0 || groups.length === 0) {
      groups.push([]);
      room = DEAD_LETTERS_AT_ONCE_BYTES - letter.message.value.length;
    }
    groups.at(-1)?.push(letter);
  }
  return groups;
}
