// Searching events: pages, histogram, top values, count, and one event by id.
import { z } from 'zod';
import { PicketError } from '../../../platform/core/errors.ts';
import { PicketEvent } from '../../../platform/core/event.ts';
import { parseKql } from '../../../platform/core/kql/parse-kql.ts';
import type { EventScope } from '../../../platform/index/event-index.ts';
import type { Api } from '../api.ts';
import {
  EventPage,
  HistogramView,
  SearchBody,
  SearchCount,
  SearchEvents,
  SearchHistogram,
  SearchTopValues,
  TopValuesView,
} from '../contract.ts';
import type { ApiDeps } from '../deps.ts';

export function searchRoutes(api: Api, { index, config }: ApiDeps): void {
  const { tenant } = config;
  const scopeOf = (body: z.infer<typeof SearchBody>): EventScope => ({
    tenant,
    ...(body.query.trim() === '' ? {} : { where: parseKql(body.query) }),
    ...(body.from === undefined ? {} : { from: Date.parse(body.from) }),
    ...(body.to === undefined ? {} : { to: Date.parse(body.to) }),
    ...(body.datasets === undefined ? {} : { datasets: body.datasets }),
    ...(body.jurisdictions === undefined ? {} : { jurisdictions: body.jurisdictions }),
  });

  api.post(
    '/search',
    {
      schema: {
        summary: 'Events by KQL',
        tags: ['search'],
        body: SearchEvents,
        response: { 200: EventPage },
      },
    },
    async (request) => {
      const { sort, limit, cursor } = request.body;
      const page = await index.search({
        ...scopeOf(request.body),
        sort,
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      });
      return {
        events: [...page.hits],
        unanswered: [...page.unanswered],
        ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
      };
    },
  );

  api.post(
    '/search/histogram',
    {
      schema: {
        summary: 'Events in time',
        tags: ['search'],
        body: SearchHistogram,
        response: { 200: HistogramView },
      },
    },
    async (request) => {
      const { buckets, exact } = await index.histogram({
        ...scopeOf(request.body),
        interval_ms: request.body.interval_ms,
      });
      return {
        buckets: buckets.map(({ start, count }) => ({ start: new Date(start).toISOString(), count })),
        exact,
      };
    },
  );

  api.post(
    '/search/top-values',
    {
      schema: {
        summary: 'Most frequent values of a field',
        tags: ['search'],
        body: SearchTopValues,
        response: { 200: TopValuesView },
      },
    },
    async (request) => {
      const { field, limit } = request.body;
      const { values, exact } = await index.topValues({ ...scopeOf(request.body), field, limit });
      return { values: [...values], exact };
    },
  );

  api.post(
    '/search/count',
    {
      schema: {
        summary: 'How many events',
        tags: ['search'],
        body: SearchBody,
        response: { 200: SearchCount },
      },
    },
    (request) => index.count(scopeOf(request.body)),
  );

  api.get(
    '/events/:id',
    {
      schema: {
        summary: 'One event',
        tags: ['search'],
        params: z.object({ id: z.string() }),
        response: { 200: PicketEvent },
      },
    },
    async (request) => {
      const event = await index.get({ tenant, id: request.params.id });
      if (!event)
        throw new PicketError({ code: 'NOT_FOUND', message: `no event ${request.params.id} at this site` });
      return event;
    },
  );
}
