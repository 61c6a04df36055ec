// A fetch whose record batches are read by our own decoder: kafkajs' copies every record's headers as often as it has headers.
import { PicketError } from '../../core/errors.ts';
import { keyOf, type TopicPartition } from './assign-partitions.ts';
import { withRequest } from './protocol-request.ts';
import { type FetchedRecord, readRecordBatches } from './read-record-batches.ts';
import type { WireBroker } from './wire.ts';

/** Fetch, version 11 (https://kafka.apache.org/protocol#The_Messages_Fetch): the newest that kafkajs asks for, known since Kafka 2.3. */
const VERSION = 11;

export interface FetchPartition extends TopicPartition {
  readonly offset: number;
}

export interface Fetched<Asked> {
  readonly asked: Asked;
  readonly records: readonly FetchedRecord[];
  /** The offset to fetch next. */
  readonly next: number;
}

/** Messages of transactions that were given up are not told apart: Picket writes none. An open one cannot hold readers up. */
const READ_UNCOMMITTED = 0;

/**
 * What partitions hold from an offset on; waits at the broker for something when there is nothing.
 * @throws kafkajs' errors, `type` being the protocol's name; PicketError BUS_UNREADABLE for what is no record batch
 */
export async function fetchRecords<Asked extends FetchPartition>(options: {
  broker: WireBroker;
  partitions: readonly Asked[];
  /** Longest wait at the broker, ms. */
  wait_ms: number;
  /** Bytes of one partition, and of all together; a first batch that is larger comes whole. */
  partition_bytes: number;
  all_bytes: number;
}): Promise<Fetched<Asked>[]> {
  const { broker, partitions } = options;
  const byKey = new Map(partitions.map((one) => [keyOf(one), one]));
  const topics = Map.groupBy(partitions, ({ topic }) => topic);
  const { responses } = await withOwnDecoder(broker).fetch({
    isolationLevel: READ_UNCOMMITTED,
    maxWaitTime: options.wait_ms,
    minBytes: 1,
    maxBytes: options.all_bytes,
    topics: [...topics].map(([topic, list]) => ({
      topic,
      partitions: list.map(({ partition, offset }) => ({
        partition,
        fetchOffset: String(offset),
        maxBytes: options.partition_bytes,
      })),
    })),
  });
  const fetched: Fetched<Asked>[] = [];
  for (const { topicName: topic, partitions: answered } of responses) {
    for (const { partition, bytes } of answered) {
      const asked = byKey.get(keyOf({ topic, partition }));
      if (asked === undefined) continue;
      const { offset } = asked;
      fetched.push({ asked, ...(await readRecordBatches({ topic, partition, offset, bytes })) });
    }
  }
  return fetched;
}

/** kafkajs' broker, that reads answers to a fetch by `decodeFetch`. */
function withOwnDecoder(broker: WireBroker): WireBroker {
  return withRequest(broker, ({ request, response }) => {
    if (request.apiVersion !== VERSION)
      throw new PicketError({ code: 'BUS_UNREADABLE', message: 'brokers before Kafka 2.3 cannot be read' });
    return {
      request,
      response: {
        decode: async (payload) => decodeFetch(payload),
        parse: (decoded) => response.parse(decoded),
      },
    };
  });
}

/** The answer to a fetch, its record batches unread. @throws RangeError for what is cut off */
function decodeFetch(payload: Buffer) {
  let at = 0;
  const int32 = (): number => payload.readInt32BE((at += 4) - 4);
  const int16 = (): number => payload.readInt16BE((at += 2) - 2);
  const list = <Item>(read: () => Item): Item[] => Array.from({ length: Math.max(0, int32()) }, read);
  const clientSideThrottleTime = int32();
  const errorCode = int16();
  const sessionId = int32();
  const responses = list(() => {
    const length = int16();
    const topicName = payload.toString('utf8', at, (at += length));
    return {
      topicName,
      partitions: list(() => {
        const partition = int32();
        const error = int16();
        // High watermark, last stable offset and log start offset.
        at += 24;
        // Producer and first offset of each transaction that was given up; then the preferred read replica.
        const transactions = Math.max(0, int32());
        at += 16 * transactions + 4;
        const size = Math.max(0, int32());
        const bytes = payload.subarray(at, (at += size));
        return { partition, errorCode: error, bytes };
      }),
    };
  });
  // As kafkajs: since KIP-219 it is the client that waits.
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}
