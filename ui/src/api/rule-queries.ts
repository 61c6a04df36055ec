// What the page reads and does about rules: exceptions, packs and explanations.
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import type { z } from 'zod';
import type {
  ExceptionBody,
  ExceptionDraft,
  ExceptionDraftRequest,
  ExceptionList,
  ExceptionPreview,
  ExceptionView,
} from '../../../server/api/exception-contract.ts';
import type { PackList } from '../../../server/api/pack-contract.ts';
import type { ExplainView, RuleList } from '../../../server/api/rule-contract.ts';
import { callApi } from './client.ts';

const segment = encodeURIComponent;

export const rulesQuery = queryOptions({
  queryKey: ['rules'],
  queryFn: ({ signal }) => callApi<RuleList>('GET', '/rules', { signal }),
  staleTime: 10_000,
});

export const exceptionsQuery = queryOptions({
  queryKey: ['exceptions'],
  queryFn: ({ signal }) => callApi<ExceptionList>('GET', '/rules/exceptions', { signal }),
});

export const packsQuery = queryOptions({
  queryKey: ['packs'],
  queryFn: ({ signal }) => callApi<PackList>('GET', '/rules/packs', { signal }),
});

/** Why a rule in force matches an event of the index, or does not. */
export const explainQuery = (rule: string, event: string) =>
  queryOptions({
    queryKey: ['explain', rule, event],
    queryFn: ({ signal }) =>
      callApi<ExplainView>('POST', '/rules/explain', { body: { rule, event }, signal }),
    retry: false,
    staleTime: 60_000,
  });

type DraftRequest = z.infer<typeof ExceptionDraftRequest>;

/** The exception that an alert suggests, before anybody chose. */
export const exceptionDraftQuery = (alert: string) =>
  queryOptions({
    queryKey: ['exception-draft', alert],
    queryFn: ({ signal }) => draftException({ alert }, signal),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });

function draftException(body: DraftRequest, signal?: AbortSignal): Promise<ExceptionDraft> {
  return callApi<ExceptionDraft>('POST', '/rules/exceptions/draft', { body, ...(signal ? { signal } : {}) });
}

/** What the exception with these choices would have hidden since a time. */
export const usePreviewException = () =>
  useMutation({
    mutationFn: async ({ from, ...draft }: DraftRequest & { from: string }): Promise<ExceptionPreview> => {
      const { text } = await draftException(draft);
      return callApi<ExceptionPreview>('POST', '/rules/exceptions/preview', { body: { text, from } });
    },
  });

export function useMakeException() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (draft: DraftRequest): Promise<ExceptionView> => {
      const { text } = await draftException(draft);
      const body: z.infer<typeof ExceptionBody> = { text };
      return callApi<ExceptionView>('POST', '/rules/exceptions', { body });
    },
    onSettled: () => refresh(queries),
  });
}

export function useRemoveException() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => callApi<void>('DELETE', `/rules/exceptions/${segment(id)}`),
    onSettled: () => refresh(queries),
  });
}

function refresh(queries: ReturnType<typeof useQueryClient>): Promise<unknown> {
  return Promise.all(
    ['exceptions', 'rules'].map((collection) => queries.invalidateQueries({ queryKey: [collection] })),
  );
}
