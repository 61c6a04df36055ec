// Runs that wait for a person, each with what it would change.
import { IconChecks } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { waitingRunsQuery } from '../../api/queries.ts';
import page from '../../app/page.module.css';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { PageHead } from '../../elements/panel.tsx';
import { ApprovalPanel } from '../../response/approval-panel.tsx';

export function ApprovalsPage() {
  const { t } = useTranslation();
  const query = useQuery(waitingRunsQuery);
  const runs = (query.data?.runs ?? []).filter(({ approval }) => approval && !approval.decision);
  return (
    <div className={page['page']}>
      <PageHead
        title={t('nav.approvals')}
        note={query.data ? t('approvals.total', { count: runs.length }) : null}
      />
      <ListState
        query={query}
        isEmpty={runs.length === 0}
        empty={
          <Empty icon={<IconChecks size={32} />} title={t('approvals.empty')}>
            {t('approvals.empty_hint')}
          </Empty>
        }
      >
        {runs.map((run) => (
          <div key={run.id} className={page['stack']}>
            <ApprovalPanel run={run} />
            {run.incident === undefined ? null : (
              <Link to="/incidents/$id" params={{ id: run.incident }} className={page['link'] ?? ''}>
                {t('approvals.incident')}
              </Link>
            )}
          </div>
        ))}
      </ListState>
    </div>
  );
}
