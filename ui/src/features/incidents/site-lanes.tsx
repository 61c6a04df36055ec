// The alerts of a case as marks in time, one lane a site: the shape of the story at a glance.

import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Alert } from '../../../../platform/core/alert.ts';
import { DataText } from '../../elements/data-text.tsx';
import { makeVisible } from '../../elements/split-visible.ts';
import { formatMoment } from '../../elements/time.tsx';
import classes from './incidents.module.css';

export function SiteLanes({ alerts, sites }: { alerts: readonly Alert[]; sites: readonly string[] }) {
  const { t, i18n } = useTranslation();
  if (alerts.length < 2) return null;
  const times = alerts.flatMap(({ first, last }) => [Date.parse(first), Date.parse(last)]);
  const start = Math.min(...times);
  const span = Math.max(1_000, Math.max(...times) - start);
  const place = (at: string): number => ((Date.parse(at) - start) / span) * 100;
  return (
    <figure className={classes['lanes']} aria-label={t('incidents.lanes')}>
      {sites.map((site) => (
        <div key={site} className={classes['lane']}>
          <span className={classes['laneName']}>
            <DataText value={site} />
          </span>
          <span className={classes['track']}>
            {alerts
              .filter((alert) => alert.site.id === site)
              .map((alert) => (
                <Link
                  key={alert.id}
                  to="/alerts/$id"
                  params={{ id: alert.id }}
                  className={classes['mark'] ?? ''}
                  data-level={alert.rule.level}
                  style={{
                    insetInlineStart: `${place(alert.first)}%`,
                    width: `max(9px, ${place(alert.last) - place(alert.first)}%)`,
                  }}
                  title={`${formatMoment(Date.parse(alert.first), i18n.language)} ${makeVisible(alert.rule.name)}`}
                  aria-label={makeVisible(alert.rule.name)}
                  translate="no"
                  tabIndex={-1}
                />
              ))}
          </span>
        </div>
      ))}
      <figcaption className={classes['laneTimes']}>
        <span>{formatMoment(start, i18n.language)}</span>
        <span>{formatMoment(start + span, i18n.language)}</span>
      </figcaption>
    </figure>
  );
}
