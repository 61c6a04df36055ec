// Turns the link's token into a session and forgets the token: it stands in no history and no log.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { signIn } from '../../api/acts.ts';
import { ApiError } from '../../api/client.ts';
import { SignedOut } from '../../app/signed-out.tsx';
import { Failure, Loading } from '../../elements/list-states.tsx';

export function SigningInPage() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  // A query and not an effect: the token is good for one use, and a view may mount twice.
  const query = useQuery({
    queryKey: ['sign-in'],
    queryFn: async () => {
      const token = new URLSearchParams(location.hash.slice(1)).get('token');
      history.replaceState(history.state, '', '/sign-in');
      return token === null ? null : signIn(token);
    },
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const { data: session, error } = query;
  useEffect(() => {
    if (!session) return;
    queries.setQueryData(['session'], session);
    void navigate({ to: '/', replace: true });
  }, [session, queries, navigate]);
  if (session === null) return <SignedOut />;
  if (error === null) return <Loading rows={3} />;
  if (error instanceof ApiError && error.status >= 400 && error.status < 500) return <SignedOut refused />;
  return <Failure error={error} />;
}
