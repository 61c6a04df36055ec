// Every leased change of every site: what holds now, and what has ended.
import { IconClockShield } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { changesQuery } from '../../api/queries.ts';
import page from '../../app/page.module.css';
import { useNow } from '../../elements/clock.tsx';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { PageHead, Panel } from '../../elements/panel.tsx';
import { ChangeCard, isHeld } from '../../response/change-card.tsx';

export function ChangesPage() {
  const { t } = useTranslation();
  const now = useNow();
  const query = useQuery(changesQuery);
  const changes = query.data?.changes ?? [];
  const held = changes.filter((change) => isHeld(change, now));
  const past = changes.filter((change) => !isHeld(change, now));
  return (
    <div className={page['page']}>
      <PageHead title={t('nav.changes')} note={t('changes.note')} />
      <ListState
        query={query}
        isEmpty={changes.length === 0}
        empty={
          <Empty icon={<IconClockShield size={32} />} title={t('changes.empty')}>
            {t('changes.empty_hint')}
          </Empty>
        }
      >
        <Panel title={t('changes.held')} count={held.length} flush>
          {held.length === 0 ? <Empty title={t('changes.none_held')} /> : null}
          {held.map((change) => (
            <ChangeCard key={`${change.site} ${change.id}`} change={change} />
          ))}
        </Panel>
        {past.length > 0 ? (
          <Panel title={t('changes.past')} count={past.length} flush>
            {past.map((change) => (
              <ChangeCard key={`${change.site} ${change.id}`} change={change} />
            ))}
          </Panel>
        ) : null}
      </ListState>
    </div>
  );
}
