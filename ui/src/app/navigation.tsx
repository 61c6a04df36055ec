// The side navigation: places with what waits in them, then who I am, language and colours.
import { ActionIcon, Tooltip, useMantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconKeyboard, IconLogout, IconMoon, IconSun } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { signOut } from '../api/acts.ts';
import type { LiveState } from '../api/live.tsx';
import { alertCountQuery, changesQuery, waitingRunsQuery } from '../api/queries.ts';
import { useNow } from '../elements/clock.tsx';
import { DataText } from '../elements/data-text.tsx';
import { isHeld } from '../response/change-card.tsx';
import { Brand } from './brand.tsx';
import { DESTINATIONS } from './destinations.ts';
import { LanguageSwitch } from './language-switch.tsx';
import { useSession } from './session.tsx';
import classes from './shell.module.css';

const SCHEMES = ['auto', 'light', 'dark'] as const;
const SCHEME_ICONS = { auto: IconDeviceDesktop, light: IconSun, dark: IconMoon } as const;

export function Navigation({ live, onKeys }: { live: LiveState; onKeys: () => void }) {
  const { t } = useTranslation();
  const session = useSession();
  const waiting = useWaitingCounts();
  return (
    <div className={classes['navigation']}>
      <div className={classes['navHead']}>
        <Brand />
        <LiveMark live={live} />
      </div>
      <div className={classes['here']}>
        <strong>
          <DataText value={session.site.name} />
        </strong>
        <span>
          {t(`tier.${session.site.tier}`)} · <DataText value={session.site.jurisdiction} />
        </span>
      </div>
      <nav aria-label={t('app.navigation')}>
        <ul>
          {DESTINATIONS.map(({ to, name, icon: Icon }) => {
            const count = waiting[name];
            return (
              <li key={name}>
                <Link
                  to={to}
                  activeOptions={{ exact: to === '/', includeSearch: false }}
                  activeProps={{ 'aria-current': 'page' }}
                  className={classes['place'] ?? ''}
                >
                  <Icon size={17} stroke={1.7} aria-hidden="true" />
                  <span>{t(`nav.${name}`)}</span>
                  {count ? (
                    <span className={classes['waitingCount']} data-urgent={name === 'approvals' || undefined}>
                      {count}
                    </span>
                  ) : null}
                </Link>
              </li>
            );
          })}
        </ul>
      </nav>
      <div className={classes['navFoot']}>
        <LanguageSwitch />
        <div className={classes['who']}>
          <span className={classes['actor']}>
            <DataText value={session.actor} />
            <small translate="no">Picket {session.version}</small>
          </span>
          <SchemeSwitch />
          <Tooltip label={t('app.keys')}>
            <ActionIcon variant="subtle" color="gray" onClick={onKeys} aria-label={t('app.keys')}>
              <IconKeyboard size={18} />
            </ActionIcon>
          </Tooltip>
          <SignOutButton />
        </div>
      </div>
    </div>
  );
}

function useWaitingCounts(): Partial<Record<string, number>> {
  const now = useNow();
  const alerts = useQuery(alertCountQuery('state: current and status: open'));
  const approvals = useQuery(waitingRunsQuery);
  const changes = useQuery(changesQuery);
  return {
    alerts: alerts.data ?? 0,
    approvals: approvals.data?.total ?? 0,
    changes: changes.data?.changes.filter((change) => isHeld(change, now)).length ?? 0,
  };
}

function LiveMark({ live }: { live: LiveState }) {
  const { t } = useTranslation();
  return (
    <span className={classes['live']} data-live={live} role="status">
      <i aria-hidden="true" />
      {t(`live.${live}`)}
    </span>
  );
}

function SchemeSwitch() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Icon = SCHEME_ICONS[colorScheme];
  const next = SCHEMES[(SCHEMES.indexOf(colorScheme) + 1) % SCHEMES.length] ?? 'auto';
  const label = `${t('app.colours')}: ${t(`scheme.${colorScheme}`)}`;
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" onClick={() => setColorScheme(next)} aria-label={label}>
        <Icon size={18} />
      </ActionIcon>
    </Tooltip>
  );
}

function SignOutButton() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const leave = async (): Promise<void> => {
    await signOut();
    queries.clear();
    queries.setQueryData(['session'], null);
  };
  return (
    <Tooltip label={t('app.sign_out')}>
      <ActionIcon variant="subtle" color="gray" onClick={() => void leave()} aria-label={t('app.sign_out')}>
        <IconLogout size={18} />
      </ActionIcon>
    </Tooltip>
  );
}
