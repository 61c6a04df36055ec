// Shares partitions out among the members of a group, leaving each where it is as far as balance lets it.

export interface Member {
  readonly id: string;
  readonly topics: readonly string[];
  /** What it holds, as it says itself, and since which generation of the group. */
  readonly owned: Readonly<Record<string, readonly number[]>>;
  readonly generation: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Member id → partitions. */
export type Shares = ReadonlyMap<string, readonly TopicPartition[]>;

export interface Assignment {
  /** Where everything belongs. */
  readonly target: Shares;
  /**
   * What is handed out now: the target without partitions that another member still holds. That member is told to let
   * go of them; when it has, it joins again, and they are handed out then (as in Kafka's KIP-429).
   */
  readonly now: Shares;
}

/**
 * Each topic's partitions lie evenly over the members that subscribe to it (counts differ by one at most), members with
 * fewer partitions in all are given first, and no more moves than balance needs. The same input gives the same output,
 * whatever order the members come in.
 * @param options.partitions partitions of each topic; a topic that is left out is given to nobody
 */
export function assignPartitions(options: {
  members: readonly Member[];
  partitions: ReadonlyMap<string, number>;
}): Assignment {
  const members = [...options.members].sort((a, b) => compare(a.id, b.id));
  const owners = findOwners(members, options.partitions);
  const held = new Map(members.map(({ id }) => [id, new Map<string, number[]>()]));
  for (const topic of [...options.partitions.keys()].sort(compare)) {
    const subscribed = members.filter(({ topics }) => topics.includes(topic)).map(({ id }) => id);
    shareTopic({ topic, count: options.partitions.get(topic) ?? 0, subscribed, owners, held });
  }
  evenOut({ members, owners, held });
  const target = new Map(members.map(({ id }) => [id, listPartitions(held.get(id))]));
  const now = new Map(
    [...target].map(([id, list]) => [
      id,
      list.filter(({ topic, partition }) => (owners.get(keyOf({ topic, partition })) ?? id) === id),
    ]),
  );
  return { target, now };
}

type Held = Map<string, Map<string, number[]>>;

/** Who holds what: of two that say so the one of the later generation, since the other has missed losing it. */
function findOwners(
  members: readonly Member[],
  partitions: ReadonlyMap<string, number>,
): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  const since = new Map<string, number>();
  for (const { id, topics, owned, generation } of members) {
    for (const [topic, list] of Object.entries(owned)) {
      if (!topics.includes(topic)) continue;
      for (const partition of list) {
        if (!(partition < (partitions.get(topic) ?? 0))) continue;
        const key = keyOf({ topic, partition });
        if ((since.get(key) ?? Number.NEGATIVE_INFINITY) >= generation) continue;
        owners.set(key, id);
        since.set(key, generation);
      }
    }
  }
  return owners;
}

function shareTopic(options: {
  topic: string;
  count: number;
  subscribed: readonly string[];
  owners: ReadonlyMap<string, string>;
  held: Held;
}): void {
  const { topic, count, subscribed, owners, held } = options;
  if (subscribed.length === 0) return;
  const floor = Math.floor(count / subscribed.length);
  let extra = count % subscribed.length;
  const free: number[] = [];
  const own = new Map<string, number[]>(subscribed.map((id) => [id, []]));
  for (let partition = 0; partition < count; partition++) {
    const list = own.get(owners.get(keyOf({ topic, partition })) ?? '');
    if (list) list.push(partition);
    else free.push(partition);
  }
  // The places above the even share go to those who would otherwise lose one.
  const byHolding = [...subscribed].sort(
    (a, b) => (own.get(b)?.length ?? 0) - (own.get(a)?.length ?? 0) || compare(a, b),
  );
  for (const id of byHolding) {
    const list = own.get(id) ?? [];
    const keeps = list.length > floor && extra > 0 ? floor + 1 : floor;
    if (keeps > floor) extra--;
    free.push(...list.splice(keeps));
    held.get(id)?.set(topic, list);
  }
  for (const partition of free.sort((a, b) => a - b)) {
    const wanting = subscribed.filter((id) => {
      const has = own.get(id)?.length ?? 0;
      return has < floor || (has === floor && extra > 0);
    });
    const below = wanting.filter((id) => (own.get(id)?.length ?? 0) < floor);
    const taker = least(below.length > 0 ? below : wanting, (id) => total(held.get(id)));
    const list = own.get(taker) ?? [];
    if (list.length >= floor) extra--;
    list.push(partition);
  }
}

/** Topics may be even each and members not in all: moves one at a time while it narrows a gap and keeps the topic even. */
function evenOut(options: {
  members: readonly Member[];
  owners: ReadonlyMap<string, string>;
  held: Held;
}): void {
  const { members, owners, held } = options;
  for (;;) {
    const move = findMove({ members, owners, held });
    if (!move) return;
    const { from, to, topic, partition } = move;
    const list = held.get(from)?.get(topic) ?? [];
    list.splice(list.indexOf(partition), 1);
    const taken = held.get(to)?.get(topic) ?? [];
    taken.push(partition);
    held.get(to)?.set(topic, taken);
  }
}

interface Move {
  readonly from: string;
  readonly to: string;
  readonly topic: string;
  readonly partition: number;
}

/** Of what may move, where the gap is widest, what nobody has to let go of: else letting go and giving may take turns for ever. */
function findMove(options: {
  members: readonly Member[];
  owners: ReadonlyMap<string, string>;
  held: Held;
}): Move | undefined {
  const { members, owners, held } = options;
  const totals = members.map(({ id }) => total(held.get(id)));
  let best: Move | undefined;
  let bestGap = 1;
  let bestCost = 0;
  for (const [fromAt, { id: from }] of members.entries()) {
    for (const [toAt, { id: to, topics }] of members.entries()) {
      const gap = (totals[fromAt] ?? 0) - (totals[toAt] ?? 0);
      if (gap < 2 || gap < bestGap) continue;
      for (const [topic, list] of held.get(from) ?? []) {
        if (!topics.includes(topic) || list.length <= (held.get(to)?.get(topic)?.length ?? 0)) continue;
        for (const partition of list) {
          const owner = owners.get(keyOf({ topic, partition }));
          const cost = owner === to ? 0 : owner === from ? 2 : 1;
          if (best && gap === bestGap && cost >= bestCost) continue;
          best = { from, to, topic, partition };
          bestGap = gap;
          bestCost = cost;
        }
      }
    }
  }
  return best;
}

function listPartitions(topics: ReadonlyMap<string, readonly number[]> | undefined): TopicPartition[] {
  return [...(topics ?? [])].flatMap(([topic, list]) =>
    [...list].sort((a, b) => a - b).map((partition) => ({ topic, partition })),
  );
}

function total(topics: ReadonlyMap<string, readonly number[]> | undefined): number {
  let sum = 0;
  for (const list of topics?.values() ?? []) sum += list.length;
  return sum;
}

function least(ids: readonly string[], weigh: (id: string) => number): string {
  let best = ids[0] ?? '';
  for (const id of ids) if (weigh(id) < weigh(best)) best = id;
  return best;
}

/** One text for each partition, to look it up by. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition} ${topic}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
