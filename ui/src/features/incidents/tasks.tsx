// What is to be done in a case: ticked off by whoever did it, added below.
import { Button, Checkbox, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Incident } from '../../../../platform/core/incident.ts';
import { useAddTask, useChangeTask } from '../../api/acts.ts';
import { DataText } from '../../elements/data-text.tsx';
import { Failure } from '../../elements/list-states.tsx';
import classes from './casework.module.css';

export function Tasks({ incident }: { incident: Incident }) {
  const { t } = useTranslation();
  const add = useAddTask();
  const change = useChangeTask();
  const [title, setTitle] = useState('');
  const tasks = incident.tasks ?? [];
  const failed = add.error ?? change.error;
  return (
    <>
      {tasks.length === 0 ? <p className={classes['none']}>{t('casework.no_tasks')}</p> : null}
      <ul className={classes['tasks']}>
        {tasks.map((task) => (
          <li key={task.id}>
            <Checkbox
              checked={task.state === 'done'}
              disabled={change.isPending}
              label={<DataText value={task.title} />}
              description={<DataText value={task.assignee ?? task.actor} />}
              onChange={(ticked) =>
                change.mutate({
                  id: incident.id,
                  task: task.id,
                  state: ticked.currentTarget.checked ? 'done' : 'open',
                })
              }
            />
          </li>
        ))}
      </ul>
      <form
        className={classes['line']}
        onSubmit={(submit) => {
          submit.preventDefault();
          add.mutate({ id: incident.id, title: title.trim() }, { onSuccess: () => setTitle('') });
        }}
      >
        <TextInput
          aria-label={t('casework.new_task')}
          placeholder={t('casework.new_task')}
          value={title}
          maxLength={500}
          onChange={(typed) => setTitle(typed.currentTarget.value)}
        />
        <Button
          type="submit"
          size="xs"
          variant="default"
          disabled={title.trim() === ''}
          loading={add.isPending}
        >
          {t('casework.add')}
        </Button>
      </form>
      {failed ? <Failure error={failed} /> : null}
    </>
  );
}
