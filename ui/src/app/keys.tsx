// Keys that work everywhere: / searches, g and a letter jumps, ? shows them all.
import { Modal } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { DESTINATIONS } from './destinations.ts';
import classes from './shell.module.css';

const JUMP_MS = 1_500;

/** True where keys are typed into something. */
function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))
  );
}

export function usePageKeys(showKeys: () => void): void {
  const navigate = useNavigate();
  const jumpUntil = useRef(0);
  useHotkeys([['/', () => document.querySelector<HTMLInputElement>('[data-search]')?.focus()]]);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === '?') showKeys();
      if (event.key === 'g') {
        jumpUntil.current = Date.now() + JUMP_MS;
        return;
      }
      if (Date.now() > jumpUntil.current) return;
      jumpUntil.current = 0;
      const place = DESTINATIONS.find(({ key }) => key === event.key);
      if (!place) return;
      event.preventDefault();
      void navigate({ to: place.to });
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [navigate, showKeys]);
}

function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <span translate="no">
      {keys.map((key) => (
        <kbd key={key} className={classes['kbd']}>
          {key}
        </kbd>
      ))}
    </span>
  );
}

export function KeysDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const rows: readonly (readonly [readonly string[], string])[] = [
    [['j', 'k'], t('keys.move')],
    [['Enter'], t('keys.open')],
    [['Esc'], t('keys.close')],
    [['/'], t('keys.search')],
    ...DESTINATIONS.map(({ key, name }) => [['g', key], t(`nav.${name}`)] as const),
    [['?'], t('keys.show')],
  ];
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('keys.title')}
      closeButtonProps={{ 'aria-label': t('action.close') }}
      centered
    >
      <dl className={classes['keys']}>
        {rows.map(([keys, what]) => (
          <div key={what}>
            <dt>
              <Keys keys={keys} />
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
