// One playbook run with its steps, as stored before each effect.
import {
  IconCircleCheck,
  IconCircleDashed,
  IconCircleX,
  IconClockPause,
  IconLoader,
  IconPlayerSkipForward,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { PlaybookRun, StepState } from '../../../../platform/core/playbook-run.ts';
import { Pill, type Tone } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './incidents.module.css';

const ICONS: Readonly<Record<StepState, typeof IconLoader>> = {
  pending: IconCircleDashed,
  running: IconLoader,
  waiting: IconClockPause,
  succeeded: IconCircleCheck,
  failed: IconCircleX,
  skipped: IconPlayerSkipForward,
  'timed-out': IconCircleX,
};

const TONES: Readonly<Record<PlaybookRun['state'], Tone>> = {
  running: 'accent',
  waiting: 'warn',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'neutral',
  rejected: 'neutral',
};

export function RunSteps({ run }: { run: PlaybookRun }) {
  const { t } = useTranslation();
  const steps = run.steps.filter(({ type }) => type !== 'start' && type !== 'end');
  const { approval } = run;
  return (
    <article className={classes['run']} data-state={run.state}>
      <header>
        <strong>
          <DataText value={run.playbook.name} />
        </strong>
        <Pill tone={TONES[run.state]}>{t(`run_state.${run.state}`)}</Pill>
      </header>
      {run.questioned === undefined ? null : (
        <p className={classes['entryDetail']}>
          {t('incidents.questioned')} <DataText value={run.questioned} />
        </p>
      )}
      <ol className={classes['steps']}>
        {steps.map((step) => {
          const Icon = ICONS[step.state];
          const at = step.ended ?? step.started;
          return (
            <li key={step.id} data-state={step.state}>
              <Icon size={16} role="img" aria-label={t(`step_state.${step.state}`)} />
              <span>
                <DataText value={step.name} />
                {step.error ? (
                  <small>
                    <DataText value={`${step.error.code}: ${step.error.message}`} />
                  </small>
                ) : null}
              </span>
              {at === undefined ? null : <Moment at={at} />}
            </li>
          );
        })}
      </ol>
      {approval?.decision ? (
        <p className={classes['entryDetail']}>
          {t(`approval.${approval.decision}`)}
          {approval.actor === undefined ? null : (
            <>
              {' · '}
              <DataText value={approval.actor} />
            </>
          )}
          {approval.reason === undefined ? null : (
            <>
              {' · '}
              <DataText value={approval.reason} />
            </>
          )}
        </p>
      ) : null}
      {run.error ? (
        <p className={classes['entryDetail']}>
          <DataText value={`${run.error.code}: ${run.error.message}`} />
        </p>
      ) : null}
    </article>
  );
}
