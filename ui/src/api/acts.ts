// What a person does through the page: each act with what must be read again after it.
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { z } from 'zod';
import type { Alert } from '../../../platform/core/alert.ts';
import type { Incident, IncidentLink } from '../../../platform/core/incident.ts';
import type { Investigation } from '../../../platform/core/investigation.ts';
import type { PlaybookRun } from '../../../platform/core/playbook-run.ts';
import type {
  AlertChange,
  IncidentChange,
  LiftChange,
  PostureView,
  RunDecision,
  SessionView,
} from '../../../server/api/contract.ts';
import type {
  IncidentMerge,
  IncidentSplit,
  IncidentUnmerge,
  NewEvidence,
  NewTask,
  TaskChange,
} from '../../../server/api/incident-contract.ts';
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

/** Merging, splitting, taking a merge back: the incidents follow within seconds, and the stream tells of it. */
export const useLinkIncident = () =>
  useAct({
    act: ({ id, act, body }: { id: string } & LinkAct) =>
      callApi<IncidentLink>('POST', `/incidents/${segment(id)}/${act}`, { body }),
    touches: ['incidents'],
  });

type LinkAct =
  | { act: 'merge'; body: IncidentMerge }
  | { act: 'split'; body: IncidentSplit }
  | { act: 'unmerge'; body: IncidentUnmerge };

/** Asks all questions again. */
export const useInvestigate = () =>
  useAct({
    act: ({ id }: { id: string }) =>
      callApi<Investigation>('POST', `/incidents/${segment(id)}/investigate`, { body: {} }),
    touches: ['investigations'],
  });

export const useAddTask = () =>
  useAct({
    act: ({ id, ...task }: { id: string } & NewTask) =>
      callApi<Incident>('POST', `/incidents/${segment(id)}/tasks`, { body: task }),
    touches: ['incidents'],
  });

export const useChangeTask = () =>
  useAct({
    act: ({ id, task, ...change }: { id: string; task: string } & TaskChange) =>
      callApi<Incident>('PATCH', `/incidents/${segment(id)}/tasks/${segment(task)}`, { body: change }),
    touches: ['incidents'],
  });

export const useAddEvidence = () =>
  useAct({
    act: ({ id, ...evidence }: { id: string } & NewEvidence) =>
      callApi<Incident>('POST', `/incidents/${segment(id)}/evidence`, { body: evidence }),
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
