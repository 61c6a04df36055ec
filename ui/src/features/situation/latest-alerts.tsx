// The alerts that came last, high ones lit.
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { alertsQuery } from '../../api/queries.ts';
import page from '../../app/page.module.css';
import { LevelBadge, Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { Panel } from '../../elements/panel.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './situation.module.css';

export function LatestAlerts() {
  const { t } = useTranslation();
  const query = useInfiniteQuery(alertsQuery('state: current and not status: closed', 10));
  const alerts = query.data?.pages[0]?.alerts ?? [];
  return (
    <Panel
      title={t('situation.latest')}
      flush
      actions={
        <Link to="/alerts" className={page['link'] ?? ''}>
          {t('situation.all')}
        </Link>
      }
    >
      <ListState
        query={query}
        isEmpty={alerts.length === 0}
        empty={<Empty title={t('alerts.empty')}>{t('alerts.empty_hint')}</Empty>}
      >
        <ul>
          {alerts.map((alert) => (
            <li key={alert.id}>
              <Link to="/alerts" search={{ alert: alert.id }} className={classes['line'] ?? ''}>
                <LevelBadge level={alert.rule.level} />
                <span className={classes['lineName']}>
                  <DataText value={alert.rule.name} />
                </span>
                <Tag value={alert.site.id} />
                <Moment at={alert.last} />
              </Link>
            </li>
          ))}
        </ul>
      </ListState>
    </Panel>
  );
}
