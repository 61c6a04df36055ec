// What members of a group tell one another through the coordinator: what they hold, and who gets what.
import kafkajs from 'kafkajs';
import { z } from 'zod';
import type { Member, TopicPartition } from './assign-partitions.ts';

/** The name of the protocol: a group whose members speak another one is refused by the broker. */
export const ASSIGNER_NAME = 'picket-sticky';

const VERSION = 1;

/** The `userData` of a subscription, as JSON. */
const Claim = z.object({
  generation: z.number().int(),
  owned: z.record(z.string(), z.array(z.number().int().min(0))),
});

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol;

/** What a member subscribes to and what it holds. */
export function encodeMember(options: {
  topics: readonly string[];
  owned: readonly TopicPartition[];
  generation: number;
}): Buffer {
  const claim = { generation: options.generation, owned: byTopic(options.owned) };
  return MemberMetadata.encode({
    version: VERSION,
    topics: [...options.topics].sort(),
    userData: Buffer.from(JSON.stringify(claim)),
  });
}

/** A member whose claim cannot be read holds nothing: it may be of a later version. */
export function decodeMember(id: string, metadata: Buffer): Member {
  const decoded = MemberMetadata.decode(metadata);
  const claim = readClaim(decoded?.userData);
  return {
    id,
    topics: decoded?.topics ?? [],
    owned: claim?.owned ?? {},
    generation: claim?.generation ?? -1,
  };
}

function readClaim(userData: Buffer | undefined): z.infer<typeof Claim> | undefined {
  try {
    return Claim.parse(JSON.parse(userData?.toString('utf8') ?? ''));
  } catch {
    return undefined;
  }
}

export function encodeShare(partitions: readonly TopicPartition[]): Buffer {
  return MemberAssignment.encode({
    version: VERSION,
    assignment: byTopic(partitions),
    userData: Buffer.alloc(0),
  });
}

/** Nothing for an empty answer, which a member gets that the leader did not name. */
export function decodeShare(share: Buffer): TopicPartition[] {
  const decoded = share.length === 0 ? null : MemberAssignment.decode(share);
  return Object.entries(decoded?.assignment ?? {}).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}

function byTopic(partitions: readonly TopicPartition[]): Record<string, number[]> {
  const topics: Record<string, number[]> = {};
  for (const { topic, partition } of partitions) (topics[topic] ??= []).push(partition);
  return topics;
}
