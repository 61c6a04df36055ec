// The five searches that every index bench asks, over the events of index-events.ts.
import { type Expression, equals } from '../../platform/core/expression/expression.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import { BENCH_START, makeBenchEvent } from '../index-events.ts';

/** Asked the `nth` time: answers with the number of hits, buckets or values. */
export type Question = (nth: number) => Promise<number>;

export const QUESTION_NAMES = ['address', 'text', 'histogram', 'top_values', 'latest_100'] as const;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * By name. Each time something else is asked of the same size, so that no answer stands in a cache: another address,
 * another host, bounds that differ by milliseconds.
 */
export function fiveQuestions(
  index: EventIndex,
  { count, step_ms }: { count: number; step_ms: number },
): Readonly<Record<(typeof QUESTION_NAMES)[number], Question>> {
  const scope = { tenant: 'acme' } as const;
  const end = BENCH_START + count * step_ms;
  const hits = async (where: Expression, nth: number): Promise<number> =>
    (await index.search({ ...scope, where, limit: 100, to: end + DAY_MS + nth })).hits.length;
  return {
    address: (nth) => {
      const event = makeBenchEvent((Math.floor(count / 3) + nth * 7_919) % count, step_ms);
      return hits(equals('source.ip', event.source), nth);
    },
    text: (nth) => hits({ op: 'leaf', field: '*', test: { kind: 'text', value: 'mimikatz' } }, nth),
    histogram: async (nth) =>
      (await index.histogram({ ...scope, from: end - DAY_MS - nth, to: end - nth, interval_ms: HOUR_MS }))
        .buckets.length,
    top_values: async (nth) =>
      (await index.topValues({ ...scope, field: 'user.name', limit: 10, to: end + DAY_MS + nth })).values
        .length,
    latest_100: (nth) =>
      hits(
        {
          op: 'and',
          of: [
            equals('event.dataset', 'windows.sysmon'),
            equals('host.name', `ws-${(7 + nth) % 300}.corp.example`),
          ],
        },
        nth,
      ),
  };
}
