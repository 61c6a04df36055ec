// The frame of every view: navigation beside it, or behind a button where the screen is narrow.
import { Burger, Drawer } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { Outlet, useLocation } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useLiveChanges } from '../api/live.tsx';
import { DataText } from '../elements/data-text.tsx';
import { Brand } from './brand.tsx';
import { KeysDialog, usePageKeys } from './keys.tsx';
import { Navigation } from './navigation.tsx';
import { useSession } from './session.tsx';
import classes from './shell.module.css';

export function Shell() {
  const { t, i18n } = useTranslation();
  const session = useSession();
  const live = useLiveChanges();
  const narrow = useMediaQuery('(max-width: 960px)', undefined, { getInitialValueInEffect: false }) ?? false;
  const [menu, { open, close }] = useDisclosure(false);
  const [keys, keysDialog] = useDisclosure(false);
  const { pathname } = useLocation();
  usePageKeys(keysDialog.open);
  useEffect(close, [pathname, close]);
  useEffect(() => {
    document.title = `${t('app.title')} · ${session.site.name}`;
  }, [t, i18n.language, session.site.name]);
  const navigation = <Navigation live={live} onKeys={keysDialog.open} />;
  return (
    <div className={classes['shell']} data-narrow={narrow || undefined}>
      <a href="#content" className={classes['skip']}>
        {t('app.skip')}
      </a>
      {narrow ? (
        <header className={classes['bar']}>
          <Burger size="sm" opened={menu} onClick={open} aria-label={t('app.menu')} />
          <Brand />
          <span className={classes['barSite']}>
            <DataText value={session.site.name} />
          </span>
          <i className={classes['barLive']} data-live={live} title={t(`live.${live}`)} />
        </header>
      ) : (
        <aside className={classes['side']}>{navigation}</aside>
      )}
      <Drawer.Root opened={narrow && menu} onClose={close} size={280}>
        <Drawer.Overlay />
        <Drawer.Content aria-label={t('app.menu')}>
          <Drawer.Body p={0} h="100%">
            {navigation}
          </Drawer.Body>
        </Drawer.Content>
      </Drawer.Root>
      <main id="content" className={classes['content']} tabIndex={-1}>
        <Outlet />
      </main>
      <KeysDialog opened={keys} onClose={keysDialog.close} />
    </div>
  );
}
