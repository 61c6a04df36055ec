// One site: identity, link, what it took in and what became of it, its posture, its open alerts.
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { postureQuery, siteQuery } from '../../api/queries.ts';
import page from '../../app/page.module.css';
import { Pill, Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Empty, Failure, Loading } from '../../elements/list-states.tsx';
import { Facts, PageHead, Panel } from '../../elements/panel.tsx';
import { LINK_TONES } from '../../elements/site-health.ts';
import { Moment } from '../../elements/time.tsx';
import { actionName } from '../../response/action-name.ts';
import { Counters } from './counters.tsx';

export function SitePage() {
  const { t } = useTranslation();
  const { id } = useParams({ from: '/sites/$id' });
  const query = useQuery(siteQuery(id));
  const posture = useQuery(postureQuery(id));
  if (query.error && !query.data) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading rows={10} />;
  const site = query.data;
  const report = posture.data?.report ?? site.posture;
  const none = <span className={page['faint']}>–</span>;
  return (
    <div className={page['page']}>
      <PageHead title={<DataText value={site.name} />} note={<Tag value={site.id} />}>
        <Pill tone={LINK_TONES[site.link]}>{t(`link.${site.link}`)}</Pill>
      </PageHead>
      <div className={`${page['columns']} ${page['asideFirst']}`}>
        <div className={page['stack']}>
          <Panel title={t('site.counters')} flush>
            {site.heartbeat && site.heartbeat.counters.length > 0 ? (
              <Counters counters={site.heartbeat.counters} />
            ) : (
              <Empty title={t('site.no_heartbeat')}>{t('site.no_heartbeat_hint')}</Empty>
            )}
          </Panel>
        </div>
        <div className={page['stack']}>
          <Panel title={t('site.identity')}>
            <Facts
              facts={[
                [t('site.tier'), t(`tier.${site.tier}`)],
                [t('alerts.jurisdiction'), <Tag key="jurisdiction" value={site.jurisdiction} />],
                [t('site.tenant'), <DataText key="tenant" value={site.tenant} />],
                [t('site.parent'), site.parent ? <DataText key="parent" value={site.parent} /> : none],
                [t('site.state_label'), t(`site_state.${site.state}`)],
                [
                  t('site.enrolled'),
                  site.enrolled ? <Moment key="enrolled" at={site.enrolled} show="both" /> : none,
                ],
                [
                  t('site.seen'),
                  site.last_seen ? <Moment key="seen" at={site.last_seen} show="both" /> : none,
                ],
                [
                  t('site.version'),
                  site.heartbeat ? <DataText key="version" value={site.heartbeat.version} /> : none,
                ],
                [
                  t('site.open_alerts'),
                  <Link
                    key="alerts"
                    to="/alerts"
                    search={{ site: [site.id], status: ['open'] }}
                    className={page['link'] ?? ''}
                  >
                    {site.open_alerts}
                  </Link>,
                ],
              ]}
            />
          </Panel>
          <Panel title={t('site.link_title')}>
            <Facts
              facts={[
                ...(site.parent_link
                  ? ([
                      [
                        t('site.parent_link'),
                        <span key="parent_link">
                          {t(`parent_link.${site.parent_link.state}`)}
                          {site.parent_link.code === undefined ? null : (
                            <>
                              {' · '}
                              <DataText value={site.parent_link.code} mono />
                            </>
                          )}
                        </span>,
                      ],
                    ] as const)
                  : []),
                [t('site.spool'), site.heartbeat ? String(site.heartbeat.spool.records) : none],
                [
                  t('site.spool_oldest'),
                  site.heartbeat?.spool.oldest ? (
                    <Moment key="oldest" at={site.heartbeat.spool.oldest} show="both" />
                  ) : (
                    none
                  ),
                ],
                [t('site.batch'), site.batch ? String(site.batch.sequence) : none],
                [
                  t('site.certificate'),
                  site.certificate ? (
                    <Moment key="after" at={site.certificate.not_after} show="both" />
                  ) : (
                    none
                  ),
                ],
                [
                  t('site.spiffe'),
                  site.certificate ? <DataText key="spiffe" value={site.certificate.spiffe_id} mono /> : none,
                ],
                [
                  t('site.fingerprint'),
                  site.certificate ? (
                    <DataText key="fingerprint" value={site.certificate.fingerprint} mono />
                  ) : (
                    none
                  ),
                ],
              ]}
            />
          </Panel>
          <Panel title={t('site.posture')}>
            <Facts
              facts={[
                [t('site.ordered'), posture.data?.posture ? `v${posture.data.posture.version}` : none],
                [t('site.held'), report ? `v${report.version}` : none],
                ...(report?.refused
                  ? [[t('site.refused'), <DataText key="refused" value={report.refused.reason} />] as const]
                  : []),
                ...(posture.data?.posture?.entries ?? []).map((entry) => {
                  const told = report?.entries.find((candidate) => candidate.id === entry.id);
                  return [
                    actionName(t, entry.action),
                    <span key={entry.id} className={page['tags']}>
                      <DataText value={Object.values(entry.parameters).map(String).join(', ')} mono />
                      <Pill tone={told?.state === 'applied' ? 'good' : 'warn'}>
                        {t(`change.state.${told?.state ?? 'ordered'}`)}
                      </Pill>
                    </span>,
                  ] as const;
                }),
              ]}
            />
          </Panel>
        </div>
      </div>
    </div>
  );
}
