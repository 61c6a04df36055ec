// One leased change: what holds where, how its site reports it, and how long it still holds.
import { Button } from '@mantine/core';
import { IconHandStop } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ChangeView } from '../../../server/api/contract.ts';
import { Pill, Tag, type Tone } from '../elements/badges.tsx';
import { useBeat } from '../elements/clock.tsx';
import { DataText } from '../elements/data-text.tsx';
import { formatSpan, Moment } from '../elements/time.tsx';
import { actionName } from './action-name.ts';
import { LiftDialog } from './lift-dialog.tsx';
import classes from './response.module.css';

const TONES: Readonly<Record<ChangeView['state'], Tone>> = {
  ordered: 'warn',
  pending: 'warn',
  applied: 'good',
  refused: 'bad',
  failed: 'bad',
  ended: 'neutral',
};

/** The server says `lifted` in a change's detail once it is no longer ordered. */
export function isHeld(change: ChangeView, now: number): boolean {
  return (
    change.state !== 'ended' &&
    change.state !== 'refused' &&
    change.detail !== 'lifted' &&
    Date.parse(change.lease_end) > now
  );
}

export function ChangeCard({ change, incident = true }: { change: ChangeView; incident?: boolean }) {
  const { t } = useTranslation();
  const now = useBeat(1_000);
  const [lifting, setLifting] = useState(false);
  const left = Date.parse(change.lease_end) - now;
  const held = isHeld(change, now);
  return (
    <article className={classes['changeCard']} data-change={change.id} data-state={change.state}>
      <div className={classes['changeMain']}>
        <div className={classes['changeTitle']}>
          <strong>{actionName(t, change.action)}</strong>
          {Object.entries(change.parameters).map(([name, value]) => (
            <DataText
              key={name}
              mono
              className={classes['parameter']}
              value={typeof value === 'string' ? value : JSON.stringify(value)}
            />
          ))}
          <Pill tone={TONES[change.state]}>{t(`change.state.${change.state}`)}</Pill>
        </div>
        <div className={classes['changeNote']}>
          <Tag value={change.site} />
          {change.at === undefined ? null : (
            <span>
              {t('change.reported')} <Moment at={change.at} show="relative" />
            </span>
          )}
          {change.detail === undefined ? null : change.detail === 'lifted' ? (
            <span>
              {t('change.lifted')}
              {change.lifted ? (
                <>
                  {' · '}
                  <DataText value={`${change.lifted.actor}: ${change.lifted.reason}`} />
                </>
              ) : null}
            </span>
          ) : (
            <DataText value={change.detail} />
          )}
          {incident && change.incident !== undefined ? (
            <Link to="/incidents/$id" params={{ id: change.incident }} className={classes['link'] ?? ''}>
              {t('change.incident')}
            </Link>
          ) : null}
        </div>
      </div>
      <div className={classes['lease']}>
        {held ? (
          <>
            <span className={classes['countdown']} role="timer" aria-label={t('change.left')}>
              {formatSpan(left)}
            </span>
            <span className={classes['leaseNote']}>{t('change.left')}</span>
          </>
        ) : (
          <span className={classes['leaseNote']}>
            {left <= 0 ? t('change.lease_over') : t('change.not_held')}
          </span>
        )}
      </div>
      {held ? (
        <Button
          size="xs"
          variant="default"
          leftSection={<IconHandStop size={14} />}
          onClick={() => setLifting(true)}
        >
          {t('change.lift')}
        </Button>
      ) : null}
      <LiftDialog change={change} opened={lifting} onClose={() => setLifting(false)} />
    </article>
  );
}
