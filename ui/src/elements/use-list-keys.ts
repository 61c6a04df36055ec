// j and k move through a list, Enter opens what they stand on.
import { useHotkeys } from '@mantine/hooks';
import { useEffect, useState } from 'react';

/** `active` is the row that the keys stand on; -1 before they are used. */
export function useListKeys({
  count,
  onOpen,
  onMove,
}: {
  count: number;
  onOpen: (row: number) => void;
  onMove?: (row: number) => void;
}): { active: number; setActive: (row: number) => void } {
  const [active, setActive] = useState(-1);
  useEffect(() => {
    if (active >= count) setActive(count - 1);
  }, [active, count]);
  const move = (step: number): void => {
    if (count === 0) return;
    const row = Math.min(count - 1, Math.max(0, active + step));
    setActive(row);
    onMove?.(row);
  };
  useHotkeys([
    ['j', () => move(1)],
    ['k', () => move(-1)],
    [
      'Enter',
      (press) => {
        // Enter on a focused link or button is that element's own.
        if (press.target instanceof HTMLElement && press.target.closest('a,button,[role=button],summary'))
          return;
        if (active >= 0) onOpen(active);
      },
      { preventDefault: false },
    ],
  ]);
  return { active, setActive };
}
