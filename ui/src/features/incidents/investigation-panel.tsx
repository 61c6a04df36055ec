// What was asked about a case by itself: the account sentence by sentence with what it stands on, the questions, the facts in time.
import { Button, SegmentedControl } from '@mantine/core';
import { IconAlertTriangle, IconFileSearch, IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Answer, Fact, Investigation, Statement } from '../../../../platform/core/investigation.ts';
import { useInvestigate } from '../../api/acts.ts';
import { kqlTerm } from '../../api/kql.ts';
import { investigationQuery } from '../../api/queries.ts';
import { Pill, Tag } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Empty, Failure, Loading } from '../../elements/list-states.tsx';
import { Panel } from '../../elements/panel.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './investigation.module.css';

export function InvestigationPanel({ incident }: { incident: string }) {
  const { t } = useTranslation();
  const query = useQuery(investigationQuery(incident));
  const ask = useInvestigate();
  const found = query.data?.investigation;
  return (
    <Panel
      title={t('investigation.title')}
      icon={<IconFileSearch size={16} aria-hidden="true" />}
      actions={
        <Button
          size="compact-xs"
          variant="default"
          loading={ask.isPending}
          onClick={() => ask.mutate({ id: incident })}
        >
          {t('investigation.again')}
        </Button>
      }
    >
      {ask.error ? <Failure error={ask.error} /> : null}
      {query.error && !found ? <Failure error={query.error} retry={() => void query.refetch()} /> : null}
      {query.isPending ? <Loading rows={5} /> : null}
      {query.data && !found ? (
        <Empty title={t('investigation.none')}>{t('investigation.none_hint')}</Empty>
      ) : null}
      {found ? <Findings found={found} /> : null}
    </Panel>
  );
}

function Findings({ found }: { found: Investigation }) {
  const { t } = useTranslation();
  return (
    <>
      <ol className={classes['account']}>
        {found.account.map((statement) => (
          <li key={statement.text.en}>
            <Sentence statement={statement} />
          </li>
        ))}
      </ol>
      <p className={classes['took']}>
        <Moment at={found.started} show="relative" />
        <span>{t('investigation.took', { questions: found.answers.length, ms: found.took_ms })}</span>
        {found.left_out > 0 ? <span>{t('investigation.left_out', { count: found.left_out })}</span> : null}
      </p>
      <details className={classes['more']}>
        <summary>{t('investigation.answers')}</summary>
        <Answers answers={found.answers} />
      </details>
      <details className={classes['more']}>
        <summary>{t('investigation.timeline')}</summary>
        <Facts facts={found.timeline} />
      </details>
    </>
  );
}

function Sentence({ statement: { text, alerts, events, search } }: { statement: Statement }) {
  const { t, i18n } = useTranslation();
  const [alert] = alerts;
  return (
    <>
      <DataText value={i18n.language.startsWith('zh') ? text.zh : text.en} />{' '}
      <span className={classes['grounds']}>
        {alert === undefined ? null : (
          <Link to="/alerts/$id" params={{ id: alert }}>
            {t('investigation.alerts', { count: alerts.length })}
          </Link>
        )}
        {search ? (
          <Link to="/search" search={{ q: search.query, from: search.from, to: search.to }}>
            {events.length > 0
              ? t('investigation.evidence', { count: events.length })
              : t('investigation.search')}
          </Link>
        ) : null}
      </span>
    </>
  );
}

const TONES = { found: 'accent', nothing: 'neutral', failed: 'bad' } as const;

function Answers({ answers }: { answers: readonly Answer[] }) {
  const { t, i18n } = useTranslation();
  return (
    <ul className={classes['answers']}>
      {answers.map((answer) => (
        <li key={`${answer.question} ${answer.entity?.value ?? ''}`}>
          <div>
            <DataText value={i18n.language.startsWith('zh') ? answer.title.zh : answer.title.en} />
            {answer.entity ? (
              <small>
                <DataText value={answer.entity.value} mono />
              </small>
            ) : null}
            {answer.error ? (
              <small>
                <DataText value={`${answer.error.message} [${answer.error.code}]`} />
              </small>
            ) : null}
          </div>
          <Link
            to="/search"
            search={{ q: answer.search.query, from: answer.search.from, to: answer.search.to }}
            aria-label={`${t('investigation.search')}: ${answer.title.en}`}
          >
            <Pill tone={TONES[answer.state]}>{t(`investigation.state.${answer.state}`)}</Pill>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Facts({ facts }: { facts: readonly Fact[] }) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<Fact['kind'] | 'all'>('all');
  return (
    <>
      <SegmentedControl
        size="xs"
        value={kind}
        onChange={setKind}
        data={(['all', 'alert', 'event'] as const).map((value) => ({
          value,
          label: t(`investigation.${value}`),
        }))}
      />
      <ol className={classes['facts']}>
        {facts
          .filter((fact) => kind === 'all' || fact.kind === kind)
          .map((fact) => (
            <li key={`${fact.kind} ${fact.ref}`} data-kind={fact.kind}>
              {fact.kind === 'alert' ? (
                <IconAlertTriangle size={13} role="img" aria-label={t('timeline.alert')} />
              ) : (
                <IconSearch size={13} role="img" aria-label={t('casework.kinds.event')} />
              )}
              <Moment at={fact.at} />
              <Tag value={fact.site} />
              {fact.kind === 'alert' ? (
                <Link to="/alerts/$id" params={{ id: fact.ref }}>
                  <DataText value={fact.text} />
                </Link>
              ) : (
                <Link to="/search" search={around(fact)}>
                  <DataText value={fact.text} />
                </Link>
              )}
            </li>
          ))}
      </ol>
    </>
  );
}

const MINUTE_MS = 60_000;

function around({ ref, at }: Fact): { q: string; from: string; to: string } {
  const t = Date.parse(at);
  return {
    q: kqlTerm('event.id', ref),
    from: new Date(t - MINUTE_MS).toISOString(),
    to: new Date(t + MINUTE_MS).toISOString(),
  };
}
