// Writes what comes over the bus into the index, routed by message headers alone, every record counted.
import type { Bus, BusRecord, Consumer } from '../bus/bus.ts';
import type { Counters } from '../core/counters.ts';
import { describeError } from '../core/errors.ts';
import { TimeJudgement } from '../core/event.ts';
import type { Logger } from '../core/log.ts';
import { TOPICS } from '../core/topics.ts';
import { traceIdOf } from '../core/trace-id.ts';
import type { EventIndex, IndexDocument } from './event-index.ts';

/** The consumer group whose committed offsets say what is indexed. */
export const INDEX_GROUP = 'index';

/**
 * Starts to consume `picket.events`. A batch's offset is committed once its events are durable in the index; one
 * that comes again is counted as duplicate. What the index refuses goes to the dead letters with its code. Events
 * with the header `detection_only` are counted as `filtered:detection-only` and left out, unread.
 */
export function startIndexWriter(options: {
  bus: Bus;
  index: EventIndex;
  counters: Counters;
  logger: Logger;
  /** Events of one write. Default 1,000. */
  max_records?: number;
}): Consumer {
  const { bus, index, counters, logger, max_records = 1000 } = options;
  return bus.consume({
    group: INDEX_GROUP,
    topics: [TOPICS.events],
    max_records,
    onError: (error, { partition, records }) =>
      logger.warn(
        { partition, offset: records[0]?.offset, error: describeError(error) },
        'index write failed; it will be tried again',
      ),
    async handle({ records }) {
      const documents: IndexDocument[] = [];
      const sources: BusRecord[] = [];
      const refused: { record: BusRecord; code: string; message: string }[] = [];
      const detectionOnly = records.filter(({ headers }) => headers['detection_only'] === '1');
      for (const record of records) {
        if (record.headers['detection_only'] === '1') continue;
        const document = toDocument(record);
        if (typeof document === 'string') {
          refused.push({ record, code: 'INDEX_HEADERS_INVALID', message: document });
        } else {
          documents.push(document);
          sources.push(record);
        }
      }
      const outcomes = documents.length === 0 ? [] : await index.write(documents);
      for (const [at, outcome] of outcomes.entries()) {
        if (outcome.result === 'rejected') refused.push({ record: sources[at] as BusRecord, ...outcome });
      }
      // Dead letters before counters: when one fails the batch comes again, and must not be counted twice.
      for (const { record, code, message } of refused) {
        await bus.deadLetter(record, { stage: 'index', code, message });
      }
      for (const record of detectionOnly) {
        counters.add('index', 'filtered:detection-only', sourceOf(record));
      }
      for (const [at, { result }] of outcomes.entries()) {
        if (result !== 'rejected') counters.add('index', result, sourceOf(sources[at] as BusRecord));
      }
      if (logger.isLevelEnabled('debug'))
        for (const [at, { result }] of outcomes.entries())
          if (result !== 'rejected') logger.debug(traceOf(sources[at] as BusRecord), result);
      for (const { record, code } of refused) {
        counters.add('index', 'rejected', sourceOf(record));
        const { partition, offset } = record;
        logger.warn({ code, partition, offset, ...traceOf(record) }, 'the index refused an event');
      }
    },
  });
}

function sourceOf({ headers }: BusRecord): { source?: string } {
  return headers['source'] === undefined ? {} : { source: headers['source'] };
}

function traceOf({ headers }: BusRecord): { 'trace.id'?: string } {
  return headers['id'] === undefined ? {} : { 'trace.id': traceIdOf(headers['id']) };
}

/** The document that the headers (EventHeaders) describe, or what is wrong with them. */
function toDocument({ headers, value }: BusRecord): IndexDocument | string {
  const { id, tenant, dataset, jurisdiction, timestamp } = headers;
  const time = TimeJudgement.safeParse(headers['time']);
  if (!id || !tenant || !dataset || !jurisdiction || !timestamp || !time.success) {
    const wanted = ['id', 'tenant', 'dataset', 'jurisdiction', 'timestamp'].filter((name) => !headers[name]);
    return `missing or unusable headers: ${[...wanted, ...(time.success ? [] : ['time'])].join(', ')}`;
  }
  return { id, tenant, dataset, jurisdiction, timestamp, time: time.data, body: value };
}
