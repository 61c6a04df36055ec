// Lets the page through to who is signed in; everyone else is told how to sign in.
import { useQuery } from '@tanstack/react-query';
import { Outlet, useLocation } from '@tanstack/react-router';
import { sessionQuery } from '../api/queries.ts';
import { Failure, Loading } from '../elements/list-states.tsx';
import { SessionProvider } from './session.tsx';
import { Shell } from './shell.tsx';
import { SignedOut } from './signed-out.tsx';

export function SessionGate() {
  const session = useQuery(sessionQuery);
  const { pathname } = useLocation();
  if (pathname === '/sign-in') return <Outlet />;
  if (session.error) return <Failure error={session.error} retry={() => void session.refetch()} />;
  if (session.data === undefined) return <Loading />;
  if (session.data === null) return <SignedOut />;
  return (
    <SessionProvider value={session.data}>
      <Shell />
    </SessionProvider>
  );
}
