// How to sign in: the link is printed by the program, never typed.
import { Code, CopyButton, UnstyledButton } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Brand } from './brand.tsx';
import { LanguageSwitch } from './language-switch.tsx';
import classes from './shell.module.css';

const COMMAND = 'npm run picket -- sign-in';

export function SignedOut({ refused = false }: { refused?: boolean }) {
  const { t } = useTranslation();
  return (
    <main className={classes['signedOut']}>
      <div className={classes['signCard']}>
        <Brand />
        <h1>{refused ? t('sign_in.refused') : t('sign_in.title')}</h1>
        <p>{refused ? t('sign_in.refused_hint') : t('sign_in.hint')}</p>
        <CopyButton value={COMMAND}>
          {({ copied, copy }) => (
            <UnstyledButton
              className={classes['command'] ?? ''}
              onClick={copy}
              aria-label={t('sign_in.copy')}
            >
              <Code translate="no">{COMMAND}</Code>
              {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
            </UnstyledButton>
          )}
        </CopyButton>
        <p className={classes['signNote']}>{t('sign_in.once')}</p>
        <LanguageSwitch />
      </div>
    </main>
  );
}
