// Works a list a few at a time, so that waiting for one does not hold up the next.

/**
 * Begins items in their order, at most `width` of them under way at once. After a fault nothing more is begun; what is
 * under way ends before it is thrown.
 * @throws the first fault
 */
export async function workBeside<T>(options: {
  items: readonly T[];
  width: number;
  work: (item: T, at: number) => Promise<void>;
}): Promise<void> {
  const { items, width, work } = options;
  let next = 0;
  const faults: unknown[] = [];
  const worker = async (): Promise<void> => {
    while (next < items.length && faults.length === 0) {
      const at = next++;
      try {
        await work(items[at] as T, at);
      } catch (error) {
        faults.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  if (faults.length > 0) throw faults[0];
}
