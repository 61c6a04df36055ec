// Incidents: list by KQL, one with its whole story, and what people decide about it.
import { z } from 'zod';
import {
  addEvidence,
  addTask,
  changeIncident,
  changeTask,
} from '../../../detect/incidents/change-incident.ts';
import { mergeIncidents, splitIncident, unmergeIncidents } from '../../../detect/incidents/link-alerts.ts';
import { measureCases } from '../../../detect/incidents/measure-cases.ts';
import { Incident, IncidentLink } from '../../../platform/core/incident.ts';
import { Investigation } from '../../../platform/core/investigation.ts';
import { parseKql } from '../../../platform/core/kql/parse-kql.ts';
import { eachRecord } from '../../../platform/records/record-store.ts';
import type { Api } from '../api.ts';
import { IncidentChange, IncidentDetail, IncidentList, PageQuery } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { findIncident } from '../find-incident.ts';
import { principalOf } from '../guard.ts';
import {
  IncidentMerge,
  IncidentMetrics,
  IncidentSplit,
  IncidentUnmerge,
  InvestigationView,
  NewEvidence,
  NewTask,
  TaskChange,
} from '../incident-contract.ts';
import { describeIncident } from '../incident-detail.ts';
import { listRecords } from './list-records.ts';

const Id = z.object({ id: z.string() });
/** Thirty days. */
const METRICS_MS = 30 * 86_400_000;

export function incidentRoutes(api: Api, { records, clock, config, investigate }: ApiDeps): void {
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
        assets: config.assets,
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
        clock,
        id,
        actor: principalOf(request).actor,
        change: request.body,
      });
    },
  );

  const body = <T extends z.ZodType>(summary: string, schema: T) => ({
    schema: { summary, tags: ['incidents'], params: Id, body: schema, response: { 200: Incident } },
  });
  const decided = <T extends z.ZodType>(summary: string, schema: T) => ({
    schema: { summary, tags: ['incidents'], params: Id, body: schema, response: { 202: IncidentLink } },
  });

  api.post(
    '/incidents/:id/merge',
    decided(
      'Says that another incident belongs to this one; the incidents follow within seconds',
      IncidentMerge,
    ),
    async (request, reply) => {
      const one = await findIncident(records, request.params.id);
      const other = await findIncident(records, request.body.with);
      const link = await mergeIncidents({
        records,
        clock,
        incidents: [one, other],
        actor: principalOf(request).actor,
        reason: request.body.reason,
      });
      return reply.code(202).send(link);
    },
  );

  api.post(
    '/incidents/:id/split',
    decided('Sets alerts apart from the rest of the incident; one alone is detached', IncidentSplit),
    async (request, reply) => {
      const link = await splitIncident({
        records,
        clock,
        incident: await findIncident(records, request.params.id),
        alerts: request.body.alerts,
        actor: principalOf(request).actor,
        reason: request.body.reason,
      });
      return reply.code(202).send(link);
    },
  );

  api.post(
    '/incidents/:id/unmerge',
    decided('Takes a merge back', IncidentUnmerge),
    async (request, reply) => {
      await findIncident(records, request.params.id);
      const link = await unmergeIncidents({
        records,
        clock,
        link: request.body.link,
        actor: principalOf(request).actor,
        reason: request.body.reason,
      });
      return reply.code(202).send(link);
    },
  );

  api.post('/incidents/:id/tasks', body('Adds a task', NewTask), async (request) => {
    const { id } = await findIncident(records, request.params.id);
    return addTask({ records, clock, id, actor: principalOf(request).actor, task: request.body });
  });

  api.patch(
    '/incidents/:id/tasks/:task',
    {
      schema: {
        summary: 'Says that a task is done or open, or whose it is',
        tags: ['incidents'],
        params: Id.extend({ task: z.string() }),
        body: TaskChange,
        response: { 200: Incident },
      },
    },
    async (request) => {
      const { id } = await findIncident(records, request.params.id);
      const { task } = request.params;
      const { actor } = principalOf(request);
      return changeTask({ records, clock, id, actor, task, change: request.body });
    },
  );

  api.post('/incidents/:id/evidence', body('Puts evidence into the case', NewEvidence), async (request) => {
    const { id } = await findIncident(records, request.params.id);
    return addEvidence({ records, clock, id, actor: principalOf(request).actor, evidence: request.body });
  });

  api.get(
    '/incidents/metrics',
    {
      schema: {
        summary:
          'How long incidents take to detect, acknowledge, contain and close: median and 90th percentile',
        tags: ['incidents'],
        querystring: z.object({
          /** Made at or after; default 30 days before `to`. */
          from: z.iso.datetime().optional(),
          /** Made before; default now. */
          to: z.iso.datetime().optional(),
        }),
        response: { 200: IncidentMetrics },
      },
    },
    async (request) => {
      const to = request.query.to ?? new Date(clock.now()).toISOString();
      const from = request.query.from ?? new Date(Date.parse(to) - METRICS_MS).toISOString();
      const incidents: Incident[] = [];
      const standing = parseKql('not merged_into: *');
      for await (const { value } of eachRecord<Incident>(records, 'incidents', standing))
        if (value.created >= from && value.created < to) incidents.push(value);
      return { from, to, incidents: incidents.length, ...measureCases(incidents) };
    },
  );

  api.get(
    '/incidents/:id/investigation',
    {
      schema: {
        summary: 'What was asked about the incident by itself, and the account made of it',
        tags: ['incidents'],
        params: Id,
        response: { 200: InvestigationView },
      },
    },
    async (request) => {
      const { id } = await findIncident(records, request.params.id);
      const stored = await records.get<Investigation>('investigations', id);
      return stored ? { investigation: stored.value } : {};
    },
  );

  api.post(
    '/incidents/:id/investigate',
    {
      schema: {
        summary: 'Asks all questions about the incident again, now',
        tags: ['incidents'],
        params: Id,
        response: { 200: Investigation },
      },
    },
    async (request) =>
      investigate(await findIncident(records, request.params.id), principalOf(request).actor),
  );
}
