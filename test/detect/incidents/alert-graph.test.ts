// The partition of alerts into incidents depends on the alerts, the decisions and the rarity table, never on the order of arrival.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AlertGraph } from '../../../detect/incidents/alert-graph.ts';
import { leastWeight } from '../../../detect/incidents/partition.ts';
import { emptyRarity, type RarityTable } from '../../../detect/incidents/rarity.ts';
import { type AlertNode, weighEntity } from '../../../detect/incidents/weigh-entity.ts';
import { type Entity, entityKey } from '../../../platform/core/entity.ts';
import type { IncidentLink } from '../../../platform/core/incident.ts';

const HOUR = 3_600_000;
const limits = { window_ms: 2 * HOUR, least_weight: 0.4, size_cap: 4 };
const entity = (name: string): Entity =>
  name === 'hash'
    ? { type: 'hash', scope: 'global', value: name }
    : { type: 'host', scope: 'tenant:acme', value: name };
const rarity: RarityTable = {
  ...emptyRarity(),
  version: 'fixed',
  spread: { 'host|tenant:acme|proxy': 500, 'host|tenant:acme|b': 8 },
};

const nodes = fc
  .array(
    fc.record({
      start: fc.integer({ min: 0, max: 12 }),
      hours: fc.integer({ min: 0, max: 2 }),
      names: fc.subarray(['a', 'b', 'c', 'hash', 'proxy'], { minLength: 1, maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((list) =>
    list.map(
      ({ start, hours, names }, at): AlertNode => ({
        id: `a${String(at).padStart(2, '0')}`,
        tenant: 'acme',
        first: start * HOUR,
        last: (start + hours) * HOUR,
        entities: names.map(entity),
      }),
    ),
  );

const side = fc.uniqueArray(
  fc.integer({ min: 0, max: 13 }).map((at) => `a${String(at).padStart(2, '0')}`),
  {
    minLength: 1,
    maxLength: 3,
  },
);
const decisions = fc
  .array(fc.record({ kind: fc.constantFrom('together', 'apart'), left: side, right: side }), { maxLength: 3 })
  .map((list) =>
    list.map(
      ({ kind, left, right }, at): IncidentLink => ({
        schema: 1,
        id: `d${at}`,
        kind,
        sides: [left, kind === 'apart' ? right.filter((id) => !left.includes(id)) : right],
        incidents: [],
        actor: 'user:ann',
        at: new Date(at * HOUR).toISOString(),
        reason: 'because',
      }),
    ),
  )
  .map((list) => list.filter(({ sides }) => sides.every((ids) => ids.length > 0)));

function partition(graph: AlertGraph): string[][] {
  return graph
    .components()
    .map(({ alerts }) => [...alerts].sort())
    .sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));
}

/** The words of partitionAlerts taken one by one, with sets of ids and every pair looked at. */
function referencePartition(list: readonly AlertNode[], links: readonly IncidentLink[]): string[][] {
  const sorted = [...list].sort((a, b) => a.first - b.first || (a.id < b.id ? -1 : 1));
  let parts = sorted.map(({ id }) => [id]);
  const partOf = (id: string): string[] | undefined => parts.find((part) => part.includes(id));
  const newest = [...links].reverse();
  const holding = newest.filter(
    ({ kind, sides }, at) =>
      kind === 'apart' &&
      !newest
        .slice(0, at)
        .some(
          (newer) =>
            newer.kind === 'together' &&
            sides.every((ids) => ids.some((id) => newer.sides.flat().includes(id))),
        ),
  );
  const unite = (one: string[], other: string[]): void => {
    const both = [...one, ...other];
    if (holding.some(({ sides }) => sides.every((ids) => ids.some((id) => both.includes(id))))) return;
    parts = [...parts.filter((part) => part !== one && part !== other), both];
  };
  for (const { kind, sides } of newest) {
    if (kind !== 'together') continue;
    const standing = sorted.map(({ id }) => id).filter((id) => sides.flat().includes(id));
    for (const id of standing.slice(1)) {
      const [one, other] = [partOf(standing[0] as string), partOf(id)];
      if (one && other && one !== other) unite(one, other);
    }
  }
  const ageOf = (part: readonly string[]): number =>
    Math.min(...part.map((id) => sorted.findIndex((node) => node.id === id)));
  const entities = new Map(sorted.flatMap((node) => node.entities).map((one) => [entityKey(one), one]));
  const heaviest = [...entities]
    .map(([key, one]) => ({ key, weight: weighEntity(one, rarity) }))
    .filter(({ weight }) => weight >= limits.least_weight)
    .sort((a, b) => b.weight - a.weight || (a.key < b.key ? -1 : 1));
  for (const { key, weight } of heaviest) {
    const having = sorted.filter((node) => node.entities.some((one) => entityKey(one) === key));
    for (const [at, node] of having.entries()) {
      const before = having.slice(0, at).filter(({ last }) => node.first - last <= limits.window_ms);
      const others = [...new Set(before.map(({ id }) => partOf(id) as string[]))].sort(
        (a, b) => ageOf(a) - ageOf(b),
      );
      for (const other of others) {
        const own = partOf(node.id) as string[];
        if (own !== other && weight >= leastWeight(own.length + other.length, limits)) unite(own, other);
      }
    }
  }
  return parts.map((part) => part.sort()).sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));
}

describe('the graph of alerts', () => {
  it('gives the reference partition for every order, with revisions, withdrawals, decisions and a restart on the way', () => {
    fc.assert(
      fc.property(
        nodes,
        decisions,
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 0, max: 4 }),
        (list, links, random, gone) => {
          const shuffled = list
            .map((node) => ({ node, order: random.next().value as number }))
            .sort((a, b) => a.order - b.order)
            .map(({ node }) => node);
          let graph = new AlertGraph({ limits, rarity });
          const decidedAt = (random.next().value as number) % (list.length + 1);
          for (const [at, node] of shuffled.entries()) {
            if (at === decidedAt) graph.useLinks(links);
            // An early revision that knew of another host, which late truth took away.
            if (at % 3 === 0) graph.put({ ...node, entities: [...node.entities, entity('a')] });
            if (at % 2 === 0) graph.settle();
            graph.put(node);
            if (at === 5) {
              const kept = graph.components();
              graph = new AlertGraph({ limits, rarity });
              const known = new Map(shuffled.slice(0, 6).map((one) => [one.id, one]));
              for (const { alerts, joins } of kept)
                graph.restore(
                  [...alerts].map((id) => known.get(id) as AlertNode),
                  joins,
                );
              if (at >= decidedAt) graph.useLinks(links);
            }
          }
          graph.useLinks(links);
          const withdrawn = shuffled.slice(0, gone).map(({ id }) => id);
          for (const id of withdrawn) graph.remove(id);
          const left = list.filter(({ id }) => !withdrawn.includes(id));
          expect(partition(graph)).toEqual(referencePartition(left, links));
        },
      ),
      { numRuns: Number(process.env['PICKET_PROPERTY_RUNS'] ?? 400) },
    );
  });

  it('gives reasons that hold a component together: one join fewer than alerts', () => {
    fc.assert(
      fc.property(nodes, (list) => {
        const graph = new AlertGraph({ limits, rarity });
        for (const node of list) graph.put(node);
        for (const { alerts, joins } of graph.components()) expect(joins).toHaveLength(alerts.size - 1);
      }),
    );
  });

  it('keeps the weight and the table version that an alert was judged by', () => {
    const node = (id: string, at: number): AlertNode => ({
      id,
      tenant: 'acme',
      first: at,
      last: at,
      entities: [entity('a')],
    });
    const graph = new AlertGraph({ limits, rarity });
    graph.put(node('one', 0));
    graph.put(node('two', 1));
    graph.useRarity({ ...rarity, version: 'later', spread: { 'host|tenant:acme|a': 1_000 } });
    graph.put(node('one', 0));
    expect(graph.components()).toMatchObject([
      { alerts: new Set(['one', 'two']), joins: [{ weight: 0.9, rarity_version: 'fixed' }] },
    ]);
    // What comes now is judged by the table of now, which says that the host is everywhere.
    graph.put(node('three', 2));
    expect(graph.components()).toHaveLength(2);
  });
});
