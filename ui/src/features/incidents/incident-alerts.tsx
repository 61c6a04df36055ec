// The alerts of a case, oldest first.
import { Link } from '@tanstack/react-router';
import type { Alert } from '../../../../platform/core/alert.ts';
import { LevelBadge, Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './incidents.module.css';

export function IncidentAlerts({ alerts }: { alerts: readonly Alert[] }) {
  const oldestFirst = alerts.toSorted((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  return (
    <ul className={classes['alerts']}>
      {oldestFirst.map((alert) => (
        <li key={alert.id}>
          <Link to="/alerts/$id" params={{ id: alert.id }} className={classes['alert'] ?? ''}>
            <LevelBadge level={alert.rule.level} short />
            <span className={classes['alertName']}>
              <DataText value={alert.rule.name} />
            </span>
            <Tag value={alert.site.id} />
            <Moment at={alert.first} />
          </Link>
        </li>
      ))}
    </ul>
  );
}
