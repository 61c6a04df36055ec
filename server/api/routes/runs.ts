// Playbook runs: list, one whole, and the decision that a waiting run asks for.
import { z } from 'zod';
import { PicketError } from '../../../platform/core/errors.ts';
import { PlaybookRun } from '../../../platform/core/playbook-run.ts';
import type { Api } from '../api.ts';
import { PageQuery, RunDecision, RunList } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { principalOf } from '../guard.ts';
import { listRecords } from './list-records.ts';

const Id = z.object({ id: z.string() });

export function runRoutes(api: Api, { records, decideRun }: ApiDeps): void {
  api.get(
    '/runs',
    {
      schema: {
        summary: 'Playbook runs, newest first',
        tags: ['runs'],
        querystring: PageQuery,
        response: { 200: RunList },
      },
    },
    async (request) => {
      const { values, ...page } = await listRecords<PlaybookRun>({
        records,
        collection: 'runs',
        query: request.query,
        sort: 'started',
      });
      return { runs: values, ...page };
    },
  );

  api.get(
    '/runs/:id',
    { schema: { summary: 'One run', tags: ['runs'], params: Id, response: { 200: PlaybookRun } } },
    async (request) => {
      const record = await records.get<PlaybookRun>('runs', request.params.id);
      if (!record) throw new PicketError({ code: 'RUN_NOT_FOUND', message: `no run ${request.params.id}` });
      return record.value;
    },
  );

  api.post(
    '/runs/:id/decision',
    {
      schema: {
        summary: 'Approve or reject what a run waits for',
        tags: ['runs'],
        params: Id,
        body: RunDecision,
        response: { 200: PlaybookRun },
      },
    },
    (request) => {
      if (!decideRun)
        throw new PicketError({ code: 'NOT_AT_THIS_SITE', message: 'this site runs no playbooks' });
      const { decision, reason } = request.body;
      return decideRun({ run: request.params.id, decision, reason, actor: principalOf(request).actor });
    },
  );
}
