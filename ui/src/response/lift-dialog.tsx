// Ends a change before its lease does; the reason stands in the incident.
import { Button, Modal, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ChangeView } from '../../../server/api/contract.ts';
import { useLiftChange } from '../api/acts.ts';
import { Failure } from '../elements/list-states.tsx';
import { actionName } from './action-name.ts';
import classes from './response.module.css';

export function LiftDialog({
  change,
  opened,
  onClose,
}: {
  change: ChangeView;
  opened: boolean;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const lift = useLiftChange();
  const [reason, setReason] = useState('');
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t('lift.title')}
      closeButtonProps={{ 'aria-label': t('action.close') }}
      centered
    >
      <form
        onSubmit={(submit) => {
          submit.preventDefault();
          lift.mutate({ site: change.site, id: change.id, reason: reason.trim() }, { onSuccess: onClose });
        }}
      >
        <p className={classes['liftText']}>
          {t('lift.what')} <strong>{actionName(t, change.action)}</strong>{' '}
          <bdi translate="no">
            {Object.values(change.parameters)
              .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
              .join(', ')}
            {' @ '}
            {change.site}
          </bdi>
        </p>
        <Textarea
          data-autofocus
          required
          label={t('lift.reason')}
          placeholder={t('lift.reason_hint')}
          value={reason}
          onChange={(typed) => setReason(typed.currentTarget.value)}
          autosize
          minRows={2}
          maxLength={2_000}
        />
        {lift.error ? <Failure error={lift.error} /> : null}
        <div className={classes['buttons']}>
          <Button type="submit" loading={lift.isPending} disabled={reason.trim() === ''}>
            {t('lift.do')}
          </Button>
          <Button variant="default" onClick={onClose}>
            {t('action.cancel')}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
