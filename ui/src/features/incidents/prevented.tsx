// After a false verdict: for each rule of the case the exception that would have prevented it.
import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Alert } from '../../../../platform/core/alert.ts';
import { DataText } from '../../elements/data-text.tsx';
import { ExceptionDialog } from '../../response/exception-dialog.tsx';
import classes from './casework.module.css';

export function Prevented({ alerts }: { alerts: readonly Alert[] }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<Alert>();
  // A correlation has no exceptions of its own: those of the rules that it joins hide its matches.
  const plain = alerts.filter(({ rule }) => rule.kind === 'plain');
  const rules = [...new Map(plain.map((alert) => [alert.rule.id, alert])).values()];
  return (
    <>
      <p className={classes['none']}>{t('casework.would_hide_hint')}</p>
      <ul className={classes['decided']}>
        {rules.map((alert) => (
          <li key={alert.rule.id}>
            <DataText value={alert.rule.name} />
            <Button size="compact-xs" variant="default" onClick={() => setAsked(alert)}>
              {t('casework.propose')}
            </Button>
          </li>
        ))}
      </ul>
      {asked ? <ExceptionDialog alert={asked} onClose={() => setAsked(undefined)} /> : null}
    </>
  );
}
