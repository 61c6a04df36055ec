// The page's one clock: a slow beat for relative times, a fast one where seconds count.
import { createContext, type ReactNode, useContext, useEffect, useState } from 'react';

const SlowClock = createContext(0);
const SLOW_MS = 10_000;

export function ClockProvider({ children }: { children: ReactNode }) {
  return <SlowClock value={useBeat(SLOW_MS)}>{children}</SlowClock>;
}

/** Now in ms since the epoch, moving every ten seconds. */
export function useNow(): number {
  return useContext(SlowClock);
}

/** Now in ms since the epoch, moving every `interval_ms`. */
export function useBeat(interval_ms: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), interval_ms);
    return () => clearInterval(timer);
  }, [interval_ms]);
  return now;
}
