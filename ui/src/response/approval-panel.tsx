// The question a run waits with: what will change, where and for how long, and the two answers.
import { Button, Textarea } from '@mantine/core';
import { IconCheck, IconShieldQuestion, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PlaybookRun } from '../../../platform/core/playbook-run.ts';
import { useDecideRun } from '../api/acts.ts';
import { Pill, Tag } from '../elements/badges.tsx';
import { useBeat } from '../elements/clock.tsx';
import { DataText } from '../elements/data-text.tsx';
import { Failure } from '../elements/list-states.tsx';
import { Facts } from '../elements/panel.tsx';
import { formatSpan, Moment } from '../elements/time.tsx';
import { actionName } from './action-name.ts';
import classes from './response.module.css';

export function ApprovalPanel({ run }: { run: PlaybookRun }) {
  const { t } = useTranslation();
  const decide = useDecideRun();
  const [reason, setReason] = useState('');
  const now = useBeat(1_000);
  const { approval } = run;
  if (!approval) return null;
  const { action, parameters, sites, lease_ms, ...others } = approval.change;
  const left = Date.parse(approval.expires) - now;
  const answer = (decision: 'approved' | 'rejected'): void =>
    decide.mutate({ id: run.id, decision, ...(reason.trim() === '' ? {} : { reason: reason.trim() }) });
  return (
    <section className={classes['approval']} aria-label={t('approval.title')} data-run={run.id} id={run.id}>
      <header>
        <IconShieldQuestion size={20} aria-hidden="true" />
        <div>
          <h2>{t('approval.title')}</h2>
          <p>
            <DataText value={run.playbook.name} />
          </p>
        </div>
        <Pill tone="warn">{t('approval.expires', { span: formatSpan(left) })}</Pill>
      </header>
      <div className={classes['approvalBody']}>
        <div className={classes['change']}>
          <h3>{t('approval.will_change')}</h3>
          <Facts
            facts={[
              ...(typeof action === 'string'
                ? [[t('change.action_label'), actionName(t, action)] as const]
                : []),
              ...Object.entries((parameters ?? {}) as Record<string, unknown>).map(
                ([name, value]) =>
                  [
                    t(`parameter.${name}` as 'parameter.address', { defaultValue: name }),
                    <strong key={name}>
                      <DataText value={typeof value === 'string' ? value : JSON.stringify(value)} mono />
                    </strong>,
                  ] as const,
              ),
              ...(Array.isArray(sites)
                ? [
                    [
                      t('change.sites'),
                      <span key="sites" className={classes['tags']}>
                        {sites.map((site) => (
                          <Tag key={String(site)} value={String(site)} />
                        ))}
                      </span>,
                    ] as const,
                  ]
                : []),
              ...(typeof lease_ms === 'number'
                ? [[t('change.lease'), t('approval.lease', { span: formatSpan(lease_ms) })] as const]
                : []),
              ...Object.entries(others).map(
                ([name, value]) =>
                  [name, <DataText key={name} value={JSON.stringify(value)} mono />] as const,
              ),
            ]}
          />
        </div>
        <div className={classes['decide']}>
          <p className={classes['question']}>
            <DataText value={approval.question} />
          </p>
          <Textarea
            label={t('approval.reason')}
            placeholder={t('approval.reason_hint')}
            value={reason}
            onChange={(change) => setReason(change.currentTarget.value)}
            autosize
            minRows={2}
            maxRows={5}
            maxLength={2_000}
          />
          <div className={classes['buttons']}>
            <Button
              leftSection={<IconCheck size={16} />}
              onClick={() => answer('approved')}
              loading={decide.isPending}
            >
              {t('approval.approve')}
            </Button>
            <Button
              variant="default"
              leftSection={<IconX size={16} />}
              onClick={() => answer('rejected')}
              disabled={decide.isPending}
            >
              {t('approval.reject')}
            </Button>
            <span className={classes['asked']}>
              {t('approval.asked')} <Moment at={approval.requested} show="relative" />
            </span>
          </div>
          {decide.error ? <Failure error={decide.error} /> : null}
        </div>
      </div>
    </section>
  );
}
