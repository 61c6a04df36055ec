// One member of a consumer group: joins, shares out when it leads, says that it lives, and joins again when the group changes.
import type { Clock } from '../../core/clock.ts';
import { assignPartitions, type TopicPartition } from './assign-partitions.ts';
import type { Connection } from './connection.ts';
import { faultType } from './faults.ts';
import {
  ASSIGNER_NAME,
  decodeMember,
  decodeShare,
  encodeMember,
  encodeShare,
} from './membership-messages.ts';
import type { KafkaBusLimits } from './settings.ts';
import { findCoordinator, type JoinedGroup, type PartitionOffset, type WireBroker } from './wire.ts';

/** Errors that mean: the group shares out anew, join again with what you hold. */
const REBALANCE = new Set(['REBALANCE_IN_PROGRESS', 'REBALANCE_IN_PROGRESS_FOR_GROUP']);
/** Errors that mean: the group went on without you, what you held is another's. */
const LOST = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID']);

/** How often the leader looks whether topics are as they were. */
const LOOK_MS = 5_000;

export interface MembershipOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly connection: Connection;
  readonly clock: Clock;
  readonly limits: KafkaBusLimits;
  readonly signal: AbortSignal;
  /** What is held now, also what is being let go of. */
  readonly held: () => readonly TopicPartition[];
  /** Resolves when what is no longer assigned has been let go of, with whether there was any. */
  readonly assigned: (partitions: readonly TopicPartition[]) => Promise<boolean>;
  /** The group went on without this member: resolves when nothing is held any more. */
  readonly lost: () => Promise<void>;
  readonly failed: (error: unknown) => void;
}

export interface Membership {
  /** Commits the next offsets to read. @throws kafkajs' errors; while the group rebalances REBALANCE_IN_PROGRESS */
  commit(offsets: ReadonlyMap<string, readonly PartitionOffset[]>): Promise<void>;
  /** What the group has committed of these partitions; -1 for nothing. */
  committed(
    topics: readonly { topic: string; partitions: readonly number[] }[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>>;
  /** Says goodbye, so that the others need not wait for the session to end. */
  leave(): Promise<void>;
  /** Ends after `signal` aborted. */
  readonly ended: Promise<void>;
}

export function startMembership(options: MembershipOptions): Membership {
  return new GroupMember(options);
}

class GroupMember implements Membership {
  readonly ended: Promise<void>;
  readonly #options: MembershipOptions;
  #memberId = '';
  #generation = -1;
  #coordinator: WireBroker | undefined;
  #heardAt = 0;
  /** The topics as they were when this member, leading, shared them out; undefined while another leads. */
  #sharedOut: string | undefined;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.ended = this.#run();
  }

  async #run(): Promise<void> {
    const { clock, limits, signal, failed, connection } = this.#options;
    let wait = limits.retry_first_ms;
    this.#heardAt = clock.monotonic();
    while (!signal.aborted) {
      try {
        const share = await this.#join();
        wait = limits.retry_first_ms;
        await this.#keep(share);
      } catch (error) {
        if (signal.aborted) return;
        const type = faultType(error) ?? '';
        if (REBALANCE.has(type)) continue;
        const silent = clock.monotonic() - this.#heardAt > limits.session_timeout_ms;
        if (LOST.has(type) || silent) {
          this.#memberId = '';
          this.#generation = -1;
          await this.#options.lost();
          this.#heardAt = clock.monotonic();
          if (LOST.has(type)) continue;
        }
        failed(error);
        this.#coordinator = undefined;
        connection.fail();
        await clock.sleep(wait, signal).catch(() => {});
        wait = Math.min(wait * 2, limits.retry_most_ms);
      }
    }
  }

  async #find(): Promise<WireBroker> {
    const { connection, topics, group } = this.#options;
    if (this.#coordinator?.isConnected()) return this.#coordinator;
    const cluster = await connection.use(topics);
    const coordinator = await findCoordinator(cluster, group);
    this.#coordinator = coordinator;
    return coordinator;
  }

  async #join(): Promise<TopicPartition[]> {
    const { group, topics, held, limits, clock } = this.#options;
    const coordinator = await this.#find();
    const joined = await coordinator.joinGroup({
      groupId: group,
      sessionTimeout: limits.session_timeout_ms,
      // The broker answers when all have joined; kafkajs gives the request up after its own timeout.
      rebalanceTimeout: Math.min(limits.session_timeout_ms, Math.floor(limits.request_timeout_ms * 0.8)),
      memberId: this.#memberId,
      groupProtocols: [
        {
          name: ASSIGNER_NAME,
          metadata: encodeMember({ topics, owned: held(), generation: this.#generation }),
        },
      ],
    });
    this.#memberId = joined.memberId;
    this.#generation = joined.generationId;
    this.#sharedOut = undefined;
    const groupAssignment = joined.leaderId === joined.memberId ? await this.#shareOut(joined) : [];
    const { memberAssignment } = await coordinator.syncGroup({
      groupId: group,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment,
    });
    this.#heardAt = clock.monotonic();
    return decodeShare(memberAssignment);
  }

  async #shareOut(joined: JoinedGroup): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
    const members = joined.members.map(({ memberId, memberMetadata }) =>
      decodeMember(memberId, memberMetadata),
    );
    const topics = [...new Set(members.flatMap((member) => member.topics))];
    const partitions = await this.#countPartitions(topics);
    this.#sharedOut = JSON.stringify([...partitions]);
    const { now } = assignPartitions({ members, partitions });
    return [...now].map(([memberId, share]) => ({ memberId, memberAssignment: encodeShare(share) }));
  }

  async #countPartitions(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const cluster = await this.#options.connection.use(topics);
    return new Map(topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]));
  }

  /** The leader alone looks: a topic that came, or has other partitions, is shared out anew. */
  async #topicsChanged(): Promise<boolean> {
    if (this.#sharedOut === undefined) return false;
    const before = new Map(JSON.parse(this.#sharedOut) as [string, number][]);
    const now = await this.#countPartitions([...before.keys()]);
    // One that went keeps its share: when it comes back it is known.
    return [...now].some(([topic, count]) => count > 0 && count !== before.get(topic));
  }

  /** Works with a share until the group changes, or until what had to be let go of is: then it is for the others. */
  async #keep(share: readonly TopicPartition[]): Promise<void> {
    const { clock, limits, signal, group } = this.#options;
    const letGo = new AbortController();
    const watch = async (): Promise<void> => {
      if (await this.#options.assigned(share)) letGo.abort();
    };
    void watch();
    const beat = AbortSignal.any([signal, letGo.signal]);
    let looked = clock.monotonic();
    while (!beat.aborted) {
      await clock.sleep(limits.heartbeat_ms, beat).catch(() => {});
      if (beat.aborted) return;
      const coordinator = await this.#find();
      await coordinator.heartbeat({
        groupId: group,
        groupGenerationId: this.#generation,
        memberId: this.#memberId,
      });
      this.#heardAt = clock.monotonic();
      if (clock.monotonic() - looked < LOOK_MS) continue;
      looked = clock.monotonic();
      if (await this.#topicsChanged()) return;
    }
  }

  async commit(offsets: ReadonlyMap<string, readonly PartitionOffset[]>): Promise<void> {
    const coordinator = await this.#find();
    await coordinator.offsetCommit({
      groupId: this.#options.group,
      groupGenerationId: this.#generation,
      memberId: this.#memberId,
      topics: [...offsets].map(([topic, partitions]) => ({ topic, partitions })),
    });
  }

  async committed(
    topics: readonly { topic: string; partitions: readonly number[] }[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
    const coordinator = await this.#find();
    return readCommitted({ coordinator, group: this.#options.group, topics });
  }

  async leave(): Promise<void> {
    if (this.#memberId === '') return;
    const coordinator = await this.#find();
    await coordinator.leaveGroup({ groupId: this.#options.group, memberId: this.#memberId });
    this.#memberId = '';
  }
}

/** Committed offsets by topic and partition; no `topics` means all that the group has. */
export async function readCommitted(options: {
  coordinator: WireBroker;
  group: string;
  topics: readonly { topic: string; partitions: readonly number[] }[];
}): Promise<ReadonlyMap<string, ReadonlyMap<number, number>>> {
  const { coordinator, group } = options;
  const { responses } = await coordinator.offsetFetch({
    groupId: group,
    topics: options.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((partition) => ({ partition })),
    })),
  });
  return new Map(
    responses.map(({ topic, partitions }) => [
      topic,
      new Map(partitions.map(({ partition, offset }) => [partition, Number(offset)])),
    ]),
  );
}
