// The queue of alerts: KQL and facets in the address, the list, and one alert open beside it.
import { Switch } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { IconMoodSmile } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { Alert } from '../../../../platform/core/alert.ts';
import { alertsQuery } from '../../api/queries.ts';
import page from '../../app/page.module.css';
import { without } from '../../app/without.ts';
import { LevelBadge, Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { type GridColumn, GridList } from '../../elements/grid-list.tsx';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { PageHead } from '../../elements/panel.tsx';
import { QueryBar } from '../../elements/query-bar.tsx';
import { Moment } from '../../elements/time.tsx';
import { AlertDetail } from './alert-detail.tsx';
import { AlertGroups } from './alert-groups.tsx';
import classes from './alerts.module.css';
import { Facets } from './facets.tsx';
import { StatusPill } from './status-pill.tsx';
import { whereOf } from './where-of.ts';

export function AlertsPage() {
  const { t } = useTranslation();
  const view = useSearch({ from: '/alerts' });
  const navigate = useNavigate({ from: '/alerts' });
  const where = whereOf(view);
  const query = useInfiniteQuery(alertsQuery(where));
  const rows = query.data?.pages.flatMap(({ alerts }) => alerts) ?? [];
  const total = query.data?.pages[0]?.total;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const close = (): void => void navigate({ search: (old) => without(old, 'alert'), replace: true });
  useHotkeys([['Escape', close]]);
  const columns: readonly GridColumn<Alert>[] = [
    {
      key: 'level',
      title: t('alerts.level'),
      width: '108px',
      cell: ({ rule }) => <LevelBadge level={rule.level} />,
    },
    {
      key: 'title',
      title: t('alerts.rule'),
      width: 'minmax(180px, 2.2fr)',
      cell: (alert) => (
        <Link
          to="/alerts/$id"
          params={{ id: alert.id }}
          className={page['title'] ?? ''}
          tabIndex={-1}
          onClick={(click) => {
            // A plain click opens beside the list (the row's own click); with a modifier it is a link.
            if (!click.metaKey && !click.ctrlKey && !click.shiftKey) click.preventDefault();
            else click.stopPropagation();
          }}
        >
          <DataText value={alert.rule.name} />
        </Link>
      ),
    },
    {
      key: 'entities',
      title: t('alerts.entities'),
      width: 'minmax(120px, 1.6fr)',
      cell: ({ entities }) => (
        <span className={page['soft']}>
          <DataText mono value={entities.map(({ value }) => value).join('  ')} />
        </span>
      ),
    },
    { key: 'site', title: t('alerts.site'), width: '132px', cell: ({ site }) => <Tag value={site.id} /> },
    {
      key: 'count',
      title: t('alerts.count'),
      width: '56px',
      cell: ({ count }) => (
        <span className={page['number']} title={t('alerts.count_of', { count })}>
          × {count}
        </span>
      ),
    },
    {
      key: 'status',
      title: t('alerts.status'),
      width: '104px',
      cell: ({ status }) => <StatusPill status={status} />,
    },
    { key: 'time', title: t('alerts.last'), width: '112px', cell: ({ last }) => <Moment at={last} /> },
  ];
  const opened = view.alert;
  return (
    <div className={page['fill']}>
      <div className={page['fillHead']}>
        <PageHead
          title={t('nav.alerts')}
          note={total === undefined ? null : t('alerts.total', { count: total })}
        >
          <Switch
            size="xs"
            label={t('alerts.grouped')}
            checked={view.group === '1'}
            onChange={(change) => {
              const { checked } = change.currentTarget;
              void navigate({
                search: (old) => (checked ? { ...without(old, 'alert'), group: '1' } : without(old, 'group')),
                replace: true,
              });
            }}
          />
        </PageHead>
        <QueryBar
          value={view.where ?? ''}
          placeholder={'rule.level: high and entities.value: "82.118.225.196"'}
          error={query.error}
          onAsk={(asked) =>
            void navigate({
              search: (old) => (asked === '' ? without(old, 'where') : { ...old, where: asked }),
            })
          }
        />
        <Facets view={view} onChange={(search) => void navigate({ search, replace: true })} />
      </div>
      {view.group === '1' ? <AlertGroups where={where} /> : null}
      <div
        className={classes['split']}
        data-open={opened === undefined ? undefined : true}
        hidden={view.group === '1'}
      >
        <div className={classes['list']}>
          <ListState
            query={query}
            isEmpty={rows.length === 0}
            rows={12}
            empty={
              <Empty icon={<IconMoodSmile size={32} />} title={t('alerts.empty')}>
                {where === whereOf({}) ? t('alerts.empty_hint') : t('alerts.empty_filter')}
              </Empty>
            }
          >
            <GridList
              label={t('nav.alerts')}
              columns={
                opened === undefined
                  ? columns
                  : columns.filter(({ key }) => !WIDE_ONLY.has(key)).map(narrowed)
              }
              rows={rows}
              scope={where}
              opened={opened}
              onOpen={({ id }) =>
                void navigate({
                  search: (search) => ({ ...search, alert: id }),
                  replace: opened !== undefined,
                })
              }
              onEnd={more}
            />
          </ListState>
        </div>
        {opened === undefined ? null : (
          <aside className={classes['beside']} aria-label={t('alerts.one')}>
            <AlertDetail id={opened} onClose={close} />
          </aside>
        )}
      </div>
    </div>
  );
}

/** Beside an open alert the rule's name has what room there is. */
function narrowed(column: GridColumn<Alert>): GridColumn<Alert> {
  const width = { level: '86px', title: 'minmax(120px, 1fr)', site: '122px', time: '62px' }[column.key];
  return width === undefined ? column : { ...column, width };
}

/** Columns that give way to an open alert. */
const WIDE_ONLY: ReadonlySet<string> = new Set(['entities', 'count', 'status']);
