// Exceptions: list, draft from an alert, preview over history, make and remove.
import { z } from 'zod';
import { describeProblem } from '../../../load-detection.ts';
import { draftFromAlert } from '../../../rules/draft-from-alert.ts';
import { previewException } from '../../../rules/preview-exception.ts';
import type { Api } from '../../api.ts';
import type { ApiDeps } from '../../deps.ts';
import {
  ExceptionBody,
  ExceptionDetail,
  ExceptionDraft,
  ExceptionDraftRequest,
  ExceptionList,
  ExceptionPreview,
  ExceptionPreviewRequest,
  ExceptionView,
} from '../../exception-contract.ts';
import { principalOf } from '../../guard.ts';

const Id = z.object({ id: z.string() });
const tags = ['rules'];

export function exceptionRoutes(api: Api, deps: ApiDeps): void {
  const { ruleDesk, backtests, records, config, clock } = deps;
  const { exceptions, tallies } = ruleDesk;

  api.get(
    '/rules/exceptions',
    { schema: { summary: 'Exceptions with what they hid', tags, response: { 200: ExceptionList } } },
    () => ({ exceptions: exceptions.list(), refused: exceptions.problems().map(describeProblem) }),
  );

  api.get(
    '/rules/exceptions/:id',
    {
      schema: {
        summary: 'One exception, its text and the latest matches it hid',
        tags,
        params: Id,
        response: { 200: ExceptionDetail },
      },
    },
    (request) => {
      const { id } = request.params;
      const { by_rule = {}, latest = [] } = tallies.suppressionsOf(id) ?? {};
      return { ...exceptions.get(id), by_rule: { ...by_rule }, latest: [...latest] };
    },
  );

  api.post(
    '/rules/exceptions/draft',
    {
      schema: {
        summary: 'An exception from the values of an alert; nothing is saved',
        tags,
        body: ExceptionDraftRequest,
        response: { 200: ExceptionDraft },
      },
    },
    (request) =>
      draftFromAlert({
        request: request.body,
        desk: ruleDesk,
        records,
        site: config.site.id,
        actor: principalOf(request).actor,
      }),
  );

  api.post(
    '/rules/exceptions/preview',
    {
      schema: {
        summary: 'What an exception would have hidden of stored history; nothing is saved',
        tags,
        body: ExceptionPreviewRequest,
        response: { 200: ExceptionPreview },
      },
    },
    (request, reply) => {
      const stop = new AbortController();
      reply.raw.once('close', () => stop.abort());
      return previewException({
        request: request.body,
        desk: ruleDesk,
        backtests,
        now: clock.now(),
        signal: stop.signal,
      });
    },
  );

  api.post(
    '/rules/exceptions',
    {
      schema: {
        summary: 'Make an exception: in force at once',
        tags,
        body: ExceptionBody,
        response: { 200: ExceptionView },
      },
    },
    (request) =>
      exceptions.create({
        text: request.body.text,
        permanent: request.body.permanent === true,
        actor: principalOf(request).actor,
      }),
  );

  api.delete(
    '/rules/exceptions/:id',
    {
      schema: {
        summary: 'Remove an exception that was made through the API',
        tags,
        params: Id,
        response: { 204: z.null() },
      },
    },
    async (request, reply) => {
      await exceptions.remove({ id: request.params.id, actor: principalOf(request).actor });
      return reply.code(204).send(null);
    },
  );
}
