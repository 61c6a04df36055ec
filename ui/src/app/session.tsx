// Who is signed in, for every part below the gate.
import { createContext, useContext } from 'react';
import type { SessionView } from '../../../server/api/contract.ts';

const Session = createContext<SessionView | null>(null);
export const SessionProvider = Session.Provider;

/** @throws Error outside the gate */
export function useSession(): SessionView {
  const session = useContext(Session);
  if (!session) throw new Error('no session here');
  return session;
}
