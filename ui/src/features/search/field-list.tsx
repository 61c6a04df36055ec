// The fields that analysts ask first; each opens to its most frequent values, which add or exclude.
import { IconChevronRight, IconMinus, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { kqlTerm } from '../../api/kql.ts';
import { type SearchScope, topValuesQuery } from '../../api/search-queries.ts';
import { DataText } from '../../elements/data-text.tsx';
import { Failure, Loading } from '../../elements/list-states.tsx';
import { makeVisible } from '../../elements/split-visible.ts';
import classes from './search.module.css';

const FIELDS = [
  'picket.site.id',
  'event.dataset',
  'picket.jurisdiction',
  'event.action',
  'event.outcome',
  'user.name',
  'host.name',
  'source.ip',
  'destination.ip',
  'destination.port',
  'process.name',
  'orchestrator.resource.type',
  'orchestrator.resource.name',
  'rule.name',
] as const;

export function FieldList({ scope, onFilter }: { scope: SearchScope; onFilter: (term: string) => void }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<ReadonlySet<string>>(
    () => new Set(['picket.site.id', 'event.dataset']),
  );
  const toggle = (field: string): void => {
    const next = new Set(opened);
    if (!next.delete(field)) next.add(field);
    setOpened(next);
  };
  return (
    <section className={classes['fields']} aria-label={t('search.fields')}>
      <h2>{t('search.fields')}</h2>
      <ul>
        {FIELDS.map((field) => (
          <li key={field}>
            <button
              type="button"
              className={classes['field']}
              aria-expanded={opened.has(field)}
              onClick={() => toggle(field)}
            >
              <IconChevronRight size={13} className={classes['chevron'] ?? ''} aria-hidden="true" />
              <DataText value={field} mono />
            </button>
            {opened.has(field) ? <TopValues field={field} scope={scope} onFilter={onFilter} /> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}

function TopValues({
  field,
  scope,
  onFilter,
}: {
  field: string;
  scope: SearchScope;
  onFilter: (term: string) => void;
}) {
  const { t, i18n } = useTranslation();
  const query = useQuery(topValuesQuery(scope, field));
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading rows={3} />;
  const { values } = query.data;
  const most = values[0]?.count ?? 1;
  if (values.length === 0) return <p className={classes['none']}>{t('search.no_values')}</p>;
  return (
    <ul className={classes['values']}>
      {values.map(({ value, count }) => (
        <li key={value}>
          <span
            className={classes['share']}
            style={{ width: `${(count / most) * 100}%` }}
            aria-hidden="true"
          />
          <span className={classes['value']} title={makeVisible(value)} translate="no">
            <DataText value={value} />
          </span>
          <span className={classes['valueCount']}>{count.toLocaleString(i18n.language)}</span>
          <button
            type="button"
            aria-label={`${t('search.only')}: ${makeVisible(value)}`}
            title={t('search.only')}
            onClick={() => onFilter(kqlTerm(field, value))}
          >
            <IconPlus size={13} />
          </button>
          <button
            type="button"
            aria-label={`${t('search.without')}: ${makeVisible(value)}`}
            title={t('search.without')}
            onClick={() => onFilter(`not ${kqlTerm(field, value)}`)}
          >
            <IconMinus size={13} />
          </button>
        </li>
      ))}
    </ul>
  );
}
