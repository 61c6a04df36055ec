// What a person does through the page: each act with what must be read again after it.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { z } from 'zod';
import type { Alert } from '../../../platform/core/alert.ts';
import type { Incident } from '../../../platform/core/incident.ts';
import type { PlaybookRun } from '../../../platform/core/playbook-run.ts';
import type {
  AlertChange,
  IncidentChange,
  LiftChange,
  PostureView,
  RunDecision,
  SessionView,
} from '../../../server/api/contract.ts';
import { callApi } from './client.ts';

const segment = encodeURIComponent;

function useAct<Input, Output>(options: {
  act: (input: Input) => Promise<Output>;
  /** First parts of the query keys to read again. */
  touches: readonly string[];
}) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: options.act,
    onSettled: () =>
      Promise.all(options.touches.map((collection) => queries.invalidateQueries({ queryKey: [collection] }))),
  });
}

export const useChangeAlert = () =>
  useAct({
    act: ({ id, ...change }: { id: string } & z.infer<typeof AlertChange>) =>
      callApi<Alert>('PATCH', `/alerts/${segment(id)}`, { body: change }),
    touches: ['alerts', 'alert-counts', 'incidents', 'sites'],
  });

export const useChangeIncident = () =>
  useAct({
    act: ({ id, ...change }: { id: string } & IncidentChange) =>
      callApi<Incident>('PATCH', `/incidents/${segment(id)}`, { body: change }),
    touches: ['incidents'],
  });

export const useDecideRun = () =>
  useAct({
    act: ({ id, ...decision }: { id: string } & RunDecision) =>
      callApi<PlaybookRun>('POST', `/runs/${segment(id)}/decision`, { body: decision }),
    touches: ['runs', 'incidents', 'changes', 'postures'],
  });

export const useLiftChange = () =>
  useAct({
    act: ({ site, id, ...lift }: { site: string; id: string } & z.infer<typeof LiftChange>) =>
      callApi<PostureView>('POST', `/sites/${segment(site)}/changes/${segment(id)}/lift`, { body: lift }),
    touches: ['changes', 'incidents', 'postures', 'sites'],
  });

export const signIn = (token: string): Promise<SessionView> =>
  callApi<SessionView>('POST', '/session', { body: { token } });

export const signOut = (): Promise<void> => callApi<void>('DELETE', '/session');
