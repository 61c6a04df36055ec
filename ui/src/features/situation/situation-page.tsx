// All sites on one screen, what needs a person now, and what came in lately.

import { IconBuildingFactory2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { sitesQuery } from '../../api/queries.ts';
import page from '../../app/page.module.css';
import { Empty, ListState } from '../../elements/list-states.tsx';
import { PageHead, Panel } from '../../elements/panel.tsx';
import { Attention } from './attention.tsx';
import { Figures } from './figures.tsx';
import { LatestAlerts } from './latest-alerts.tsx';
import { OpenIncidents } from './open-incidents.tsx';
import { SiteCard } from './site-card.tsx';
import classes from './situation.module.css';

const TIERS = ['centre', 'region', 'edge'] as const;

export function SituationPage() {
  const { t } = useTranslation();
  const query = useQuery(sitesQuery);
  const sites = (query.data?.sites ?? []).toSorted(
    (a, b) => TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier) || (a.id < b.id ? -1 : 1),
  );
  return (
    <div className={page['page']}>
      <PageHead title={t('nav.situation')} />
      <Figures sites={sites} />
      <Attention />
      <Panel title={t('situation.sites')} count={query.data ? sites.length : undefined} flush>
        <ListState
          query={query}
          isEmpty={sites.length === 0}
          rows={4}
          empty={
            <Empty icon={<IconBuildingFactory2 size={32} />} title={t('situation.no_sites')}>
              {t('situation.no_sites_hint')}
            </Empty>
          }
        >
          <ul className={classes['sites']}>
            {sites.map((site) => (
              <SiteCard key={site.id} site={site} />
            ))}
          </ul>
        </ListState>
      </Panel>
      <div className={page['columns']}>
        <LatestAlerts />
        <OpenIncidents />
      </div>
    </div>
  );
}
