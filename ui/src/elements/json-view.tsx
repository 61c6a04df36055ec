// A record as indented JSON, coloured, with hostile characters visible, and a button that copies it.
import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './elements.module.css';
import { makeVisible } from './split-visible.ts';

const TOKENS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi;

interface Token {
  readonly text: string;
  readonly kind: 'plain' | 'key' | 'string' | 'value';
}

function tokenise(json: string): Token[] {
  const tokens: Token[] = [];
  let end = 0;
  for (const match of json.matchAll(TOKENS)) {
    if (match.index > end) tokens.push({ text: json.slice(end, match.index), kind: 'plain' });
    const kind = match[1] === undefined ? 'value' : match[2] === undefined ? 'string' : 'key';
    tokens.push({ text: makeVisible(match[0]), kind });
    end = match.index + match[0].length;
  }
  tokens.push({ text: json.slice(end), kind: 'plain' });
  return tokens;
}

export function JsonView({ value, label }: { value: unknown; label: string }) {
  const { t } = useTranslation();
  const json = useMemo(() => JSON.stringify(value, undefined, 2), [value]);
  const tokens = useMemo(() => tokenise(json), [json]);
  return (
    <div className={classes['json']}>
      <CopyButton value={json}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? t('action.copied') : t('action.copy')}>
            <ActionIcon
              className={classes['copy'] ?? ''}
              variant="default"
              onClick={copy}
              aria-label={t('action.copy')}
            >
              {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
      <pre translate="no" tabIndex={0} aria-label={label} role="region">
        {tokens.map((token, position) =>
          token.kind === 'plain' ? (
            token.text
          ) : (
            <span key={position} data-kind={token.kind}>
              {token.text}
            </span>
          ),
        )}
      </pre>
    </div>
  );
}
