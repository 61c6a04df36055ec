// One alert: why it matched, its events, entities and ATT&CK, what to do about it, and how it is handled.
import { ActionIcon, Button, SegmentedControl, Tooltip } from '@mantine/core';
import { IconArrowsMaximize, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Alert } from '../../../../platform/core/alert.ts';
import { useChangeAlert } from '../../api/acts.ts';
import { alertQuery } from '../../api/queries.ts';
import { LevelBadge, Pill, Tag } from '../../elements/badges.tsx';
import { ClassName } from '../../elements/class-name.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Failure, Loading } from '../../elements/list-states.tsx';
import { Facts } from '../../elements/panel.tsx';
import { formatSpan, Moment } from '../../elements/time.tsx';
import { ExceptionDialog } from '../../response/exception-dialog.tsx';
import { AlertEvents } from './alert-events.tsx';
import classes from './alerts.module.css';
import { KnownEntities } from './known-entities.tsx';
import { Threats } from './threats.tsx';

export function AlertDetail({
  id,
  onClose,
  wide = false,
}: {
  id: string;
  onClose?: () => void;
  wide?: boolean;
}) {
  const { t } = useTranslation();
  const query = useQuery(alertQuery(id));
  const change = useChangeAlert();
  const [excepting, setExcepting] = useState(false);
  if (query.error && !query.data) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading rows={10} />;
  const alert = query.data;
  return (
    <article className={classes['detail']} data-wide={wide || undefined}>
      <header className={classes['detailHead']}>
        <div className={classes['detailMarks']}>
          <LevelBadge level={alert.rule.level} />
          <Tag value={alert.site.id} />
          {alert.state === 'current' ? null : <Pill tone="warn">{t(`alert_state.${alert.state}`)}</Pill>}
          {alert.replayed ? <Pill>{t('alerts.replayed')}</Pill> : null}
          <span className={classes['push']} />
          {wide ? null : (
            <Tooltip label={t('alerts.own_page')}>
              <ActionIcon
                renderRoot={(props: object) => <Link to="/alerts/$id" params={{ id }} {...props} />}
                variant="subtle"
                color="gray"
                aria-label={t('alerts.own_page')}
              >
                <IconArrowsMaximize size={16} />
              </ActionIcon>
            </Tooltip>
          )}
          {onClose ? (
            <ActionIcon variant="subtle" color="gray" onClick={onClose} aria-label={t('action.close')}>
              <IconX size={18} />
            </ActionIcon>
          ) : null}
        </div>
        <h2>
          <DataText value={alert.rule.name} />
        </h2>
        <div role="group" aria-label={t('alerts.status')}>
          <SegmentedControl
            size="xs"
            value={alert.status}
            disabled={change.isPending}
            onChange={(status) => change.mutate({ id, status: status as Alert['status'] })}
            data={(['open', 'acknowledged', 'closed'] as const).map((status) => ({
              value: status,
              label: t(`alert_status.${status}`),
            }))}
          />
        </div>
        {change.error ? <Failure error={change.error} /> : null}
        {alert.rule.kind === 'plain' ? (
          <Button size="compact-xs" variant="default" onClick={() => setExcepting(true)}>
            {t('exception.open')}
          </Button>
        ) : null}
        {excepting ? <ExceptionDialog alert={alert} onClose={() => setExcepting(false)} /> : null}
      </header>
      <div className={classes['sections']}>
        <Section title={t('alerts.why')}>
          <Reasons alert={alert} />
        </Section>
        <Section title={t('alerts.entities')}>
          <KnownEntities alert={alert} />
        </Section>
        <Section title={t('alerts.events')} note={String(alert.count)}>
          <AlertEvents alert={alert} />
        </Section>
        <Section title={t('alerts.facts')}>
          <Facts
            facts={[
              [t('alerts.first'), <Moment key="first" at={alert.first} show="both" />],
              [t('alerts.last'), <Moment key="last" at={alert.last} show="both" />],
              [t('alerts.jurisdiction'), <Tag key="jurisdiction" value={alert.jurisdiction} />],
              [t('alerts.class'), <ClassName key="class" value={alert.class} />],
              [
                t('alerts.delay'),
                alert.detection_delay_ms < 10_000
                  ? t('alerts.delay_ms', { value: Math.round(alert.detection_delay_ms) })
                  : formatSpan(alert.detection_delay_ms),
              ],
              [t('alerts.scope'), t(`alert_scope.${alert.scope}`)],
              [t('alerts.rule_id'), <DataText key="rule" value={alert.rule.id} mono />],
              [t('alerts.pack'), <DataText key="pack" value={alert.rule.pack} mono />],
            ]}
          />
        </Section>
        {alert.threat.length > 0 ? (
          <Section title={t('alerts.attack')}>
            <Threats threat={alert.threat} />
          </Section>
        ) : null}
        {alert.rule.guide ? (
          <Section title={t('alerts.guide')}>
            <p className={classes['prose']}>
              <DataText value={alert.rule.guide} />
            </p>
          </Section>
        ) : null}
        {alert.rule.falsepositives?.length ? (
          <Section title={t('alerts.false_positives')}>
            <ul className={classes['bullets']}>
              {alert.rule.falsepositives.map((text) => (
                <li key={text}>
                  <DataText value={text} />
                </li>
              ))}
            </ul>
          </Section>
        ) : null}
      </div>
    </article>
  );
}

function Section({ title, note, children }: { title: string; note?: string; children: React.ReactNode }) {
  return (
    <section className={classes['section']}>
      <h3>
        {title}
        {note === undefined ? null : <span>{note}</span>}
      </h3>
      {children}
    </section>
  );
}

function Reasons({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  if (alert.reasons.length === 0) return <p className={classes['prose']}>{t('alerts.no_reasons')}</p>;
  return (
    <ul className={classes['reasons']}>
      {alert.reasons.map((reason, position) => (
        <li key={position}>
          <span className={classes['reasonField']}>
            <DataText value={reason.field} mono />
            <small>
              <DataText value={reason.selection} />
            </small>
          </span>
          <span className={classes['reasonValue']}>
            <DataText value={reason.value} mono />
            <small>
              <DataText value={reason.condition} />
            </small>
          </span>
        </li>
      ))}
    </ul>
  );
}
