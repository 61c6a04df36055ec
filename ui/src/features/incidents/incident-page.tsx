// One case: what happened over all sites, what is asked, what was changed, and what people said.
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { incidentQuery } from '../../api/queries.ts';
import page from '../../app/page.module.css';
import { EntityChip } from '../../elements/entity-chip.tsx';
import { Empty, Failure, Loading } from '../../elements/list-states.tsx';
import { Panel } from '../../elements/panel.tsx';
import { ApprovalPanel } from '../../response/approval-panel.tsx';
import { ChangeCard } from '../../response/change-card.tsx';
import { CommentForm } from './comment-form.tsx';
import { DecisionActs, Decisions } from './decisions.tsx';
import { Evidence } from './evidence.tsx';
import { IncidentAlerts } from './incident-alerts.tsx';
import { IncidentHead } from './incident-head.tsx';
import classes from './incidents.module.css';
import { InvestigationPanel } from './investigation-panel.tsx';
import { Joins } from './joins.tsx';
import { Prevented } from './prevented.tsx';
import { RiskTable } from './risk-table.tsx';
import { RunSteps } from './run-steps.tsx';
import { SiteLanes } from './site-lanes.tsx';
import { Tasks } from './tasks.tsx';
import { Timeline } from './timeline.tsx';

export function IncidentPage() {
  const { t } = useTranslation();
  const { id } = useParams({ from: '/incidents/$id' });
  const query = useQuery(incidentQuery(id));
  if (query.error && !query.data) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (!query.data) return <Loading rows={12} />;
  const { incident, alerts, timeline, runs, changes, risk, times, links } = query.data;
  const waiting = runs.filter(({ state, approval }) => state === 'waiting' && approval && !approval.decision);
  return (
    <div className={page['page']}>
      <IncidentHead incident={incident} times={times} />
      {waiting.map((run) => (
        <ApprovalPanel key={run.id} run={run} />
      ))}
      {incident.verdict === 'false-positive' ? (
        <Panel title={t('casework.would_hide')}>
          <Prevented alerts={alerts} />
        </Panel>
      ) : null}
      {changes.length > 0 ? (
        <Panel title={t('incidents.changes')} count={changes.length} flush>
          {changes.map((change) => (
            <ChangeCard key={`${change.site} ${change.id}`} change={change} incident={false} />
          ))}
        </Panel>
      ) : null}
      <div className={page['columns']}>
        <div className={page['stack']}>
          <InvestigationPanel incident={incident.id} />
          <Panel title={t('incidents.timeline')} count={timeline.length}>
            <SiteLanes alerts={alerts} sites={incident.sites} />
            <Timeline timeline={timeline} alerts={alerts} runs={runs} changes={changes} />
          </Panel>
        </div>
        <div className={page['stack']}>
          <Panel title={t('risk.title')}>
            <RiskTable risk={risk} />
          </Panel>
          <Panel title={t('incidents.alerts')} count={alerts.length} flush>
            <IncidentAlerts alerts={alerts} />
          </Panel>
          <Panel
            title={t('incidents.joined')}
            count={incident.joins.length}
            actions={<DecisionActs incident={incident} />}
            flush
          >
            <Joins joins={incident.joins} alerts={incident.alerts} />
            <Decisions incident={incident} links={links} />
          </Panel>
          <Panel title={t('casework.tasks')} count={incident.tasks?.length ?? 0}>
            <Tasks incident={incident} />
          </Panel>
          <Panel title={t('casework.evidence')} count={incident.evidence?.length ?? 0}>
            <Evidence incident={incident} />
          </Panel>
          <Panel title={t('alerts.entities')} count={incident.entities.length}>
            <div className={classes['chips']}>
              {incident.entities.map((entity) => (
                <EntityChip key={`${entity.type}${entity.scope}${entity.value}`} entity={entity} />
              ))}
            </div>
          </Panel>
          <Panel title={t('incidents.runs')} count={runs.length}>
            {runs.length === 0 ? (
              <Empty title={t('incidents.no_runs')}>{t('incidents.no_runs_hint')}</Empty>
            ) : (
              runs.map((run) => <RunSteps key={run.id} run={run} />)
            )}
          </Panel>
          <Panel title={t('incidents.discussion')}>
            <CommentForm incident={incident} />
          </Panel>
        </div>
      </div>
    </div>
  );
}
