// The events of an alert; each opens to its raw JSON.

import { IconChevronRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Alert } from '../../../../platform/core/alert.ts';
import { eventQuery } from '../../api/queries.ts';
import { DataText } from '../../elements/data-text.tsx';
import { JsonView } from '../../elements/json-view.tsx';
import { Failure, Loading } from '../../elements/list-states.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './alerts.module.css';
import { Explanation } from './explanation.tsx';

const FIRST = 12;

export function AlertEvents({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const events = all ? alert.events : alert.events.slice(0, FIRST);
  return (
    <>
      <ul className={classes['events']}>
        {events.map((event) => (
          <EventLine key={event.id} event={event} rule={alert.rule} />
        ))}
      </ul>
      {all || alert.events.length <= FIRST ? null : (
        <button type="button" className={classes['more']} onClick={() => setAll(true)}>
          {t('alerts.more_events', { count: alert.events.length - FIRST })}
        </button>
      )}
      {alert.count > alert.events.length ? (
        <p className={classes['prose']}>{t('alerts.events_kept', { count: alert.events.length })}</p>
      ) : null}
    </>
  );
}

function EventLine({ event, rule }: { event: Alert['events'][number]; rule: Alert['rule'] }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  return (
    <li>
      <button
        type="button"
        className={classes['event']}
        aria-expanded={opened}
        onClick={() => setOpened(!opened)}
      >
        <IconChevronRight size={14} className={classes['chevron'] ?? ''} aria-hidden="true" />
        <Moment at={event.timestamp} />
        <span className={classes['dataset']}>
          <DataText value={event.dataset} />
        </span>
        <span className={classes['summary']}>
          <DataText value={event.summary ?? event.id} mono={event.summary === undefined} />
        </span>
      </button>
      {opened && rule.kind === 'plain' ? <Explanation rule={rule.id} event={event.id} /> : null}
      {opened ? <RawEvent id={event.id} label={t('alerts.raw')} /> : null}
    </li>
  );
}

function RawEvent({ id, label }: { id: string; label: string }) {
  const { t } = useTranslation();
  const query = useQuery(eventQuery(id));
  if (query.error) {
    return (
      <>
        <p className={classes['prose']}>{t('alerts.raw_stays')}</p>
        <Failure error={query.error} retry={() => void query.refetch()} />
      </>
    );
  }
  return query.data ? <JsonView value={query.data} label={label} /> : <Loading rows={4} />;
}
