// What people put into a case by hand: events, alerts, files by their hash, links, each with who and when.
import { Button, Select, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Incident, IncidentEvidence } from '../../../../platform/core/incident.ts';
import { useAddEvidence } from '../../api/acts.ts';
import { DataText } from '../../elements/data-text.tsx';
import { Failure } from '../../elements/list-states.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './casework.module.css';

const KINDS = ['event', 'alert', 'file', 'link'] as const;

export function Evidence({ incident }: { incident: Incident }) {
  const { t } = useTranslation();
  const add = useAddEvidence();
  const [kind, setKind] = useState<IncidentEvidence['kind']>('event');
  const [ref, setRef] = useState('');
  const [note, setNote] = useState('');
  const evidence = incident.evidence ?? [];
  return (
    <>
      {evidence.length === 0 ? <p className={classes['none']}>{t('casework.no_evidence')}</p> : null}
      <ul className={classes['evidence']}>
        {evidence.map((one) => (
          <li key={one.id}>
            <span className={classes['kind']}>{t(`casework.kinds.${one.kind}`)}</span>
            <Reference evidence={one} />
            {one.note === '' ? null : (
              <p>
                <DataText value={one.note} />
              </p>
            )}
            <small>
              <DataText value={one.actor} /> <Moment at={one.at} show="relative" />
            </small>
          </li>
        ))}
      </ul>
      <form
        className={classes['fields']}
        onSubmit={(submit) => {
          submit.preventDefault();
          add.mutate(
            { id: incident.id, kind, ref: ref.trim(), note: note.trim() },
            {
              onSuccess: () => {
                setRef('');
                setNote('');
              },
            },
          );
        }}
      >
        <Select
          label={t('casework.kind')}
          data={KINDS.map((value) => ({ value, label: t(`casework.kinds.${value}`) }))}
          value={kind}
          allowDeselect={false}
          onChange={(chosen) => setKind(chosen ?? 'event')}
        />
        <TextInput
          label={t('casework.ref')}
          value={ref}
          maxLength={2_000}
          onChange={(typed) => setRef(typed.currentTarget.value)}
        />
        <TextInput
          label={t('casework.note')}
          value={note}
          maxLength={2_000}
          onChange={(typed) => setNote(typed.currentTarget.value)}
        />
        <Button
          type="submit"
          size="xs"
          variant="default"
          disabled={ref.trim() === ''}
          loading={add.isPending}
        >
          {t('casework.add')}
        </Button>
      </form>
      {add.error ? <Failure error={add.error} /> : null}
    </>
  );
}

function Reference({ evidence: { kind, ref } }: { evidence: IncidentEvidence }) {
  if (kind === 'alert')
    return (
      <Link to="/alerts/$id" params={{ id: ref }}>
        <DataText value={ref} mono />
      </Link>
    );
  if (kind === 'link')
    return (
      <a href={ref} rel="noreferrer noopener" target="_blank">
        <DataText value={ref} mono />
      </a>
    );
  return <DataText value={ref} mono />;
}
