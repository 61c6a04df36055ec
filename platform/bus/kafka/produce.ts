// A produce whose record batches are our own: kafkajs makes an encoder, and clears its memory, for every header of every record.
import { PicketError } from '../../core/errors.ts';
import { withRequest } from './protocol-request.ts';
import type { WireBroker, WireMessage } from './wire.ts';
import { writeRecordBatch } from './write-record-batch.ts';

/** Produce, version 7 (https://kafka.apache.org/protocol#The_Messages_Produce): the first that takes zstd, since Kafka 2.1, and the newest that kafkajs knows. */
const VERSION = 7;
const ACKNOWLEDGED_BY_ALL = -1;

export interface ProducePartition {
  readonly topic: string;
  readonly partition: number;
  /** The number of the first message under this producer (KIP-98). */
  readonly firstSequence: number;
  readonly messages: readonly WireMessage[];
}

/**
 * Writes one batch to each partition, acknowledged by all replicas in sync. Gives the offset of each batch's first message.
 * @throws kafkajs' errors, `type` being the protocol's name: the first refusal, not whose it is
 */
export async function produceRecords(options: {
  broker: WireBroker;
  producerId: string;
  producerEpoch: number;
  /** Each partition once. */
  partitions: readonly ProducePartition[];
  /** By zstd. */
  compress: boolean;
  /** Longest that the broker waits for its replicas, ms. */
  timeout_ms: number;
  /** ms since the epoch. */
  now: number;
}): Promise<{ topic: string; partition: number; offset: number }[]> {
  const { broker, producerId, producerEpoch, timeout_ms, now, compress } = options;
  const topics = Map.groupBy(options.partitions, ({ topic }) => topic);
  const encode = async (): Promise<{ buf: Buffer; buffer: Buffer }> => {
    const parts: Buffer[] = [head({ timeout_ms, topics: topics.size })];
    for (const [topic, list] of topics) {
      parts.push(topicHead(topic, list.length));
      for (const { partition, messages, firstSequence } of list) {
        const batch = await writeRecordBatch(messages, {
          producerId,
          producerEpoch,
          firstSequence,
          now,
          compress,
        });
        parts.push(int32s(partition, batch.length), batch);
      }
    }
    const buffer = Buffer.concat(parts);
    return { buf: buffer, buffer };
  };
  const answer = await withRequest(broker, ({ request, response }) => {
    if (request.apiVersion !== VERSION)
      throw new PicketError({
        code: 'BUS_UNAVAILABLE',
        message: 'brokers before Kafka 2.1 cannot be written to',
      });
    return { request: { ...request, encode }, response };
  }).produce({
    acks: ACKNOWLEDGED_BY_ALL,
    timeout: timeout_ms,
    compression: 0,
    producerId,
    producerEpoch,
    topicData: [],
  });
  return answer.topics.flatMap(({ topicName, partitions }) =>
    partitions.map(({ partition, baseOffset }) => ({
      topic: topicName,
      partition,
      offset: Number(baseOffset),
    })),
  );
}

/** No transactional id, acks, timeout, and how many topics follow. */
function head({ timeout_ms, topics }: { timeout_ms: number; topics: number }): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeInt16BE(-1, 0);
  bytes.writeInt16BE(ACKNOWLEDGED_BY_ALL, 2);
  bytes.writeInt32BE(timeout_ms, 4);
  bytes.writeInt32BE(topics, 8);
  return bytes;
}

function topicHead(topic: string, partitions: number): Buffer {
  const name = Buffer.from(topic);
  const length = Buffer.alloc(2);
  length.writeInt16BE(name.length);
  return Buffer.concat([length, name, int32s(partitions)]);
}

function int32s(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeInt32BE(value, 4 * at);
  return bytes;
}
