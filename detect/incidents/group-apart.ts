// Groups things that have something in common, directly or through others, so that the groups can be worked beside each other.

/** Groups in the order of their first items, items in theirs. `traits` tells what an item has that others may have. */
export function groupApart<T>(items: readonly T[], traits: (item: T) => Iterable<string>): T[][] {
  /** Place of an item → a lesser place of its group, or its own. */
  const before = items.map((_, at) => at);
  const firstOf = (at: number): number => {
    let first = at;
    while (before[first] !== first) first = before[first] as number;
    return first;
  };
  const met = new Map<string, number>();
  for (const [at, item] of items.entries()) {
    for (const trait of traits(item)) {
      const other = met.get(trait);
      if (other === undefined) met.set(trait, at);
      else {
        const [one, two] = [firstOf(other), firstOf(at)];
        before[Math.max(one, two)] = Math.min(one, two);
      }
    }
  }
  const groups = new Map<number, T[]>();
  for (const [at, item] of items.entries()) {
    const first = firstOf(at);
    const group = groups.get(first);
    if (group) group.push(item);
    else groups.set(first, [item]);
  }
  return [...groups.values()];
}
