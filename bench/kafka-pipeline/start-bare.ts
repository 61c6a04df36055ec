// The bounds of the pipeline: kafkajs' consumer with the least that must be done to an event, and nothing between.
import kafkajs, { type EachBatchPayload, type KafkaMessage } from 'kafkajs';
import { registerZstd } from '../../platform/bus/kafka/zstd-codec.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { connectElasticsearch } from '../../platform/elasticsearch/connect.ts';
import { BATCH, FETCH, type WorkerTask } from './task.ts';

export interface BareCount {
  done: number;
  /** Events that the mapping cannot hold: the index writer keeps them in another form, here they are left out. */
  refused: number;
  faults: number;
}

/** Consumes and parses each value. Returns how to stop. */
export async function startBareParse(task: WorkerTask, count: BareCount): Promise<() => Promise<void>> {
  return consume(task, async ({ batch }) => {
    for (const { value } of batch.messages) {
      JSON.parse((value as Buffer).toString('utf8'));
      count.done++;
    }
  });
}

/** Consumes and writes each value by its id, in bulk, to the index of its dataset. Returns how to stop. */
export async function startBareWrite(task: WorkerTask, count: BareCount): Promise<() => Promise<void>> {
  const client = connectElasticsearch({ nodes: [task.elasticsearch] });
  const write = async (messages: readonly KafkaMessage[]): Promise<void> => {
    const lines: Buffer[] = [];
    for (const { value, headers } of messages) {
      const index = task.indices[String(headers?.['dataset'])];
      if (index === undefined) throw new Error(`no index for ${String(headers?.['dataset'])}`);
      lines.push(
        Buffer.from(`{"create":{"_index":"${index}","_id":"${String(headers?.['id'])}"}}\n`),
        value as Buffer,
        NEWLINE,
      );
    }
    const { items = [] } = await client.transport.request<{ items?: { create: { status: number } }[] }>(
      {
        method: 'POST',
        path: '/_bulk',
        querystring: { filter_path: 'items.*.status' },
        body: Buffer.concat(lines),
      },
      {
        headers: {
          'content-type': 'application/vnd.elasticsearch+x-ndjson; compatible-with=9',
          accept: 'application/vnd.elasticsearch+json; compatible-with=9',
        },
      },
    );
    for (const { create } of items) {
      if (create.status === 400) count.refused++;
      else if (create.status >= 300) count.faults++;
    }
    count.done += messages.length;
  };
  const stop = await consume(task, async (payload) => {
    for (const part of parts(payload.batch.messages)) {
      await write(part);
      payload.resolveOffset((part.at(-1) as KafkaMessage).offset);
      await payload.heartbeat();
    }
  });
  return async () => {
    await stop();
    await client.close();
  };
}

const NEWLINE = Buffer.from('\n');

/** As the bus cuts what it hands to the index writer. */
function* parts(messages: readonly KafkaMessage[]): Generator<KafkaMessage[]> {
  let part: KafkaMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = message.value?.length ?? 0;
    if (part.length > 0 && (part.length === BATCH.records || bytes + size > BATCH.bytes)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(message);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

async function consume(
  task: WorkerTask,
  eachBatch: (payload: EachBatchPayload) => Promise<void>,
): Promise<() => Promise<void>> {
  registerZstd();
  const client = new kafkajs.Kafka({
    clientId: 'bench-bare',
    brokers: [task.broker],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const consumer = client.consumer({
    groupId: task.group,
    maxWaitTimeInMs: FETCH.wait_ms,
    maxBytesPerPartition: FETCH.partition_bytes,
    maxBytes: FETCH.bytes,
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [TOPICS.events.name], fromBeginning: true });
  await consumer.run({ partitionsConsumedConcurrently: BATCH.in_flight, eachBatch });
  return () => consumer.disconnect();
}
