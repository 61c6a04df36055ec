// Follows the server's changes and has what is shown read again, at most once a second a collection.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { StreamChange } from '../../../server/api/contract.ts';

export type LiveState = 'connecting' | 'live' | 'reconnecting';

/** Which query keys a changed collection touches. */
const TOUCHED: Readonly<Record<string, readonly string[]>> = {
  alerts: ['alerts', 'sites'],
  incidents: ['incidents'],
  'incident-links': ['incidents'],
  investigations: ['investigations'],
  runs: ['runs', 'incidents', 'changes'],
  sites: ['sites', 'changes', 'postures', 'incidents'],
  postures: ['postures', 'changes'],
};
const FLUSH_MS = 1_000;

/** Connected while mounted; after a cut everything is read again, since the browser may have missed changes. */
export function useLiveChanges(): LiveState {
  const queries = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(() => {
    const pending = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wasCut = false;
    const flush = (): void => {
      timer = undefined;
      for (const key of pending) void queries.invalidateQueries({ queryKey: [key] });
      pending.clear();
    };
    const touch = (keys: readonly string[]): void => {
      for (const key of keys) pending.add(key);
      timer ??= setTimeout(flush, FLUSH_MS);
    };
    const source = new EventSource('/api/v1/stream');
    source.addEventListener('open', () => {
      setState('live');
      if (wasCut) touch(Object.keys(TOUCHED));
      wasCut = false;
    });
    source.addEventListener('error', () => {
      wasCut = true;
      setState('reconnecting');
      // A stream that ended for good may mean that the session did.
      if (source.readyState === EventSource.CLOSED) void queries.invalidateQueries({ queryKey: ['session'] });
    });
    source.addEventListener('reset', () => touch(Object.keys(TOUCHED)));
    source.addEventListener('change', (message: MessageEvent<string>) => {
      const change = JSON.parse(message.data) as StreamChange;
      touch(TOUCHED[change.collection] ?? []);
    });
    return () => {
      clearTimeout(timer);
      source.close();
    };
  }, [queries]);
  return state;
}
