// One site at a glance: link, alerts, spool, certificate, counters, posture, and its events of the last hour.
import { IconArrowUpRight, IconBuildingFactory2, IconHome, IconTopologyStar3 } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { SiteView } from '../../../../server/api/contract.ts';
import { Pill, Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { LINK_TONES, sumCounters } from '../../elements/site-health.ts';
import { Moment } from '../../elements/time.tsx';
import classes from './situation.module.css';
import { Sparkline } from './sparkline.tsx';

const ICONS = { centre: IconHome, region: IconTopologyStar3, edge: IconBuildingFactory2 } as const;

export function SiteCard({ site }: { site: SiteView }) {
  const { t, i18n } = useTranslation();
  const Icon = ICONS[site.tier];
  const number = new Intl.NumberFormat(i18n.language, { notation: 'compact' });
  const counters = site.heartbeat?.counters;
  return (
    <li className={classes['site']} data-site={site.id} data-link={site.link}>
      <header>
        <Icon size={18} stroke={1.6} aria-hidden="true" />
        <Link to="/sites/$id" params={{ id: site.id }} className={classes['siteName'] ?? ''}>
          <DataText value={site.name} />
          <IconArrowUpRight size={14} aria-hidden="true" />
        </Link>
        <Pill tone={LINK_TONES[site.link]}>{t(`link.${site.link}`)}</Pill>
      </header>
      <div className={classes['siteTags']}>
        <span>{t(`tier.${site.tier}`)}</span>
        <Tag value={site.jurisdiction} />
        {site.name.toLowerCase().replaceAll(' ', '-') === site.id ? null : <Tag value={site.id} />}
        {site.last_seen === undefined || site.link === 'self' ? null : (
          <span>
            {t('site.seen')} <Moment at={site.last_seen} show="relative" />
          </span>
        )}
      </div>
      <Sparkline site={site.id} />
      <dl>
        <div>
          <dt>{t('site.open_alerts')}</dt>
          <dd>
            <Link
              to="/alerts"
              search={{ site: [site.id], status: ['open'] }}
              data-some={site.open_alerts > 0}
            >
              {number.format(site.open_alerts)}
            </Link>
          </dd>
        </div>
        <div>
          <dt>{t('site.received')}</dt>
          <dd>{counters ? number.format(sumCounters(counters, 'receive', 'received')) : '–'}</dd>
        </div>
        <div>
          <dt>{t('site.accepted')}</dt>
          <dd>{counters ? number.format(sumCounters(counters, 'normalise', 'accepted')) : '–'}</dd>
        </div>
        <div>
          <dt>{t('site.dead')}</dt>
          <dd>{counters ? number.format(sumCounters(counters, 'normalise', 'dead-lettered')) : '–'}</dd>
        </div>
        <div>
          <dt>{t('site.spool')}</dt>
          <dd>{site.heartbeat ? number.format(site.heartbeat.spool.records) : '–'}</dd>
        </div>
        <div>
          <dt>{t('site.batch')}</dt>
          <dd>{site.batch ? number.format(site.batch.sequence) : '–'}</dd>
        </div>
        <div>
          <dt>{t('site.posture')}</dt>
          <dd>{site.posture ? `v${site.posture.version}` : '–'}</dd>
        </div>
        <div>
          <dt>{t('site.certificate')}</dt>
          <dd>{site.certificate ? <Moment at={site.certificate.not_after} show="relative" /> : '–'}</dd>
        </div>
      </dl>
    </li>
  );
}
