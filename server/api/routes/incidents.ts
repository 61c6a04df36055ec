// Incidents: list by KQL, one with its whole story, and what people decide about it.
import { z } from 'zod';
import { changeIncident } from '../../../detect/incidents/change-incident.ts';
import { Incident } from '../../../platform/core/incident.ts';
import type { Api } from '../api.ts';
import { IncidentChange, IncidentDetail, IncidentList, PageQuery } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { findIncident } from '../find-incident.ts';
import { principalOf } from '../guard.ts';
import { describeIncident } from '../incident-detail.ts';
import { listRecords } from './list-records.ts';

const Id = z.object({ id: z.string() });

export function incidentRoutes(api: Api, { records, clock, bus }: ApiDeps): void {
  api.get(
    '/incidents',
    {
      schema: {
        summary: 'Incidents, newest first',
        tags: ['incidents'],
        querystring: PageQuery,
        response: { 200: IncidentList },
      },
    },
    async (request) => {
      const where = ['not merged_into: *', request.query.where?.trim()]
        .filter(Boolean)
        .map((part) => `(${part})`);
      const query = { ...request.query, where: where.join(' and ') };
      const { values, ...page } = await listRecords<Incident>({
        records,
        collection: 'incidents',
        query,
        sort: 'updated',
      });
      return { incidents: values, ...page };
    },
  );

  api.get(
    '/incidents/:id',
    {
      schema: {
        summary: 'One incident with its story',
        tags: ['incidents'],
        params: Id,
        response: { 200: IncidentDetail },
      },
    },
    async (request) =>
      describeIncident({
        records,
        incident: await findIncident(records, request.params.id),
        now: clock.now(),
      }),
  );

  api.patch(
    '/incidents/:id',
    {
      schema: {
        summary: 'Status, owner, verdict, comment',
        tags: ['incidents'],
        params: Id,
        body: IncidentChange,
        response: { 200: Incident },
      },
    },
    async (request) => {
      const { id } = await findIncident(records, request.params.id);
      return changeIncident({
        records,
        bus,
        clock,
        id,
        actor: principalOf(request).actor,
        change: request.body,
      });
    },
  );
}
