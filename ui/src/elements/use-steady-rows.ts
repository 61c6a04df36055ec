// Keeps a live list still while someone points at it or reads further down: known rows change in place, new ones wait.
import { useEffect, useRef, useState } from 'react';

/** `held` is true while the rows must not move; `show` lets the waiting ones in. */
export function useSteadyRows<Row extends { id: string }>({
  rows,
  held,
  scope,
}: {
  rows: readonly Row[];
  held: boolean;
  /** What the list was asked for: another question shows its answer at once. */
  scope: string;
}): { shown: readonly Row[]; waiting: number; show: () => void } {
  const [order, setOrder] = useState<readonly string[]>(() => rows.map(({ id }) => id));
  const lastScope = useRef(scope);
  useEffect(() => {
    if (held && lastScope.current === scope && order.length > 0) {
      // Rows that were read by scrolling stand after all that is known: they move nothing.
      const known = new Set(order);
      const tail = rows.slice(rows.findLastIndex(({ id }) => known.has(id)) + 1);
      if (tail.length > 0 && tail.length < rows.length) setOrder([...order, ...tail.map(({ id }) => id)]);
      return;
    }
    lastScope.current = scope;
    setOrder(rows.map(({ id }) => id));
    // `order` is what this effect makes.
  }, [rows, held, scope]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const known = new Set(order);
  const shown = order.map((id) => byId.get(id)).filter((row): row is Row => row !== undefined);
  return {
    shown,
    waiting: rows.filter(({ id }) => !known.has(id)).length,
    show: () => setOrder(rows.map(({ id }) => id)),
  };
}
