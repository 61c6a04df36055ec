// Merging an incident with another, and setting some of its alerts apart; both ask for the reason that is kept with them.
import { Button, Checkbox, Modal, Select, Textarea } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Incident } from '../../../../platform/core/incident.ts';
import { useLinkIncident } from '../../api/acts.ts';
import { incidentsQuery } from '../../api/queries.ts';
import { DataText } from '../../elements/data-text.tsx';
import { Failure } from '../../elements/list-states.tsx';
import classes from './casework.module.css';

interface Asked {
  readonly incident: Incident;
  readonly onClose: () => void;
}

export function MergeDialog({ incident, onClose }: Asked) {
  const { t } = useTranslation();
  const link = useLinkIncident();
  const others = useInfiniteQuery(incidentsQuery('', 100));
  const [other, setOther] = useState<string | null>(null);
  const choices = (others.data?.pages ?? [])
    .flatMap(({ incidents }) => incidents)
    .filter(({ id }) => id !== incident.id)
    .map(({ id, title }) => ({ value: id, label: title }));
  return (
    <DecisionDialog
      title={t('casework.merge_title')}
      hint={t('casework.merge_hint')}
      act={t('casework.merge')}
      ready={other !== null}
      pending={link.isPending}
      error={link.error ?? others.error}
      onClose={onClose}
      onDecide={(reason) =>
        link.mutate(
          { id: incident.id, act: 'merge', body: { with: other ?? '', reason } },
          { onSuccess: onClose },
        )
      }
    >
      <Select
        label={t('casework.merge_with')}
        data={choices}
        value={other}
        onChange={setOther}
        searchable
        data-autofocus
        renderOption={({ option }) => <DataText value={option.label} />}
      />
    </DecisionDialog>
  );
}

export function SplitDialog({ incident, onClose }: Asked) {
  const { t } = useTranslation();
  const link = useLinkIncident();
  const [alerts, setAlerts] = useState<string[]>([]);
  return (
    <DecisionDialog
      title={t('casework.split_title')}
      hint={t('casework.split_hint')}
      act={t('casework.split')}
      ready={alerts.length > 0 && alerts.length < incident.alerts.length}
      pending={link.isPending}
      error={link.error}
      onClose={onClose}
      onDecide={(reason) =>
        link.mutate({ id: incident.id, act: 'split', body: { alerts, reason } }, { onSuccess: onClose })
      }
    >
      <Checkbox.Group value={alerts} onChange={setAlerts} aria-label={t('incidents.alerts')}>
        <div className={classes['choices']}>
          {incident.alerts.map(({ id, rule_name, site, count }) => (
            <Checkbox
              key={id}
              value={id}
              label={<DataText value={rule_name} />}
              description={<DataText value={`${site} × ${count}`} />}
            />
          ))}
        </div>
      </Checkbox.Group>
    </DecisionDialog>
  );
}

function DecisionDialog(props: {
  title: string;
  hint: string;
  act: string;
  ready: boolean;
  pending: boolean;
  error: Error | null;
  onClose: () => void;
  onDecide: (reason: string) => void;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={props.title}
      closeButtonProps={{ 'aria-label': t('action.close') }}
      centered
    >
      <form
        className={classes['fields']}
        onSubmit={(submit) => {
          submit.preventDefault();
          props.onDecide(reason.trim());
        }}
      >
        <p className={classes['none']}>{props.hint}</p>
        {props.children}
        <Textarea
          required
          label={t('casework.reason')}
          value={reason}
          onChange={(typed) => setReason(typed.currentTarget.value)}
          autosize
          minRows={2}
          maxLength={1_000}
        />
        {props.error ? <Failure error={props.error} /> : null}
        <div className={classes['line']}>
          <Button type="submit" loading={props.pending} disabled={!props.ready || reason.trim() === ''}>
            {props.act}
          </Button>
          <Button variant="default" onClick={props.onClose}>
            {t('action.cancel')}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
