// Searching events: KQL, time, histogram, fields, and pages of results; the address holds it all.

import { Button } from '@mantine/core';
import { IconListSearch } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { kqlAnd } from '../../api/kql.ts';
import { eventsQuery } from '../../api/search-queries.ts';
import page from '../../app/page.module.css';
import type { SearchView } from '../../app/view-state.ts';
import { without } from '../../app/without.ts';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { PageHead } from '../../elements/panel.tsx';
import { QueryBar } from '../../elements/query-bar.tsx';
import { EventRows } from './event-rows.tsx';
import { FieldList } from './field-list.tsx';
import classes from './search.module.css';
import { TimeRange } from './time-range.tsx';
import { intervalOf, scopeOf } from './time-scope.ts';

const Histogram = lazy(() => import('./histogram.tsx'));

export function SearchPage() {
  const { t } = useTranslation();
  const view = useSearch({ from: '/search' });
  const navigate = useNavigate({ from: '/search' });
  const [asked, setAsked] = useState(() => Date.now());
  const scope = useMemo(() => scopeOf(view, asked), [view, asked]);
  const query = useInfiniteQuery(eventsQuery(scope));
  const events = query.data?.pages.flatMap((part) => part.events) ?? [];
  const unanswered = [...new Set(query.data?.pages.flatMap((part) => part.unanswered))];
  const ask = (next: SearchView): void => {
    setAsked(Date.now());
    void navigate({ search: next });
  };
  const askFor = (q: string): void => {
    ask(q === '' ? without(view, 'q') : { ...view, q });
  };
  const addFilter = (term: string): void => askFor(kqlAnd([view.q, term]));
  const withTime = (time: Pick<SearchView, 'last' | 'from' | 'to'>): void =>
    ask({ ...(view.q === undefined ? {} : { q: view.q }), ...time });
  return (
    <div className={page['page']}>
      <PageHead title={t('nav.search')} note={t('search.note')} />
      <div className={classes['bar']}>
        <QueryBar
          value={view.q ?? ''}
          placeholder={'event.dataset: kubernetes.audit and user.name: *hmi*'}
          error={query.error}
          onAsk={askFor}
        />
        <TimeRange view={view} scope={scope} onChange={withTime} />
      </div>
      <Suspense fallback={<div className={classes['chart']} />}>
        <Histogram
          scope={scope}
          interval_ms={intervalOf(scope)}
          onNarrow={(from, to) =>
            withTime({ from: new Date(from).toISOString(), to: new Date(to).toISOString() })
          }
        />
      </Suspense>
      {unanswered.length > 0 ? (
        <p role="status" className={classes['unanswered']}>
          {t('search.unanswered')} <bdi translate="no">{unanswered.join(', ')}</bdi>
        </p>
      ) : null}
      <div className={classes['columns']}>
        <FieldList scope={scope} onFilter={addFilter} />
        <section className={classes['results']} aria-label={t('search.results')}>
          <ListState
            query={query}
            isEmpty={events.length === 0}
            rows={10}
            empty={
              <Empty icon={<IconListSearch size={32} />} title={t('search.empty')}>
                {t('search.empty_hint')}
              </Empty>
            }
          >
            <EventRows events={events} onFilter={addFilter} />
            {query.hasNextPage ? (
              <Button
                variant="default"
                m="sm"
                loading={query.isFetchingNextPage}
                onClick={() => void query.fetchNextPage()}
              >
                {t('search.more')}
              </Button>
            ) : (
              <p className={classes['end']}>{t('search.end', { count: events.length })}</p>
            )}
          </ListState>
        </section>
      </div>
    </div>
  );
}
