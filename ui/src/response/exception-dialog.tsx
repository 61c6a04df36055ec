// Makes an exception from an alert: which of its values, why, until when; what it would have hidden is shown first.
import { Button, Checkbox, Modal, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Alert } from '../../../platform/core/alert.ts';
import type { ExceptionDraft, ExceptionPreview } from '../../../server/api/exception-contract.ts';
import { exceptionDraftQuery, useMakeException, usePreviewException } from '../api/rule-queries.ts';
import { DataText } from '../elements/data-text.tsx';
import { Failure, Loading } from '../elements/list-states.tsx';
import { Moment } from '../elements/time.tsx';
import classes from './exception-dialog.module.css';

const DAY_MS = 86_400_000;
/** History that is looked at, and how long an exception lasts when nobody says otherwise. */
const PREVIEW_DAYS = 7;
const LIFE_DAYS = 90;

export function ExceptionDialog({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const { t } = useTranslation();
  const query = useQuery(exceptionDraftQuery(alert.id));
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('exception.title')}
      closeButtonProps={{ 'aria-label': t('action.close') }}
      size="lg"
      centered
    >
      {query.error ? <Failure error={query.error} /> : null}
      {query.isPending ? <Loading rows={6} /> : null}
      {query.data ? <ExceptionForm alert={alert} draft={query.data} onClose={onClose} /> : null}
    </Modal>
  );
}

function ExceptionForm({
  alert,
  draft,
  onClose,
}: {
  alert: Alert;
  draft: ExceptionDraft;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const preview = usePreviewException();
  const make = useMakeException();
  const [fields, setFields] = useState(() =>
    draft.fields.filter(({ chosen }) => chosen).map(({ field }) => field),
  );
  const [title, setTitle] = useState(alert.rule.name.slice(0, 180));
  const [reason, setReason] = useState('');
  const [expires, setExpires] = useState(() => dayFrom(LIFE_DAYS));
  const ready = fields.length > 0 && reason.trim() !== '' && title.trim() !== '' && expires !== '';
  const body = { alert: alert.id, fields, title: title.trim(), reason: reason.trim(), expires };
  return (
    <form
      className={classes['form']}
      onSubmit={(submit) => {
        submit.preventDefault();
        make.mutate(body, { onSuccess: onClose });
      }}
    >
      {draft.here ? null : (
        <p className={classes['note']} role="note">
          {t('exception.elsewhere')} <DataText value={draft.site} mono />
        </p>
      )}
      <fieldset className={classes['fields']}>
        <legend>{t('exception.fields')}</legend>
        {draft.fields.map(({ field, value }) => (
          <Checkbox
            key={field}
            size="md"
            checked={fields.includes(field)}
            onChange={(change) => {
              const { checked } = change.currentTarget;
              setFields((before) => (checked ? [...before, field] : before.filter((one) => one !== field)));
              preview.reset();
            }}
            label={
              <span className={classes['field']}>
                <DataText value={field} mono /> <DataText value={value} mono />
              </span>
            }
          />
        ))}
      </fieldset>
      <TextInput
        label={t('exception.name')}
        required
        maxLength={200}
        value={title}
        onChange={(typed) => setTitle(typed.currentTarget.value)}
      />
      <Textarea
        data-autofocus
        label={t('exception.reason')}
        placeholder={t('exception.reason_hint')}
        required
        autosize
        minRows={2}
        maxLength={2_000}
        value={reason}
        onChange={(typed) => setReason(typed.currentTarget.value)}
      />
      <TextInput
        type="date"
        label={t('exception.expires')}
        required
        min={dayFrom(1)}
        value={expires}
        onChange={(typed) => setExpires(typed.currentTarget.value)}
      />
      {preview.error ? <Failure error={preview.error} /> : null}
      {make.error ? <Failure error={make.error} /> : null}
      {preview.data ? <PreviewResult preview={preview.data} /> : null}
      <div className={classes['buttons']}>
        <Button
          variant="default"
          loading={preview.isPending}
          disabled={!ready}
          onClick={() =>
            preview.mutate({ ...body, from: new Date(Date.now() - PREVIEW_DAYS * DAY_MS).toISOString() })
          }
        >
          {t('exception.preview', { count: PREVIEW_DAYS })}
        </Button>
        <Button type="submit" loading={make.isPending} disabled={!ready || !preview.data}>
          {t('exception.make')}
        </Button>
      </div>
    </form>
  );
}

function PreviewResult({ preview }: { preview: ExceptionPreview }) {
  const { t } = useTranslation();
  const samples = preview.rules.flatMap((rule) => rule.samples);
  return (
    <section className={classes['preview']} role="status" aria-label={t('exception.would_hide')}>
      <p>
        <strong>{t('exception.hidden', { hidden: preview.hidden, matches: preview.matches })}</strong>{' '}
        {t('exception.alerts', { before: preview.alerts_before, after: preview.alerts_after })}
      </p>
      {preview.complete ? null : <p className={classes['note']}>{t('exception.not_whole')}</p>}
      <ul>
        {samples.map((sample) => (
          <li key={sample.event}>
            <Moment at={sample.timestamp} /> <DataText value={sample.summary} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** `2027-01-31`, so many days from now. */
function dayFrom(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
}
