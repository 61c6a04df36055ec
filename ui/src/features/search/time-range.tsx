// Quick ranges before now, or two absolute moments.
import { Button, Popover, Select, TextInput } from '@mantine/core';
import { IconCalendarTime } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { SearchScope } from '../../api/search-queries.ts';
import type { SearchView } from '../../app/view-state.ts';
import { formatMoment } from '../../elements/time.tsx';
import classes from './search.module.css';
import { DEFAULT_RANGE, QUICK_RANGES } from './time-scope.ts';

/** `2026-11-23T21:05` in the viewer's zone, as `datetime-local` wants it. */
function toLocalInput(iso: string): string {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

export function TimeRange({
  view,
  scope,
  onChange,
}: {
  view: SearchView;
  scope: SearchScope;
  onChange: (time: Pick<SearchView, 'last' | 'from' | 'to'>) => void;
}) {
  const { t, i18n } = useTranslation();
  const [opened, setOpened] = useState(false);
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const absolute = view.from !== undefined && view.to !== undefined;
  const label = (at: string): string => formatMoment(Date.parse(at), i18n.language, { full: true });
  return (
    <div className={classes['time']}>
      <Select
        aria-label={t('search.range')}
        className={classes['range'] ?? ''}
        value={absolute ? 'absolute' : (view.last ?? DEFAULT_RANGE)}
        onChange={(last) => {
          if (last !== null && last !== 'absolute') onChange({ last });
        }}
        allowDeselect={false}
        data={[
          ...QUICK_RANGES.map((range) => ({ value: range, label: t(`range.${range}`) })),
          ...(absolute ? [{ value: 'absolute', label: t('search.absolute') }] : []),
        ]}
      />
      <Popover opened={opened} onChange={setOpened} position="bottom-end" trapFocus withinPortal>
        <Popover.Target>
          <Button
            variant="default"
            leftSection={<IconCalendarTime size={16} />}
            aria-expanded={opened}
            onClick={() => {
              setFrom(toLocalInput(scope.from));
              setTo(toLocalInput(scope.to));
              setOpened(!opened);
            }}
          >
            {absolute ? (
              <span className={classes['span']}>
                {label(scope.from)} – {label(scope.to)}
              </span>
            ) : (
              t('search.absolute')
            )}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <form
            className={classes['absolute']}
            onSubmit={(submit) => {
              submit.preventDefault();
              const [start, end] = [new Date(from), new Date(to)];
              if (!(start < end)) return;
              setOpened(false);
              onChange({ from: start.toISOString(), to: end.toISOString() });
            }}
          >
            <TextInput
              type="datetime-local"
              step={1}
              required
              label={t('search.from')}
              value={from}
              onChange={(typed) => setFrom(typed.currentTarget.value)}
            />
            <TextInput
              type="datetime-local"
              step={1}
              required
              label={t('search.to')}
              value={to}
              onChange={(typed) => setTo(typed.currentTarget.value)}
              error={from !== '' && to !== '' && from >= to ? t('search.order') : undefined}
            />
            <Button type="submit" size="xs">
              {t('search.apply')}
            </Button>
          </form>
        </Popover.Dropdown>
      </Popover>
    </div>
  );
}
