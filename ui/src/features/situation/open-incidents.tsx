// The cases that are not closed, newest first.
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { incidentsQuery } from '../../api/queries.ts';
import page from '../../app/page.module.css';
import { LevelBadge } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { Panel } from '../../elements/panel.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './situation.module.css';

export function OpenIncidents() {
  const { t } = useTranslation();
  const query = useInfiniteQuery(incidentsQuery('not status: closed', 5));
  const incidents = query.data?.pages[0]?.incidents ?? [];
  return (
    <Panel
      title={t('situation.incidents')}
      flush
      actions={
        <Link to="/incidents" className={page['link'] ?? ''}>
          {t('situation.all')}
        </Link>
      }
    >
      <ListState
        query={query}
        isEmpty={incidents.length === 0}
        empty={<Empty title={t('incidents.empty')}>{t('incidents.empty_hint')}</Empty>}
      >
        <ul>
          {incidents.map((incident) => (
            <li key={incident.id}>
              <Link to="/incidents/$id" params={{ id: incident.id }} className={classes['case'] ?? ''}>
                <span className={classes['caseHead']}>
                  <LevelBadge level={incident.level} />
                  <Moment at={incident.updated} show="relative" />
                </span>
                <span className={classes['lineName']}>
                  <DataText value={incident.title} />
                </span>
                <span className={page['soft']}>
                  {t('incidents.alert_count', { count: incident.alerts.length })} ·{' '}
                  <DataText value={incident.sites.join(', ')} />
                </span>
              </Link>
            </li>
          ))}
        </ul>
      </ListState>
    </Panel>
  );
}
