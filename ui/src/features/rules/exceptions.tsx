// Exceptions with who made them, why, until when and what they hid; those made through the page can be removed.
import { Button, Modal } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ExceptionView } from '../../../../server/api/exception-contract.ts';
import { exceptionsQuery, useRemoveException } from '../../api/rule-queries.ts';
import page from '../../app/page.module.css';
import { Pill } from '../../elements/badges.tsx';
import { DataText } from '../../elements/data-text.tsx';
import { Empty, Failure, ListState } from '../../elements/list-states.tsx';
import { Panel } from '../../elements/panel.tsx';
import { Moment } from '../../elements/time.tsx';

export function Exceptions() {
  const { t } = useTranslation();
  const query = useQuery(exceptionsQuery);
  const [removing, setRemoving] = useState<ExceptionView | undefined>();
  const exceptions = query.data?.exceptions ?? [];
  return (
    <Panel title={t('rules.exceptions')} count={exceptions.length} flush>
      <ListState
        query={query}
        isEmpty={exceptions.length === 0}
        empty={<Empty title={t('exception.none')}>{t('exception.none_hint')}</Empty>}
        rows={2}
      >
        <div className={page['scroll']} tabIndex={0} role="region" aria-label={t('rules.exceptions')}>
          <table className={page['table']}>
            <thead>
              <tr>
                <th scope="col">{t('alerts.status')}</th>
                <th scope="col">{t('exception.name')}</th>
                <th scope="col">{t('exception.reason')}</th>
                <th scope="col">{t('exception.author')}</th>
                <th scope="col">{t('exception.expires')}</th>
                <th scope="col">{t('exception.hid')}</th>
                <th scope="col">
                  <span className="visually-hidden">{t('exception.remove')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {exceptions.map((exception) => (
                <tr key={exception.id}>
                  <td>
                    <Pill tone={exception.state === 'active' ? 'good' : 'warn'}>
                      {t(`exception_state.${exception.state}`)}
                    </Pill>
                  </td>
                  <td>
                    <DataText value={exception.title} />
                  </td>
                  <td>
                    <DataText value={exception.reason} />
                  </td>
                  <td>
                    <DataText value={exception.author} />
                  </td>
                  <td>{exception.expires ? <Moment at={exception.expires} /> : t('exception.never')}</td>
                  <td className={page['right']}>{exception.suppressed}</td>
                  <td>
                    {exception.file === undefined ? (
                      <Button size="compact-xs" variant="default" onClick={() => setRemoving(exception)}>
                        {t('exception.remove')}
                      </Button>
                    ) : (
                      <DataText value={exception.file.split('/').at(-1) ?? ''} mono />
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </ListState>
      {removing ? <RemoveDialog exception={removing} onClose={() => setRemoving(undefined)} /> : null}
    </Panel>
  );
}

function RemoveDialog({ exception, onClose }: { exception: ExceptionView; onClose: () => void }) {
  const { t } = useTranslation();
  const remove = useRemoveException();
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('exception.remove_title')}
      closeButtonProps={{ 'aria-label': t('action.close') }}
      centered
    >
      <p>
        <DataText value={exception.title} />
      </p>
      <p className={page['soft']}>{t('exception.remove_what')}</p>
      {remove.error ? <Failure error={remove.error} /> : null}
      <div className={page['row']}>
        <Button
          loading={remove.isPending}
          onClick={() => remove.mutate(exception.id, { onSuccess: onClose })}
        >
          {t('exception.remove')}
        </Button>
        <Button variant="default" onClick={onClose}>
          {t('action.cancel')}
        </Button>
      </div>
    </Modal>
  );
}
