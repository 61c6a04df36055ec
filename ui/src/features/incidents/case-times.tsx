// How long a case took, and the medians of the last thirty days.
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { IncidentDetail } from '../../../../server/api/contract.ts';
import { incidentMetricsQuery } from '../../api/queries.ts';
import { formatSpan } from '../../elements/time.tsx';
import classes from './casework.module.css';

const TIMES = ['detect', 'acknowledge', 'contain', 'close'] as const;

export function CaseTimes({ times }: { times: IncidentDetail['times'] }) {
  const { t } = useTranslation();
  return (
    <p className={classes['times']}>
      {TIMES.map((name) => {
        const span = times[`${name}_ms`];
        return span === undefined ? null : (
          <span key={name}>
            {t(`casework.times.${name}`)} <b>{formatSpan(span)}</b>
          </span>
        );
      })}
    </p>
  );
}

/** Nothing until a case was worked. */
export function MedianTimes() {
  const { t } = useTranslation();
  const { data } = useQuery(incidentMetricsQuery);
  const known = TIMES.filter((name) => data?.[name].p50_ms !== undefined);
  if (!data || known.length === 0) return null;
  return (
    <p className={classes['times']}>
      <span>{t('casework.metrics')}</span>
      {known.map((name) => (
        <span key={name}>
          {t(`casework.mean.${name}`)} <b>{formatSpan(data[name].p50_ms ?? 0)}</b>
        </span>
      ))}
    </p>
  );
}
