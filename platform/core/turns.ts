// Lets one at a time through, or a few, the most important of those who wait first.

export interface Turns {
  /** Runs `work` when its turn comes; lower `rank` goes first, equals in order of asking. */
  take<T>(rank: number, work: () => Promise<T>): Promise<T>;
}

/** `width`: how many are let through at once; default 1. */
export function createTurns(width = 1): Turns {
  const waiting: { rank: number; start: () => void }[] = [];
  let underWay = 0;
  const next = (): void => {
    let best = -1;
    for (let at = 0; at < waiting.length; at++) {
      if (best < 0 || (waiting[at]?.rank ?? 0) < (waiting[best]?.rank ?? 0)) best = at;
    }
    const [chosen] = best < 0 ? [] : waiting.splice(best, 1);
    // Its place is handed over, so that nobody comes between.
    if (chosen) chosen.start();
    else underWay--;
  };
  return {
    take: async (rank, work) => {
      if (underWay >= width) await new Promise<void>((start) => waiting.push({ rank, start }));
      else underWay++;
      try {
        return await work();
      } finally {
        next();
      }
    },
  };
}
