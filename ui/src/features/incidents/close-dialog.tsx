// Closes a case with its verdict and the reason for it.
import { Button, Modal, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Incident } from '../../../../platform/core/incident.ts';
import { useChangeIncident } from '../../api/acts.ts';
import { Failure } from '../../elements/list-states.tsx';
import classes from './casework.module.css';

export function CloseDialog(props: {
  incident: Incident;
  verdict: NonNullable<Incident['verdict']>;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const change = useChangeIncident();
  const [reason, setReason] = useState('');
  const { incident, verdict, onClose } = props;
  return (
    <Modal
      opened
      onClose={onClose}
      title={`${t('casework.close_title')}: ${t(`verdict.${verdict}`)}`}
      closeButtonProps={{ 'aria-label': t('action.close') }}
      centered
    >
      <form
        className={classes['fields']}
        onSubmit={(submit) => {
          submit.preventDefault();
          const why = reason.trim();
          change.mutate({ id: incident.id, status: 'closed', verdict, reason: why }, { onSuccess: onClose });
        }}
      >
        <Textarea
          data-autofocus
          required
          label={t('casework.reason')}
          value={reason}
          onChange={(typed) => setReason(typed.currentTarget.value)}
          autosize
          minRows={2}
          maxLength={1_000}
        />
        {change.error ? <Failure error={change.error} /> : null}
        <div className={classes['line']}>
          <Button type="submit" loading={change.isPending} disabled={reason.trim() === ''}>
            {t('casework.close')}
          </Button>
          <Button variant="default" onClick={onClose}>
            {t('action.cancel')}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
