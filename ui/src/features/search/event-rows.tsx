// The events found; each opens to its fields and its JSON.
import { IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PicketEvent } from '../../../../platform/core/event.ts';
import { Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { JsonView } from '../../elements/json-view.tsx';
import { Moment } from '../../elements/time.tsx';
import { useListKeys } from '../../elements/use-list-keys.ts';
import classes from './search.module.css';
import { summariseEvent } from './summarise-event.ts';

export function EventRows({
  events,
  onFilter,
}: {
  events: readonly PicketEvent[];
  onFilter: (term: string) => void;
}) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<ReadonlySet<string>>(() => new Set());
  const toggle = (id: string): void => {
    const next = new Set(opened);
    if (!next.delete(id)) next.add(id);
    setOpened(next);
  };
  const { active } = useListKeys({
    count: events.length,
    onOpen: (row) => {
      const event = events[row];
      if (event) toggle(event.event.id);
    },
    onMove: (row) => document.querySelector(`[data-event="${row}"]`)?.scrollIntoView({ block: 'nearest' }),
  });
  return (
    <ul className={classes['events']}>
      {events.map((event, row) => {
        const { id, dataset } = event.event;
        const open = opened.has(id);
        return (
          <li key={id} data-event={row} data-active={row === active || undefined}>
            <button
              type="button"
              className={classes['event']}
              aria-expanded={open}
              onClick={() => toggle(id)}
            >
              <IconChevronRight size={14} className={classes['chevron'] ?? ''} aria-hidden="true" />
              <Moment at={event['@timestamp']} />
              <Tag value={event.picket.site.id} />
              <span className={classes['dataset']}>
                <DataText value={dataset} />
              </span>
              <span className={classes['summary']}>
                <DataText value={summariseEvent(event)} />
              </span>
            </button>
            {open ? (
              <div className={classes['opened']}>
                <button
                  type="button"
                  className={classes['around']}
                  onClick={() =>
                    onFilter(`event.dataset: "${dataset}" and picket.site.id: "${event.picket.site.id}"`)
                  }
                >
                  {t('search.same')}
                </button>
                <JsonView value={event} label={t('search.json')} />
              </div>
            ) : null}
          </li>
        );
      })}
    </ul>
  );
}
