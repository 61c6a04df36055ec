// What the search page asks of the events: pages, histogram and top values under one scope.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { EventPage, HistogramView, TopValuesView } from '../../../server/api/contract.ts';
import { callApi } from './client.ts';

/** KQL and a closed interval of time, ISO 8601. */
export interface SearchScope {
  readonly query: string;
  readonly from: string;
  readonly to: string;
}

export const eventsQuery = (scope: SearchScope, limit = 100) =>
  infiniteQueryOptions({
    queryKey: ['search', 'events', scope, limit],
    queryFn: ({ pageParam, signal }) =>
      callApi<EventPage>('POST', '/search', {
        body: { ...scope, limit, ...(pageParam === '' ? {} : { cursor: pageParam }) },
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: (page) => page.cursor,
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  });

export const histogramQuery = (scope: SearchScope, interval_ms: number) =>
  queryOptions({
    queryKey: ['search', 'histogram', scope, interval_ms],
    queryFn: ({ signal }) =>
      callApi<HistogramView>('POST', '/search/histogram', { body: { ...scope, interval_ms }, signal }),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
  });

export const topValuesQuery = (scope: SearchScope, field: string) =>
  queryOptions({
    queryKey: ['search', 'top-values', scope, field],
    queryFn: ({ signal }) =>
      callApi<TopValuesView>('POST', '/search/top-values', { body: { ...scope, field, limit: 10 }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
