// Facets with counts: level, site, status; each click is a change of the address.
import { useQueries, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { kqlAnd, kqlTerm } from '../../api/kql.ts';
import { alertCountQuery, sitesQuery } from '../../api/queries.ts';
import type { AlertsView } from '../../app/view-state.ts';
import { without } from '../../app/without.ts';
import { LEVELS_BY_WEIGHT, LevelBadge } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import classes from './alerts.module.css';
import { whereOf } from './where-of.ts';

const STATUSES = ['open', 'acknowledged', 'closed'] as const;

export function Facets({ view, onChange }: { view: AlertsView; onChange: (view: AlertsView) => void }) {
  const { t } = useTranslation();
  const sites = useQuery(sitesQuery).data?.sites ?? [];
  const shared = { view, onChange };
  return (
    <div className={classes['facets']}>
      <Facet
        {...shared}
        name="level"
        field="rule.level"
        title={t('alerts.level')}
        values={LEVELS_BY_WEIGHT}
        show={(level) => <LevelBadge level={level as (typeof LEVELS_BY_WEIGHT)[number]} />}
      />
      <Facet
        {...shared}
        name="status"
        field="status"
        title={t('alerts.status')}
        values={STATUSES}
        show={(status) => t(`alert_status.${status as (typeof STATUSES)[number]}`)}
      />
      <Facet
        {...shared}
        name="site"
        field="site.id"
        title={t('alerts.site')}
        values={sites.map(({ id }) => id)}
        show={(site) => <DataText value={site} />}
      />
    </div>
  );
}

function Facet({
  view,
  onChange,
  name,
  field,
  title,
  values,
  show,
}: {
  view: AlertsView;
  onChange: (view: AlertsView) => void;
  name: 'level' | 'site' | 'status';
  field: string;
  title: string;
  values: readonly string[];
  show: (value: string) => ReactNode;
}) {
  const chosen = view[name] ?? [];
  const within = whereOf(view, name);
  const counts = useQueries({
    queries: values.map((value) => alertCountQuery(kqlAnd([within, kqlTerm(field, value)]))),
  });
  const toggle = (value: string): void => {
    const next = chosen.includes(value) ? chosen.filter((item) => item !== value) : [...chosen, value];
    onChange(next.length === 0 ? without(view, name) : { ...view, [name]: next });
  };
  return (
    <div role="group" aria-label={title} className={classes['facet']}>
      {values.map((value, position) => {
        const count = counts[position]?.data;
        if (count === 0 && !chosen.includes(value)) return null;
        return (
          <button
            type="button"
            key={value}
            aria-pressed={chosen.includes(value)}
            className={classes['facetValue']}
            onClick={() => toggle(value)}
          >
            {show(value)}
            <span className={classes['facetCount']}>{count ?? '…'}</span>
          </button>
        );
      })}
    </div>
  );
}
