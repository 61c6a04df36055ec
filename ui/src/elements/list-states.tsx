// What a list shows when it has nothing to show: loading, empty with what to do, or an error with its code.
import { Alert, Button, Skeleton } from '@mantine/core';
import { IconAlertTriangle, IconRefresh } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/client.ts';
import { DataText } from './data-text.tsx';
import classes from './elements.module.css';

export function Loading({ rows = 6 }: { rows?: number }) {
  const { t } = useTranslation();
  return (
    <div className={classes['loading']} role="status" aria-label={t('state.loading')}>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={18} width={`${92 - ((row * 13) % 40)}%`} radius="sm" />
      ))}
    </div>
  );
}

export function Empty({ icon, title, children }: { icon?: ReactNode; title: string; children?: ReactNode }) {
  return (
    <div className={classes['empty']}>
      {icon}
      <strong>{title}</strong>
      {children ? <p>{children}</p> : null}
    </div>
  );
}

/** `UNREACHABLE` has words of ours; everything else the server's, which are English. */
export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const problem = error instanceof ApiError ? error : undefined;
  const code = problem?.code ?? 'PAGE_ERROR';
  return (
    <Alert
      className={classes['failure'] ?? ''}
      color="red"
      variant="light"
      icon={<IconAlertTriangle size={18} />}
      title={code === 'UNREACHABLE' ? t('state.unreachable') : t('state.failed')}
      role="alert"
    >
      {code === 'UNREACHABLE' ? null : (
        <p className={classes['failureText']}>
          <DataText value={problem?.message ?? String(error)} />
        </p>
      )}
      <code translate="no">
        {code}
        {problem?.place === undefined ? '' : ` · ${problem.place}`}
      </code>
      {retry ? (
        <Button size="compact-xs" variant="default" leftSection={<IconRefresh size={14} />} onClick={retry}>
          {t('state.retry')}
        </Button>
      ) : null}
    </Alert>
  );
}

/** One of the three states, or the children once there is data. */
export function ListState({
  query,
  isEmpty,
  empty,
  rows,
  children,
}: {
  query: { isPending: boolean; error: unknown; data: unknown; refetch: () => unknown };
  isEmpty: boolean;
  empty: ReactNode;
  rows?: number;
  children: ReactNode;
}) {
  if (query.error && query.data === undefined)
    return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (query.isPending) return <Loading {...(rows === undefined ? {} : { rows })} />;
  return (
    <>
      {query.error ? <Failure error={query.error} retry={() => void query.refetch()} /> : null}
      {isEmpty ? empty : children}
    </>
  );
}
