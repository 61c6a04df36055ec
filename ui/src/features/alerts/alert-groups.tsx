// Alerts of one rule and key that go on for hours or days, as one row each with how many, since when and until when.
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { AlertGroup } from '../../../../server/api/alert-contract.ts';
import { kqlOneOf } from '../../api/kql.ts';
import { alertGroupsQuery } from '../../api/queries.ts';
import page from '../../app/page.module.css';
import { LevelBadge, Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './alerts.module.css';

/** Ids that one query may name. */
const MOST_IDS = 100;

export function AlertGroups({ where }: { where: string }) {
  const { t } = useTranslation();
  const query = useQuery(alertGroupsQuery(where));
  const groups = query.data?.groups ?? [];
  return (
    <div className={classes['groups']}>
      <ListState
        query={query}
        isEmpty={groups.length === 0}
        rows={12}
        empty={<Empty title={t('alerts.empty')}>{t('alerts.empty_filter')}</Empty>}
      >
        <table className={page['table']}>
          <thead>
            <tr>
              <th>{t('alerts.level')}</th>
              <th>{t('alerts.rule')}</th>
              <th>{t('alerts.entities')}</th>
              <th>{t('alerts.site')}</th>
              <th>{t('alerts.count')}</th>
              <th>{t('alerts.since')}</th>
              <th>{t('alerts.last')}</th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <Row key={group.latest.id} group={group} />
            ))}
          </tbody>
        </table>
        {query.data?.complete === false ? (
          <p className={classes['notAll']}>{t('alerts.not_all', { count: query.data.alerts })}</p>
        ) : null}
      </ListState>
    </div>
  );
}

/** The site has a column of its own. */
function keyOf(key: AlertGroup['latest']['key']): string {
  return Object.entries(key)
    .filter(([field]) => field !== 'picket.site.id')
    .map(([, value]) => value)
    .join('  ');
}

function Row({ group }: { group: AlertGroup }) {
  const { t } = useTranslation();
  const { latest, alerts, count, first, last } = group;
  const several = kqlOneOf('id', alerts.slice(0, MOST_IDS));
  return (
    <tr>
      <td>
        <LevelBadge level={latest.rule.level} />
      </td>
      <td>
        <Link to="/alerts/$id" params={{ id: latest.id }} className={page['title'] ?? ''}>
          <DataText value={latest.rule.name} />
        </Link>
      </td>
      <td className={page['soft']}>
        <DataText mono value={keyOf(latest.key)} />
      </td>
      <td>
        <Tag value={latest.site.id} />
      </td>
      <td className={page['number']}>
        {alerts.length > 1 && several !== undefined ? (
          <Link to="/alerts" search={{ where: several }} className={page['link'] ?? ''}>
            {t('alerts.in_row', { count: alerts.length })}
          </Link>
        ) : null}{' '}
        × {count}
      </td>
      <td>
        <Moment at={first} />
      </td>
      <td>
        <Moment at={last} />
      </td>
    </tr>
  );
}
