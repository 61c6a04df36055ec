// A virtualised list as an ARIA grid: j/k, Enter, live rows that wait while someone points at them.
import { useMediaQuery } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './grid-list.module.css';
import { useListKeys } from './use-list-keys.ts';
import { useSteadyRows } from './use-steady-rows.ts';

export const NARROW = '(max-width: 760px)';
const ROW_PX = 42;
const NARROW_ROW_PX = 78;

export interface GridColumn<Row> {
  readonly key: string;
  readonly title: string;
  /** CSS grid track. */
  readonly width: string;
  readonly cell: (row: Row) => ReactNode;
}

export function GridList<Row extends { id: string }>({
  label,
  columns,
  rows,
  scope,
  opened,
  onOpen,
  onEnd,
}: {
  label: string;
  columns: readonly GridColumn<Row>[];
  rows: readonly Row[];
  /** What was asked: a change shows the answer at once. */
  scope: string;
  /** Id of the row that stands open beside the list. */
  opened?: string | undefined;
  onOpen: (row: Row) => void;
  /** Called when the end comes near. */
  onEnd?: (() => void) | undefined;
}) {
  const { t } = useTranslation();
  const narrow = useMediaQuery(NARROW) ?? false;
  const scroller = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState(false);
  const [scrolled, setScrolled] = useState(false);
  const { shown, waiting, show } = useSteadyRows({ rows, held: pointed || scrolled, scope });
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? NARROW_ROW_PX : ROW_PX),
    overscan: 12,
    getItemKey: (position) => shown[position]?.id ?? position,
  });
  useEffect(() => virtual.measure(), [narrow, virtual]);
  const { active, setActive } = useListKeys({
    count: shown.length,
    onOpen: (position) => open(position),
    onMove: (position) => {
      virtual.scrollToIndex(position);
      if (opened !== undefined) open(position);
    },
  });
  const open = (position: number): void => {
    const row = shown[position];
    if (row) onOpen(row);
  };
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (onEnd && shown.length > 0 && last >= shown.length - 20) onEnd();
  }, [last, shown.length, onEnd]);
  const template = columns.map(({ width }) => width).join(' ');

  return (
    <div className={classes['frame']}>
      {waiting > 0 ? (
        <button
          type="button"
          className={classes['waiting']}
          onClick={() => {
            show();
            scroller.current?.scrollTo({ top: 0 });
          }}
        >
          {t('list.waiting', { count: waiting })}
        </button>
      ) : null}
      <div
        ref={scroller}
        className={classes['scroller']}
        role="grid"
        aria-label={label}
        aria-rowcount={rows.length + 1}
        tabIndex={0}
        aria-activedescendant={active >= 0 && shown[active] ? `row-${shown[active].id}` : undefined}
        onPointerEnter={(event) => setPointed(event.pointerType === 'mouse')}
        onPointerLeave={() => setPointed(false)}
        onScroll={(event) => setScrolled(event.currentTarget.scrollTop > 8)}
      >
        <div role="rowgroup" className={classes['headGroup']}>
          <div
            role="row"
            aria-rowindex={1}
            className={classes['head']}
            style={{ gridTemplateColumns: template }}
          >
            {columns.map(({ key, title }) => (
              <div role="columnheader" key={key}>
                {title}
              </div>
            ))}
          </div>
        </div>
        <div role="rowgroup" className={classes['body']} style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = shown[item.index];
            if (!row) return null;
            return (
              <div
                key={item.key}
                id={`row-${row.id}`}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={item.index === active || row.id === opened}
                className={classes['row']}
                data-active={item.index === active || undefined}
                data-opened={row.id === opened || undefined}
                style={{
                  height: item.size,
                  transform: `translateY(${item.start}px)`,
                  ...(narrow ? {} : { gridTemplateColumns: template }),
                }}
                onClick={() => {
                  setActive(item.index);
                  onOpen(row);
                }}
              >
                {columns.map(({ key, cell }) => (
                  <div role="gridcell" key={key} data-column={key}>
                    {cell(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
