// Counts, histograms and top values: from the cluster's own figures where they are certain, and from the doubtful events themselves.
import type { Client, estypes } from '@elastic/elasticsearch';
import { PicketError } from '../../core/errors.ts';
import { scalarText } from '../../core/expression/compile.ts';
import { readField, splitField } from '../../core/fields.ts';
import type { EventScope } from '../event-index.ts';
import { askCluster } from './ask-cluster.ts';
import { both, mayHideValue, not, toQuery } from './compile-query.ts';
import { isUnasked, kindOf, termsOf } from './fields.ts';
import { askAbout, type Question, visitDoubtful } from './search.ts';

export const MAX_BUCKETS = 10_000;

/** Figures over what matches for certain; `whole` is false when a part of the cluster did not answer. */
async function certain(
  client: Client,
  question: Question,
  aggregations: Record<string, estypes.AggregationsAggregationContainer>,
): Promise<estypes.SearchResponse & { whole: boolean }> {
  const { found, unanswered } = await askCluster(client, {
    index: question.index,
    query: { bool: { filter: [toQuery(question.lower)] } },
    size: 0,
    track_total_hits: true,
    aggregations,
  });
  return { ...found, whole: unanswered.length === 0 };
}

/** How many events match. */
export async function countEvents(
  client: Client,
  scope: EventScope,
): Promise<{ count: number; exact: boolean }> {
  const question = askAbout(scope);
  const { hits, whole } = await certain(client, question, {});
  let count = typeof hits.total === 'object' ? hits.total.value : (hits.total ?? 0);
  const exact = await visitDoubtful(client, question, () => count++);
  return { count, exact: exact && whole };
}

/** Buckets by time. @throws PicketError INDEX_LIMIT for an interval below 1 ms or more than MAX_BUCKETS buckets */
export async function histogramOf(
  client: Client,
  request: EventScope & { interval_ms: number },
): Promise<{ buckets: { start: number; count: number }[]; exact: boolean }> {
  const { interval_ms } = request;
  if (!Number.isInteger(interval_ms) || interval_ms < 1)
    throw new PicketError({ code: 'INDEX_LIMIT', message: 'interval_ms is a whole number from 1' });
  const question = askAbout(request);
  const counts = new Map<number, number>();
  // Empty buckets do not travel: a far-away time costs no more than a near one.
  let after: { start: number } | undefined;
  let whole = true;
  do {
    const answer = await certain(client, question, {
      times: {
        composite: {
          size: MAX_BUCKETS,
          sources: [
            { start: { date_histogram: { field: '@timestamp', fixed_interval: `${interval_ms}ms` } } },
          ],
          ...(after ? { after } : {}),
        },
      },
    });
    whole &&= answer.whole;
    const times = answer.aggregations?.['times'] as
      | { buckets: { key: { start: number }; doc_count: number }[]; after_key?: { start: number } }
      | undefined;
    for (const { key, doc_count } of times?.buckets ?? []) counts.set(key.start, doc_count);
    checkBuckets(counts);
    after = times?.after_key;
  } while (after);
  const exact = await visitDoubtful(client, question, (event) => {
    const start = Math.floor(Date.parse(event['@timestamp']) / interval_ms) * interval_ms;
    counts.set(start, (counts.get(start) ?? 0) + 1);
    checkBuckets(counts);
  });
  const buckets = [...counts].map(([start, count]) => ({ start, count })).sort((a, b) => a.start - b.start);
  return { buckets, exact: exact && whole };
}

function checkBuckets(counts: ReadonlyMap<number, number>): void {
  if (counts.size <= MAX_BUCKETS) return;
  throw new PicketError({
    code: 'INDEX_LIMIT',
    message: `more than ${MAX_BUCKETS} buckets: take a longer interval`,
  });
}

/** More values than are asked for come from each shard, so that those of the whole are among them. */
const SPARE = 1_000;

/** The most frequent values; an event counts once for each of its values. @throws PicketError INDEX_LIMIT */
export async function topValuesOf(
  client: Client,
  request: EventScope & { field: string; limit: number },
): Promise<{ values: { value: string; count: number }[]; exact: boolean }> {
  const { field, limit } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
    throw new PicketError({ code: 'INDEX_LIMIT', message: 'limit is 1 to 10,000' });
  const asked = askAbout(request);
  const terms = isUnasked(field) ? undefined : kindOf(field) === 'long' ? field : termsOf(field);
  // Events that hold a value which is not among the terms are read, whatever the expression says of them.
  const hidden = terms === undefined ? true : mayHideValue(field);
  const question: Question = { ...asked, lower: both([asked.lower, not(hidden)]) };
  const counts = new Map<string, number>();
  let exact = true;
  if (terms !== undefined) {
    const size = Math.min(limit + SPARE, MAX_BUCKETS);
    const answer = await certain(client, question, {
      values: {
        terms: { field: terms, size, shard_size: 3 * size, order: [{ _count: 'desc' }, { _key: 'asc' }] },
      },
    });
    const found = answer.aggregations?.['values'] as
      | {
          buckets: { key: string | number; doc_count: number }[];
          doc_count_error_upper_bound?: number;
          sum_other_doc_count?: number;
        }
      | undefined;
    for (const { key, doc_count } of found?.buckets ?? []) counts.set(String(key), doc_count);
    exact = answer.whole && (found?.doc_count_error_upper_bound ?? 0) === 0;
  }
  const path = splitField(field);
  const whole = await visitDoubtful(client, question, (event) => {
    for (const value of new Set(readField(event, path).map(scalarText)))
      if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  });
  const values = [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, limit);
  return { values, exact: exact && whole };
}
