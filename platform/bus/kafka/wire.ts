// The part of kafkajs that this adapter stands on: a cluster's metadata and a broker's requests, typed as they are used.
import type { Cluster } from 'kafkajs';
import type { BusMessage } from '../bus.ts';

export interface WireMessage {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

export interface JoinedGroup {
  readonly generationId: number;
  readonly groupProtocol: string;
  readonly leaderId: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

export interface PartitionOffset {
  readonly partition: number;
  readonly offset: string;
}

interface TopicOffset {
  readonly topic: string;
  readonly partitions: readonly PartitionOffset[];
}

/** A broker's requests (https://kafka.apache.org/protocol); each rejects with kafkajs' errors, `type` being the protocol's name. */
export interface WireBroker {
  isConnected(): boolean;
  /** The sockets to the broker, over which requests go. */
  readonly connectionPool: { send(protocolRequest: object): Promise<unknown> };
  produce(request: {
    acks: -1;
    timeout: number;
    compression: number;
    producerId: string;
    producerEpoch: number;
    /** Empty: the body is written by produce.ts. */
    topicData: readonly [];
  }): Promise<{
    topics: readonly {
      topicName: string;
      partitions: readonly { partition: number; baseOffset: string }[];
    }[];
  }>;
  initProducerId(request: {
    transactionTimeout: number;
  }): Promise<{ producerId: string; producerEpoch: number }>;
  fetch(request: {
    isolationLevel: number;
    maxWaitTime: number;
    minBytes: number;
    maxBytes: number;
    topics: readonly {
      topic: string;
      partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[];
    }[];
  }): Promise<{
    responses: readonly {
      topicName: string;
      /** The record batches as they came, where fetch.ts decodes the answer. */
      partitions: readonly { partition: number; bytes: Buffer }[];
    }[];
  }>;
  joinGroup(request: {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    memberId: string;
    groupProtocols: readonly { name: string; metadata: Buffer }[];
  }): Promise<JoinedGroup>;
  syncGroup(request: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
  }): Promise<{ memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
  offsetCommit(request: {
    groupId: string;
    groupGenerationId: number;
    memberId: string;
    topics: readonly TopicOffset[];
  }): Promise<unknown>;
  /** No topics: all that the group has committed. */
  offsetFetch(request: {
    groupId: string;
    topics: readonly { topic: string; partitions: readonly { partition: number }[] }[];
  }): Promise<{ responses: readonly TopicOffset[] }>;
}

/** kafkajs' types know half of its broker; what they leave out is declared above. */
export async function findBroker(cluster: Cluster, nodeId: string): Promise<WireBroker> {
  return (await cluster.findBroker({ nodeId })) as unknown as WireBroker;
}

export async function findCoordinator(cluster: Cluster, groupId: string): Promise<WireBroker> {
  return (await cluster.findGroupCoordinator({ groupId })) as unknown as WireBroker;
}

/** A message as kafkajs encodes it, without a copy of its bytes. */
export function toWire({ key, value, headers }: BusMessage): WireMessage {
  return {
    key,
    value: Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    headers,
  };
}
