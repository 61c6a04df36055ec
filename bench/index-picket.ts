// The product's own embedded index as a candidate of bench/index-engines.ts.
import { equals } from '../platform/core/expression/expression.ts';
import { openEmbeddedIndex } from '../platform/index/embedded/index.ts';
import type { Candidate } from './index-candidates.ts';
import { toIndexDocument } from './index-events.ts';

/** Opens it on a folder. */
export async function openPicketCandidate(folder: string): Promise<Candidate> {
  const index = await openEmbeddedIndex({ folder });
  const scope = { tenant: 'acme' } as const;
  return {
    append: async (events) => {
      await index.write(events.map(toIndexDocument));
    },
    count: async () => (await index.count(scope)).count,
    byAddress: async (address) =>
      (await index.search({ ...scope, where: equals('source.ip', address), limit: 100 })).hits.length,
    byText: async (value) =>
      (
        await index.search({
          ...scope,
          where: { op: 'leaf', field: '*', test: { kind: 'text', value } },
          limit: 100,
        })
      ).hits.length,
    histogram: async (from, to) =>
      (await index.histogram({ ...scope, from, to, interval_ms: 3_600_000 })).buckets.length,
    topUsers: async () => (await index.topValues({ ...scope, field: 'user.name', limit: 10 })).values.length,
    latest: async (dataset, host) =>
      (
        await index.search({
          ...scope,
          where: { op: 'and', of: [equals('event.dataset', dataset), equals('host.name', host)] },
          limit: 100,
        })
      ).hits.length,
    close: () => index.close(),
  };
}
