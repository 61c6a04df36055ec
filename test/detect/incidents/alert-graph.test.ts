// The partition of alerts into incidents depends on the alerts and the rarity table, never on the order of arrival.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AlertGraph } from '../../../detect/incidents/alert-graph.ts';
import { type AlertNode, judgeEdge, weighEntity } from '../../../detect/incidents/judge-edge.ts';
import { emptyRarity, type RarityTable } from '../../../detect/incidents/rarity.ts';
import type { Entity } from '../../../platform/core/entity.ts';

const HOUR = 3_600_000;
const limits = { window_ms: 2 * HOUR, least_weight: 0.4 };
const host = (value: string): Entity => ({ type: 'host', scope: 'tenant:acme', value });
const rarity: RarityTable = { ...emptyRarity(), version: 'fixed', spread: { 'host|tenant:acme|proxy': 500 } };

const nodes = fc
  .array(
    fc.record({
      start: fc.integer({ min: 0, max: 12 }),
      hours: fc.integer({ min: 0, max: 2 }),
      hosts: fc.subarray(['a', 'b', 'c', 'd', 'proxy'], { minLength: 1, maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 14 },
  )
  .map((list) =>
    list.map(
      ({ start, hours, hosts }, at): AlertNode => ({
        id: `a${at}`,
        tenant: 'acme',
        first: start * HOUR,
        last: (start + hours) * HOUR,
        entities: hosts.map(host),
      }),
    ),
  );

function partition(graph: AlertGraph): string[][] {
  return graph
    .components()
    .map(({ alerts }) => [...alerts].sort())
    .sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));
}

/** Connected components the slow way: labels spread until nothing changes. */
function referencePartition(list: readonly AlertNode[]): string[][] {
  const label = new Map(list.map(({ id }) => [id, id]));
  for (let moved = true; moved; ) {
    moved = false;
    for (const a of list)
      for (const b of list) {
        const [one, two] = [label.get(a.id) as string, label.get(b.id) as string];
        if (a === b || one <= two || !judgeEdge({ a, b, rarity, limits })) continue;
        label.set(a.id, two);
        moved = true;
      }
  }
  const groups = Map.groupBy(list, ({ id }) => label.get(id));
  return [...groups.values()]
    .map((group) => group.map(({ id }) => id).sort())
    .sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));
}

describe('the graph of alerts', () => {
  it('gives the reference partition for every order, with revisions, withdrawals and a restart on the way', () => {
    fc.assert(
      fc.property(
        nodes,
        fc.infiniteStream(fc.nat()),
        fc.integer({ min: 0, max: 4 }),
        (list, random, gone) => {
          const shuffled = list
            .map((node) => ({ node, order: random.next().value as number }))
            .sort((a, b) => a.order - b.order)
            .map(({ node }) => node);
          let graph = new AlertGraph({ limits, rarity });
          for (const [at, node] of shuffled.entries()) {
            // An early revision that knew of another host, which late truth took away.
            if (at % 3 === 0) graph.put({ ...node, entities: [...node.entities, host('a')] });
            graph.put(node);
            if (at === 5) {
              const kept = graph.components();
              graph = new AlertGraph({ limits, rarity });
              for (const { alerts, joins } of kept)
                graph.restore(
                  list.filter(({ id }) => alerts.has(id)),
                  joins,
                );
            }
          }
          const withdrawn = new Set(shuffled.slice(0, gone).map(({ id }) => id));
          for (const id of withdrawn) graph.remove(id);
          expect(partition(graph)).toEqual(referencePartition(list.filter(({ id }) => !withdrawn.has(id))));
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the weight of an entity', () => {
  it('is nothing for what stands for everything, and too little for what was seen everywhere', () => {
    expect(weighEntity({ type: 'user', scope: 'site:lyon', value: 'SYSTEM' }, rarity)).toBe(0);
    expect(weighEntity({ type: 'address', scope: 'site:lyon', value: '127.0.0.9' }, rarity)).toBe(0);
    expect(weighEntity(host('proxy'), rarity)).toBeLessThan(limits.least_weight);
    expect(weighEntity(host('a'), rarity)).toBeGreaterThan(limits.least_weight);
  });
});
