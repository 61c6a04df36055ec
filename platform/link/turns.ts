// Lets one at a time through, the most important of those who wait first.

export interface Turns {
  /** Runs `work` when its turn comes; lower `rank` goes first, equals in order of asking. */
  take<T>(rank: number, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const waiting: { rank: number; start: () => void }[] = [];
  let busy = false;
  const next = (): void => {
    let best = -1;
    for (let at = 0; at < waiting.length; at++) {
      if (best < 0 || (waiting[at]?.rank ?? 0) < (waiting[best]?.rank ?? 0)) best = at;
    }
    const [chosen] = best < 0 ? [] : waiting.splice(best, 1);
    if (chosen) chosen.start();
    else busy = false;
  };
  return {
    take: async (rank, work) => {
      if (busy) await new Promise<void>((start) => waiting.push({ rank, start }));
      busy = true;
      try {
        return await work();
      } finally {
        next();
      }
    },
  };
}
