// What the page reads: one query a route of the API, with keys that live changes invalidate by collection.
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { Alert } from '../../../platform/core/alert.ts';
import type { PicketEvent } from '../../../platform/core/event.ts';
import type { AlertGroups, EntityKnowledgeList } from '../../../server/api/alert-contract.ts';
import type {
  AlertList,
  ChangeList,
  CounterList,
  IncidentDetail,
  IncidentList,
  PostureView,
  RunList,
  SessionView,
  SiteList,
  SiteView,
} from '../../../server/api/contract.ts';
import type { IncidentMetrics, InvestigationView } from '../../../server/api/incident-contract.ts';
import { ApiError, callApi, queryString } from './client.ts';

const segment = encodeURIComponent;

/** Null when nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<SessionView | null> => {
    try {
      return await callApi<SessionView>('GET', '/session', { signal });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  },
  staleTime: Number.POSITIVE_INFINITY,
});

export const sitesQuery = queryOptions({
  queryKey: ['sites'],
  queryFn: ({ signal }) => callApi<SiteList>('GET', '/sites', { signal }),
});

export const siteQuery = (id: string) =>
  queryOptions({
    queryKey: ['sites', id],
    queryFn: ({ signal }) => callApi<SiteView>('GET', `/sites/${segment(id)}`, { signal }),
  });

export const postureQuery = (id: string) =>
  queryOptions({
    queryKey: ['postures', id],
    queryFn: ({ signal }) => callApi<PostureView>('GET', `/sites/${segment(id)}/posture`, { signal }),
  });

/** All pages read so far of the alerts that `where` (KQL) holds for. */
export const alertsQuery = (where: string, limit = 200) =>
  infiniteQueryOptions({
    queryKey: ['alerts', 'list', where, limit],
    queryFn: ({ pageParam, signal }) =>
      callApi<AlertList>('GET', `/alerts${queryString({ where, limit, cursor: pageParam })}`, { signal }),
    initialPageParam: '',
    getNextPageParam: (page) => page.cursor,
    placeholderData: keepPreviousData,
  });

/** How many alerts `where` holds for. */
export const alertCountQuery = (where: string) =>
  queryOptions({
    queryKey: ['alert-counts', where],
    queryFn: async ({ signal }) =>
      (await callApi<AlertList>('GET', `/alerts${queryString({ where, limit: 1 })}`, { signal })).total,
    refetchInterval: 10_000,
    placeholderData: keepPreviousData,
  });

export const alertGroupsQuery = (where: string) =>
  queryOptions({
    queryKey: ['alerts', 'groups', where],
    queryFn: ({ signal }) =>
      callApi<AlertGroups>('GET', `/alerts/groups${queryString({ where })}`, { signal }),
    placeholderData: keepPreviousData,
  });

export const entityKnowledgeQuery = (alert: string) =>
  queryOptions({
    queryKey: ['alerts', 'entities', alert],
    queryFn: ({ signal }) =>
      callApi<EntityKnowledgeList>('GET', `/alerts/${segment(alert)}/entities`, { signal }),
  });

export const alertQuery = (id: string) =>
  queryOptions({
    queryKey: ['alerts', 'one', id],
    queryFn: ({ signal }) => callApi<Alert>('GET', `/alerts/${segment(id)}`, { signal }),
  });

export const incidentsQuery = (where: string, limit = 100) =>
  infiniteQueryOptions({
    queryKey: ['incidents', 'list', where, limit],
    queryFn: ({ pageParam, signal }) =>
      callApi<IncidentList>('GET', `/incidents${queryString({ where, limit, cursor: pageParam })}`, {
        signal,
      }),
    initialPageParam: '',
    getNextPageParam: (page) => page.cursor,
    placeholderData: keepPreviousData,
  });

export const incidentQuery = (id: string) =>
  queryOptions({
    queryKey: ['incidents', 'one', id],
    queryFn: ({ signal }) => callApi<IncidentDetail>('GET', `/incidents/${segment(id)}`, { signal }),
  });

export const investigationQuery = (id: string) =>
  queryOptions({
    queryKey: ['investigations', id],
    queryFn: ({ signal }) =>
      callApi<InvestigationView>('GET', `/incidents/${segment(id)}/investigation`, { signal }),
  });

export const incidentMetricsQuery = queryOptions({
  queryKey: ['incidents', 'metrics'],
  queryFn: ({ signal }) => callApi<IncidentMetrics>('GET', '/incidents/metrics', { signal }),
});

export const runsQuery = (where: string) =>
  queryOptions({
    queryKey: ['runs', where],
    queryFn: ({ signal }) =>
      callApi<RunList>('GET', `/runs${queryString({ where, limit: 200 })}`, { signal }),
  });

/** The runs that wait for a person. */
export const waitingRunsQuery = runsQuery('state: waiting');

export const changesQuery = queryOptions({
  queryKey: ['changes'],
  queryFn: ({ signal }) => callApi<ChangeList>('GET', '/changes', { signal }),
});

export const countersQuery = queryOptions({
  queryKey: ['counters'],
  queryFn: ({ signal }) => callApi<CounterList>('GET', '/counters', { signal }),
});

export const eventQuery = (id: string) =>
  queryOptions({
    queryKey: ['events', id],
    queryFn: ({ signal }) => callApi<PicketEvent>('GET', `/events/${segment(id)}`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
