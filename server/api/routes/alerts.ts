// Alerts: list by KQL, one whole, and how an analyst handles it.
import { z } from 'zod';
import { Alert } from '../../../platform/core/alert.ts';
import { PicketError } from '../../../platform/core/errors.ts';
import { upsertRecord } from '../../../platform/records/record-store.ts';
import { AlertGroups, EntityKnowledgeList, GroupQuery } from '../alert-contract.ts';
import { groupAlerts, knowEntities } from '../alert-knowledge.ts';
import type { Api } from '../api.ts';
import { AlertChange, AlertList, PageQuery } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { noteAct } from '../note-act.ts';
import { listRecords } from './list-records.ts';

const Id = z.object({ id: z.string() });
/** The newest alerts that are put into rows. */
const MOST_GROUPED = 5_000;

export function alertRoutes(api: Api, deps: ApiDeps): void {
  const { records } = deps;
  api.get(
    '/alerts',
    {
      schema: {
        summary: 'Alerts, newest first',
        tags: ['alerts'],
        querystring: PageQuery,
        response: { 200: AlertList },
      },
    },
    async (request) => {
      const { values, ...page } = await listRecords<Alert>({
        records,
        collection: 'alerts',
        query: request.query,
        sort: 'last',
      });
      return { alerts: values, ...page };
    },
  );

  api.get(
    '/alerts/groups',
    {
      schema: {
        summary: 'Alerts of the same rule and key that go on, as one row each, newest first',
        tags: ['alerts'],
        querystring: GroupQuery,
        response: { 200: AlertGroups },
      },
    },
    async (request) => {
      const { where, window_ms } = request.query;
      const { values, cursor } = await listRecords<Alert>({
        records,
        collection: 'alerts',
        query: { limit: MOST_GROUPED, ...(where === undefined ? {} : { where }) },
        sort: 'last',
      });
      return {
        groups: groupAlerts(values, window_ms),
        alerts: values.length,
        complete: cursor === undefined,
      };
    },
  );

  api.get(
    '/alerts/:id/entities',
    {
      schema: {
        summary: 'What is known of the entities of an alert',
        tags: ['alerts'],
        params: Id,
        response: { 200: EntityKnowledgeList },
      },
    },
    async (request) => {
      const record = await records.get<Alert>('alerts', request.params.id);
      if (!record) throw notFound(request.params.id);
      const { assets } = deps.config;
      return { entities: await knowEntities({ records, alert: record.value, assets }) };
    },
  );

  api.get(
    '/alerts/:id',
    { schema: { summary: 'One alert', tags: ['alerts'], params: Id, response: { 200: Alert } } },
    async (request) => {
      const record = await records.get<Alert>('alerts', request.params.id);
      if (!record) throw notFound(request.params.id);
      return record.value;
    },
  );

  api.patch(
    '/alerts/:id',
    {
      schema: {
        summary: 'Change how an alert is handled',
        tags: ['alerts'],
        params: Id,
        body: AlertChange,
        response: { 200: Alert },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { status } = request.body;
      if (!(await records.get('alerts', id))) throw notFound(id);
      await noteAct(deps, request, { kind: 'alert-status', about: { alert: id, status } });
      const alert = await upsertRecord<Alert>({
        store: records,
        collection: 'alerts',
        id,
        change: (current) => {
          if (!current) throw notFound(id);
          return { ...current, status };
        },
      });
      return alert as Alert;
    },
  );
}

function notFound(id: string): PicketError {
  return new PicketError({ code: 'ALERT_NOT_FOUND', message: `no alert ${id}` });
}
