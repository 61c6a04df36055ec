// Takes what sites hand in by Kafka: the same signed batches as over the link, each from the one topic that its site may write.
import type { BusBatch, BusRecord, Consumer } from '../bus/bus.ts';
import { describeError, errorCode, PicketError } from '../core/errors.ts';
import { equals } from '../core/expression/expression.ts';
import type { SiteRecord } from '../core/site.ts';
import { commandTopic, ingressTopic, siteOfIngress } from '../core/topics.ts';
import { type TakeBatchDeps, takeBatch } from './take-batch.ts';

/** The consumer group of all gateways together. */
export const INGRESS_GROUP = 'gateway';

/** Sites enrolled through another process are found within this. */
const LOOK_MS = 15_000;
const MOST_SITES = 10_000;

/**
 * What can never be taken: no batch of this site at all. It becomes a dead letter and those behind it go on.
 * A gap in a site's chain is none of these: its topic waits, growing in Kafka, until a person has looked.
 */
const HOPELESS = /^(?:SIGNATURE_|LINK_BATCH_(?:INVALID|FOREIGN|MISDIRECTED|FORK)$|LINK_TOO_LARGE$|SITE_)/;

export interface Ingress {
  stop(): Promise<void>;
}

/** Consumes the topic of every enrolled site, also of those that enrol later; who is cut off is refused from then on. */
export function startIngress(options: TakeBatchDeps): Ingress {
  const { bus, records, clock, logger } = options;
  const stopping = new AbortController();
  let consumer: Consumer | undefined;
  let consumed = '';
  let wake = Promise.withResolvers<void>();

  const follow = async (): Promise<void> => {
    const { records: sites } = await records.query<SiteRecord>('sites', {
      where: equals('state', 'enrolled'),
      limit: MOST_SITES,
    });
    const ids = sites.map(({ id }) => id).sort();
    if (ids.join(' ') === consumed) return;
    // A site looks for its commands from the start on.
    await bus.ensureTopics(ids.flatMap((id) => [ingressTopic(id), commandTopic(id)]));
    await consumer?.stop();
    consumed = ids.join(' ');
    consumer =
      ids.length === 0
        ? undefined
        : bus.consume({
            group: INGRESS_GROUP,
            topics: ids.map(ingressTopic),
            max_records: 16,
            handle: (batch, signal) => takeAll({ ...options, redelivers: true }, batch, signal),
            onError: (error, { topic }) =>
              logger.error(
                { topic, code: errorCode(error), reason: describeError(error) },
                'a batch waits in its topic',
              ),
          });
  };

  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      wake = Promise.withResolvers();
      try {
        await follow();
      } catch (error) {
        logger.error({ err: error }, 'the sites that hand in by Kafka cannot be listed');
      }
      const look = clock.sleep(LOOK_MS, stopping.signal).catch(() => {});
      await Promise.race([look, wake.promise]);
    }
  };
  const stopWatching = records.watch((change) => {
    if (change.collection === 'sites') wake.resolve();
  });
  const running = run();
  return {
    async stop() {
      stopWatching();
      stopping.abort();
      await running;
      await consumer?.stop();
    },
  };
}

async function takeAll(options: TakeBatchDeps, batch: BusBatch, signal: AbortSignal): Promise<void> {
  const id = siteOfIngress(batch.topic) ?? '';
  for (const record of batch.records) {
    // What was taken already comes again, and is known by its sequence.
    signal.throwIfAborted();
    try {
      const site = (await options.records.get<SiteRecord>('sites', id))?.value;
      if (site?.state !== 'enrolled') {
        throw new PicketError({
          code: site ? 'SITE_REVOKED' : 'SITE_UNKNOWN',
          message: `${id} is ${site?.state ?? 'not known here'}`,
        });
      }
      await takeBatch({ ...options, site, body: bytesOf(record) });
    } catch (error) {
      const code = errorCode(error);
      if (!HOPELESS.test(code)) throw error;
      options.counters.add('link', `ingress-refused:${code}`, { source: id });
      await options.bus.deadLetter(
        { key: id, value: record.value, headers: { site: id }, topic: batch.topic },
        { stage: 'link', code, message: describeError(error), place: `${batch.topic} ${record.offset}` },
      );
    }
  }
}

function bytesOf({ value }: BusRecord): Buffer {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
