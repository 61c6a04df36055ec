// The KQL bar: what is typed is asked on Enter, a refused query says where it is wrong.
import { CloseButton, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/client.ts';
import classes from './elements.module.css';

export function QueryBar({
  value,
  placeholder,
  error,
  onAsk,
}: {
  value: string;
  placeholder: string;
  error?: unknown;
  onAsk: (query: string) => void;
}) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const refused = error instanceof ApiError && error.code.startsWith('KQL') ? error : undefined;
  return (
    <form
      className={classes['queryBar']}
      role="search"
      onSubmit={(submit) => {
        submit.preventDefault();
        onAsk(text.trim());
      }}
    >
      <TextInput
        data-search
        aria-label={t('query.label')}
        placeholder={placeholder}
        value={text}
        onChange={(change) => setText(change.currentTarget.value)}
        error={
          refused ? (
            <span translate="no">
              {refused.message}
              {refused.place === undefined ? '' : ` (${refused.place})`}
            </span>
          ) : undefined
        }
        leftSection={<IconSearch size={16} />}
        rightSection={
          text === '' ? (
            <kbd className={classes['key']}>/</kbd>
          ) : (
            <CloseButton
              size="sm"
              aria-label={t('query.clear')}
              onClick={() => {
                setText('');
                onAsk('');
              }}
            />
          )
        }
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        classNames={{ input: classes['queryInput'] ?? '' }}
      />
    </form>
  );
}
