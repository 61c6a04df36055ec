// The runs that wait for an answer, as one line each that leads to the question.
import { IconShieldQuestion } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { waitingRunsQuery } from '../../api/queries.ts';
import { DataText } from '../../elements/data-text.tsx';
import { Moment } from '../../elements/time.tsx';
import { actionName } from '../../response/action-name.ts';
import classes from './situation.module.css';

/** More stand on the approvals page. */
const MOST = 3;

export function Attention() {
  const { t } = useTranslation();
  const waiting = useQuery(waitingRunsQuery).data?.runs ?? [];
  const runs = waiting.slice(0, MOST);
  if (runs.length === 0) return null;
  return (
    <ul className={classes['attention']} aria-label={t('nav.approvals')}>
      {runs.map((run) => {
        const { approval } = run;
        if (!approval) return null;
        const { action, parameters, sites } = approval.change;
        const what = Object.values((parameters ?? {}) as Record<string, unknown>).map(String);
        return (
          <li key={run.id}>
            <IconShieldQuestion size={18} aria-hidden="true" />
            <span>
              <strong>{t('situation.waits')}</strong>{' '}
              {typeof action === 'string' ? (
                <>
                  {actionName(t, action)} <DataText value={what.join(', ')} mono />
                  {Array.isArray(sites) ? (
                    <>
                      {' @ '}
                      <DataText value={sites.join(', ')} />
                    </>
                  ) : null}
                </>
              ) : (
                <DataText value={approval.question} />
              )}
            </span>
            <Moment at={approval.requested} show="relative" />
            <Link to="/approvals" hash={run.id}>
              {t('situation.decide')}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}
