// The list of cases: newest first, narrowed by status and KQL.
import { IconStack2 } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { Incident } from '../../../../platform/core/incident.ts';
import { kqlAnd, kqlOneOf } from '../../api/kql.ts';
import { incidentsQuery } from '../../api/queries.ts';
import page from '../../app/page.module.css';
import { without } from '../../app/without.ts';
import { LevelBadge, Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { type GridColumn, GridList } from '../../elements/grid-list.tsx';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { PageHead } from '../../elements/panel.tsx';
import { QueryBar } from '../../elements/query-bar.tsx';
import { Moment } from '../../elements/time.tsx';
import { MedianTimes } from './case-times.tsx';
import { IncidentStatusPill } from './incident-status.tsx';
import { StatusFilter } from './status-filter.tsx';

export function IncidentsPage() {
  const { t } = useTranslation();
  const view = useSearch({ from: '/incidents' });
  const navigate = useNavigate({ from: '/incidents' });
  const where = kqlAnd([view.where, kqlOneOf('status', view.status ?? [])]);
  const query = useInfiniteQuery(incidentsQuery(where));
  const rows = query.data?.pages.flatMap(({ incidents }) => incidents) ?? [];
  const total = query.data?.pages[0]?.total;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const columns: readonly GridColumn<Incident>[] = [
    {
      key: 'level',
      title: t('alerts.level'),
      width: '108px',
      cell: ({ level }) => <LevelBadge level={level} />,
    },
    {
      key: 'title',
      title: t('incidents.title'),
      width: 'minmax(220px, 3fr)',
      cell: ({ id, title }) => (
        <Link to="/incidents/$id" params={{ id }} className={page['title'] ?? ''} tabIndex={-1}>
          <DataText value={title} />
        </Link>
      ),
    },
    {
      key: 'sites',
      title: t('incidents.sites'),
      width: 'minmax(150px, 1.2fr)',
      cell: ({ sites }) => (
        <span className={page['tags']}>
          {sites.map((site) => (
            <Tag key={site} value={site} />
          ))}
        </span>
      ),
    },
    {
      key: 'alerts',
      title: t('incidents.alerts'),
      width: '72px',
      cell: ({ alerts }) => (
        <span className={page['number']}>{t('incidents.alert_count', { count: alerts.length })}</span>
      ),
    },
    {
      key: 'owner',
      title: t('incidents.owner'),
      width: '110px',
      cell: ({ owner }) =>
        owner === undefined ? (
          <span className={page['faint']}>{t('incidents.nobody')}</span>
        ) : (
          <DataText value={owner} />
        ),
    },
    {
      key: 'status',
      title: t('alerts.status'),
      width: '108px',
      cell: ({ status }) => <IncidentStatusPill status={status} />,
    },
    {
      key: 'time',
      title: t('incidents.updated'),
      width: '112px',
      cell: ({ updated }) => <Moment at={updated} />,
    },
  ];
  return (
    <div className={page['fill']}>
      <div className={page['fillHead']}>
        <PageHead
          title={t('nav.incidents')}
          note={total === undefined ? null : t('incidents.total', { count: total })}
        >
          <StatusFilter
            value={view.status ?? []}
            onChange={(status) =>
              void navigate({
                search: (old) => (status.length === 0 ? without(old, 'status') : { ...old, status }),
                replace: true,
              })
            }
          />
        </PageHead>
        <MedianTimes />
        <QueryBar
          value={view.where ?? ''}
          placeholder={'level: critical and sites: factory-lyon'}
          error={query.error}
          onAsk={(asked) =>
            void navigate({
              search: (old) => (asked === '' ? without(old, 'where') : { ...old, where: asked }),
            })
          }
        />
      </div>
      <ListState
        query={query}
        isEmpty={rows.length === 0}
        empty={
          <Empty icon={<IconStack2 size={32} />} title={t('incidents.empty')}>
            {where === '' ? t('incidents.empty_hint') : t('alerts.empty_filter')}
          </Empty>
        }
      >
        <GridList
          label={t('nav.incidents')}
          columns={columns}
          rows={rows}
          scope={where}
          onOpen={({ id }) => void navigate({ to: '/incidents/$id', params: { id } })}
          onEnd={more}
        />
      </ListState>
    </div>
  );
}
