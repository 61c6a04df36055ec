// Sharing out partitions: even, with no more moves than that needs, and never two owners at a time.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  assignPartitions,
  type Member,
  type Shares,
  type TopicPartition,
} from '../../../../platform/bus/kafka/assign-partitions.ts';

function member(id: string, topics: string[], owned: Record<string, number[]> = {}, generation = 1): Member {
  return { id, topics, owned, generation };
}

function ownedOf(shares: Shares, id: string): Record<string, number[]> {
  const owned: Record<string, number[]> = {};
  for (const { topic, partition } of shares.get(id) ?? []) (owned[topic] ??= []).push(partition);
  return owned;
}

function count(shares: Shares, id: string, topic?: string): number {
  return (shares.get(id) ?? []).filter((one) => topic === undefined || one.topic === topic).length;
}

function name({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** Joins again and again, as members do that have let go of what they lost. */
function settle(members: readonly Member[], partitions: ReadonlyMap<string, number>): Shares {
  let current = members;
  for (let generation = 2; ; generation++) {
    const { target, now } = assignPartitions({ members: current, partitions });
    const done = [...target].every(([id, list]) => list.length === count(now, id));
    if (done) return now;
    if (generation > 4) throw new Error('it does not settle');
    current = current.map((one) => ({ ...one, owned: ownedOf(now, one.id), generation }));
  }
}

/** Nobody of the same or a later generation claims it too. */
function holdsLatest(
  holder: Member,
  members: readonly Member[],
  { topic, partition }: TopicPartition,
): boolean {
  return members.every(
    (other) =>
      other.id === holder.id ||
      !other.owned[topic]?.includes(partition) ||
      other.generation < holder.generation,
  );
}

function takersOf(now: Shares, holder: string, one: TopicPartition): string[] {
  return [...now].flatMap(([id, list]) =>
    id !== holder && list.some((other) => name(other) === name(one)) ? [`${id} ${name(one)}`] : [],
  );
}

const TOPICS = ['events', 'alerts', 'incidents'] as const;

/** Members with any subscriptions, and claims that may be stale, overlap, or name what is not there. */
const groups = fc.record({
  partitions: fc
    .tuple(fc.nat(12), fc.nat(4), fc.nat(4))
    .map((counts) => new Map(TOPICS.map((topic, at) => [topic as string, counts[at] ?? 0]))),
  members: fc.uniqueArray(
    fc.record({
      id: fc.stringMatching(/^[a-z]{1,4}$/),
      topics: fc.subarray<string>([...TOPICS]),
      owned: fc.dictionary(fc.constantFrom<string>(...TOPICS), fc.uniqueArray(fc.nat(14), { maxLength: 14 })),
      generation: fc.integer({ min: -1, max: 5 }),
    }),
    { minLength: 1, maxLength: 6, selector: ({ id }) => id },
  ),
});

describe('sharing out partitions', () => {
  test('every partition that somebody subscribes to has one owner, who subscribes to it', () => {
    fc.assert(
      fc.property(groups, ({ members, partitions }) => {
        const { target } = assignPartitions({ members, partitions });
        const all = [...target.values()].flat().map(name);
        expect(new Set(all).size).toBe(all.length);
        const wanted = [...partitions].flatMap(([topic, many]) =>
          members.some(({ topics }) => topics.includes(topic))
            ? Array.from({ length: many }, (_, partition) => name({ topic, partition }))
            : [],
        );
        expect([...all].sort()).toEqual([...wanted].sort());
        for (const { id, topics } of members)
          for (const { topic } of target.get(id) ?? []) expect(topics).toContain(topic);
      }),
    );
  });

  test('a topic lies evenly over those who subscribe to it', () => {
    fc.assert(
      fc.property(groups, ({ members, partitions }) => {
        const { target } = assignPartitions({ members, partitions });
        const gaps = [...partitions.keys()].map((topic) => {
          const counts = members
            .filter(({ topics }) => topics.includes(topic))
            .map(({ id }) => count(target, id, topic));
          return counts.length === 0 ? 0 : Math.max(...counts) - Math.min(...counts);
        });
        expect(Math.max(...gaps)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('no partition is handed out while another member holds it', () => {
    fc.assert(
      fc.property(groups, ({ members, partitions }) => {
        const { target, now } = assignPartitions({ members, partitions });
        const taken = members.flatMap((holder) =>
          Object.entries(holder.owned).flatMap(([topic, list]) =>
            holder.topics.includes(topic)
              ? list
                  .filter((partition) => holdsLatest(holder, members, { topic, partition }))
                  .flatMap((partition) => takersOf(now, holder.id, { topic, partition }))
              : [],
          ),
        );
        expect(taken).toEqual([]);
        for (const [id, list] of now)
          expect(target.get(id)?.map(name)).toEqual(expect.arrayContaining(list.map(name)));
      }),
    );
  });

  test('when all hold what they were given, asking again moves nothing', () => {
    fc.assert(
      fc.property(groups, ({ members, partitions }) => {
        const settled = settle(members, partitions);
        const again = members.map((one) => ({ ...one, owned: ownedOf(settled, one.id), generation: 9 }));
        expect(assignPartitions({ members: again, partitions }).now).toEqual(settled);
      }),
    );
  });

  test('it settles where members subscribe to different topics', () => {
    const members = [
      member('a', ['incidents']),
      member('aa', ['alerts', 'incidents'], { alerts: [0] }),
      member('b', ['events', 'alerts']),
      member('c', ['alerts']),
    ];
    const partitions = new Map(['events', 'alerts', 'incidents'].map((topic) => [topic, 2]));
    const settled = settle(members, partitions);
    expect(members.map(({ id }) => count(settled, id))).toEqual([1, 2, 2, 1]);
    expect(settled.get('aa')?.map(name)).toContain('alerts/0');
  });

  test('the order in which members come changes nothing', () => {
    fc.assert(
      fc.property(groups, fc.nat(), ({ members, partitions }, seed) => {
        const shuffled = [...members].sort(
          (a, b) => ((seed + a.id.length) % 3) - ((seed + b.id.charCodeAt(0)) % 3),
        );
        expect(assignPartitions({ members: shuffled, partitions }).now).toEqual(
          assignPartitions({ members, partitions }).now,
        );
      }),
    );
  });

  test('one who leaves moves its own partitions only, one who comes takes no more than a fair share', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 0, max: 24 }), (size, many) => {
        const partitions = new Map([['events', many]]);
        const ids = Array.from({ length: size }, (_, at) => `m${at}`);
        const full = settle(
          ids.map((id) => member(id, ['events'])),
          partitions,
        );
        const left = ids.slice(1).map((id) => member(id, ['events'], ownedOf(full, id), 7));
        const after = assignPartitions({ members: left, partitions }).now;
        for (const { id } of left)
          for (const one of full.get(id) ?? []) expect(after.get(id)?.map(name)).toContain(name(one));
        const more = [...ids, 'new'];
        const grown = settle(
          more.map((id) => member(id, ['events'], ownedOf(full, id), 7)),
          partitions,
        );
        const stayed = ids.reduce((sum, id) => {
          const before = new Set(full.get(id)?.map(name));
          return sum + (grown.get(id) ?? []).filter((one) => before.has(name(one))).length;
        }, 0);
        expect(many - stayed).toBe(count(grown, 'new'));
      }),
    );
  });

  test('topics of one partition each are spread over the members', () => {
    const topics = ['a', 'b', 'c', 'd'];
    const partitions = new Map(topics.map((topic) => [topic, 1]));
    const one = member('one', topics, { a: [0], b: [0], c: [0], d: [0] });
    const shares = settle([one, member('two', topics, {}, -1)], partitions);
    expect([count(shares, 'one'), count(shares, 'two')]).toEqual([2, 2]);
  });

  test('of two who claim a partition the one of the later generation has it', () => {
    const partitions = new Map([['events', 2]]);
    const stale = member('a', ['events'], { events: [0, 1] }, 3);
    const current = member('b', ['events'], { events: [0] }, 5);
    const { now } = assignPartitions({ members: [stale, current], partitions });
    expect(now.get('b')).toEqual([{ topic: 'events', partition: 0 }]);
    expect(now.get('a')).toEqual([{ topic: 'events', partition: 1 }]);
  });
});
