// The providers, in the order in which they need one another.
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useState } from 'react';
import { ApiError } from '../api/client.ts';
import { ClockProvider } from '../elements/clock.tsx';
import { createPageRouter } from './router.tsx';
import { theme } from './theme.ts';

const RETRIES = 2;

function createQueries(): QueryClient {
  const queries: QueryClient = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 2_000,
        refetchOnWindowFocus: false,
        // A refusal is an answer: only silence is asked again.
        retry: (failures, error) =>
          failures < RETRIES && (!(error instanceof ApiError) || error.status === 0 || error.status >= 502),
      },
    },
  });
  queries.getQueryCache().subscribe(({ type, query }) => {
    const error = type === 'updated' ? query.state.error : undefined;
    if (error instanceof ApiError && error.status === 401) queries.setQueryData(['session'], null);
  });
  return queries;
}

export function App() {
  const [queries] = useState(createQueries);
  const [router] = useState(() => createPageRouter());
  const [schemes] = useState(() => localStorageColorSchemeManager({ key: 'picket-color-scheme' }));
  return (
    <MantineProvider theme={theme} colorSchemeManager={schemes} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <ClockProvider>
          <RouterProvider router={router} />
        </ClockProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
