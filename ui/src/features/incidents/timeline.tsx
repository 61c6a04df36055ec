// The story of a case line by line, oldest first: alerts, notes, steps of runs, changes at sites.
import { IconAlertTriangle, IconArrowsExchange, IconMessage, IconRoute } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Alert } from '../../../../platform/core/alert.ts';
import type { PlaybookRun } from '../../../../platform/core/playbook-run.ts';
import type { ChangeView, TimelineEntry } from '../../../../server/api/contract.ts';
import { LevelBadge, Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Moment } from '../../elements/time.tsx';
import { actionName } from '../../response/action-name.ts';
import classes from './incidents.module.css';

const ICONS = {
  alert: IconAlertTriangle,
  note: IconMessage,
  run: IconRoute,
  change: IconArrowsExchange,
} as const;

interface Sources {
  readonly alerts: readonly Alert[];
  readonly runs: readonly PlaybookRun[];
  readonly changes: readonly ChangeView[];
}

export function Timeline({ timeline, ...sources }: { timeline: readonly TimelineEntry[] } & Sources) {
  const { t } = useTranslation();
  return (
    <ol className={classes['timeline']}>
      {timeline.map((entry, position) => {
        const Icon = ICONS[entry.kind];
        return (
          <li key={`${entry.at} ${entry.kind} ${position}`} data-kind={entry.kind} data-level={entry.level}>
            <span className={classes['node']}>
              <Icon size={13} role="img" aria-label={t(`timeline.${entry.kind}`)} />
            </span>
            <div className={classes['entry']}>
              <div className={classes['entryHead']}>
                <Moment at={entry.at} show="both" />
                {entry.site === undefined ? null : <Tag value={entry.site} />}
                {entry.level === undefined ? null : <LevelBadge level={entry.level} />}
              </div>
              <div className={classes['entryTitle']}>
                <EntryTitle entry={entry} {...sources} />
              </div>
              <EntryDetail entry={entry} />
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function EntryTitle({ entry, changes }: { entry: TimelineEntry } & Sources): ReactNode {
  const { t } = useTranslation();
  const { kind, ref, title } = entry;
  if (kind === 'alert' && ref !== undefined) {
    return (
      <Link to="/alerts/$id" params={{ id: ref }} className={classes['entryLink'] ?? ''}>
        <DataText value={title} />
      </Link>
    );
  }
  const change = kind === 'change' ? changes.find(({ id }) => id === ref) : undefined;
  if (change) {
    return (
      <>
        {actionName(t, change.action)}: {t(`change.state.${change.state}`)}
      </>
    );
  }
  return <DataText value={title} />;
}

const STEP_STATES = ['pending', 'running', 'waiting', 'succeeded', 'failed', 'skipped', 'timed-out'] as const;

function EntryDetail({ entry }: { entry: TimelineEntry }): ReactNode {
  const { t } = useTranslation();
  const { detail, kind } = entry;
  if (detail === undefined || detail === '') return null;
  const state = kind === 'run' ? STEP_STATES.find((known) => known === detail) : undefined;
  return (
    <p className={classes['entryDetail']}>{state ? t(`step_state.${state}`) : <DataText value={detail} />}</p>
  );
}
