// What people said of a case, and a place to say more.
import { Button, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Incident } from '../../../../platform/core/incident.ts';
import { useChangeIncident } from '../../api/acts.ts';
import { DataText } from '../../elements/data-text.tsx';
import { Failure } from '../../elements/list-states.tsx';
import { Moment } from '../../elements/time.tsx';
import classes from './incidents.module.css';

export function CommentForm({ incident }: { incident: Incident }) {
  const { t } = useTranslation();
  const change = useChangeIncident();
  const [comment, setComment] = useState('');
  const comments = incident.notes.filter(({ kind }) => kind === 'comment');
  return (
    <>
      <ul className={classes['comments']}>
        {comments.map((note) => (
          <li key={`${note.at} ${note.text}`}>
            <header>
              <strong>
                <DataText value={note.actor} />
              </strong>
              <Moment at={note.at} show="relative" />
            </header>
            <p>
              <DataText value={note.text} />
            </p>
          </li>
        ))}
      </ul>
      <form
        className={classes['comment']}
        onSubmit={(submit) => {
          submit.preventDefault();
          change.mutate({ id: incident.id, comment: comment.trim() }, { onSuccess: () => setComment('') });
        }}
      >
        <Textarea
          label={t('incidents.comment')}
          placeholder={t('incidents.comment_hint')}
          value={comment}
          onChange={(typed) => setComment(typed.currentTarget.value)}
          autosize
          minRows={2}
          maxRows={8}
          maxLength={10_000}
        />
        <Button type="submit" size="xs" disabled={comment.trim() === ''} loading={change.isPending}>
          {t('incidents.send')}
        </Button>
        {change.error ? <Failure error={change.error} /> : null}
      </form>
    </>
  );
}
