// The few numbers of the whole: each leads to what it counts.
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { SiteView } from '../../../../server/api/contract.ts';
import { alertCountQuery, changesQuery, incidentsQuery, waitingRunsQuery } from '../../api/queries.ts';
import { useNow } from '../../elements/clock.tsx';
import { isHeld } from '../../response/change-card.tsx';
import classes from './situation.module.css';

export function Figures({ sites }: { sites: readonly SiteView[] }) {
  const { t } = useTranslation();
  const now = useNow();
  const incidents = useInfiniteQuery(incidentsQuery('not status: closed', 5));
  const urgent = useQuery(
    alertCountQuery('state: current and status: open and rule.level: (critical or high)'),
  );
  const open = useQuery(alertCountQuery('state: current and status: open'));
  const approvals = useQuery(waitingRunsQuery);
  const changes = useQuery(changesQuery);
  const up = sites.filter(({ link }) => link === 'up' || link === 'self').length;
  return (
    <ul className={classes['figures']}>
      <Figure
        label={t('figure.incidents')}
        value={incidents.data?.pages[0]?.total}
        to={{ to: '/incidents', search: { status: ['open', 'acknowledged', 'contained'] } }}
      />
      <Figure
        label={t('figure.urgent')}
        value={urgent.data}
        tone={urgent.data ? 'bad' : undefined}
        to={{ to: '/alerts', search: { level: ['critical', 'high'], status: ['open'] } }}
      />
      <Figure
        label={t('figure.open')}
        value={open.data}
        to={{ to: '/alerts', search: { status: ['open'] } }}
      />
      <Figure
        label={t('figure.approvals')}
        value={approvals.data?.total}
        tone={approvals.data?.total ? 'warn' : undefined}
        to={{ to: '/approvals' }}
      />
      <Figure
        label={t('figure.changes')}
        value={changes.data?.changes.filter((change) => isHeld(change, now)).length}
        to={{ to: '/changes' }}
      />
      <Figure
        label={t('figure.links')}
        value={sites.length === 0 ? undefined : `${up}/${sites.length}`}
        tone={up < sites.length ? 'bad' : 'good'}
      />
    </ul>
  );
}

function Figure({
  label,
  value,
  tone,
  to,
}: {
  label: string;
  value: number | string | undefined;
  tone?: 'bad' | 'warn' | 'good' | undefined;
  to?: LinkProps;
}) {
  const inside = (
    <>
      <span className={classes['figureValue']} data-tone={tone}>
        {value ?? '–'}
      </span>
      <span className={classes['figureLabel']}>{label}</span>
    </>
  );
  return (
    <li>
      {to ? (
        <Link {...to} className={classes['figure'] ?? ''}>
          {inside}
        </Link>
      ) : (
        <div className={classes['figure']}>{inside}</div>
      )}
    </li>
  );
}
