// Packs of rules from elsewhere: list, add, update and remove.
import { z } from 'zod';
import type { Api } from '../../api.ts';
import type { ApiDeps } from '../../deps.ts';
import { principalOf } from '../../guard.ts';
import { PackAdd, PackList, PackUpdate } from '../../pack-contract.ts';
import { streamLines } from '../../stream-lines.ts';

const Name = z.object({ name: z.string().max(63) });
const tags = ['rules'];
const produces = ['application/x-ndjson'];
const description =
  'The answer is lines of JSON: `progress` of the backtest, and last `result` or `problem`. Closing the connection cancels.';

export function packRoutes(api: Api, { packs, clock }: ApiDeps): void {
  api.get(
    '/rules/packs',
    { schema: { summary: 'Packs with their pins and licences', tags, response: { 200: PackList } } },
    () => ({ packs: packs.list() }),
  );

  api.post(
    '/rules/packs',
    {
      schema: {
        summary: 'Add a pack from a folder or zip file of the site, or from a git address',
        description,
        tags,
        body: PackAdd,
        produces,
      },
    },
    (request, reply) =>
      streamLines({
        request,
        reply,
        clock,
        work: (hooks) => packs.add({ ...request.body, actor: principalOf(request).actor }, hooks),
      }),
  );

  api.post(
    '/rules/packs/:name/update',
    {
      schema: {
        summary: 'Fetch a pack again and show what changed; with `apply` put it in force',
        description,
        tags,
        params: Name,
        body: PackUpdate,
        produces,
      },
    },
    (request, reply) =>
      streamLines({
        request,
        reply,
        clock,
        work: (hooks) =>
          packs.update(
            { ...request.body, name: request.params.name, actor: principalOf(request).actor },
            hooks,
          ),
      }),
  );

  api.delete(
    '/rules/packs/:name',
    { schema: { summary: 'Remove a pack', tags, params: Name, response: { 204: z.null() } } },
    async (request, reply) => {
      await packs.remove({ name: request.params.name, actor: principalOf(request).actor });
      return reply.code(204).send(null);
    },
  );
}
