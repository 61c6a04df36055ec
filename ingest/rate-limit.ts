// A token bucket, so that one source cannot take the place of the others.
import type { Clock } from '../platform/core/clock.ts';

export interface RateLimiter {
  /**
   * Takes `count` tokens if the bucket is not empty and gives 0; else takes nothing and gives the ms until
   * it has one again. A batch larger than the bucket goes through when it is full and is paid off after.
   */
  take(count: number): number;
}

/** `rate_per_s` tokens a second, at most `burst` kept. */
export function createRateLimiter(options: { rate_per_s: number; burst: number; clock: Clock }): RateLimiter {
  const { rate_per_s, burst, clock } = options;
  let tokens = burst;
  let last = clock.monotonic();
  return {
    take(count) {
      const now = clock.monotonic();
      tokens = Math.min(burst, tokens + ((now - last) / 1000) * rate_per_s);
      last = now;
      if (tokens >= Math.min(count, burst)) {
        tokens -= count;
        return 0;
      }
      return Math.max(1, Math.ceil(((Math.min(count, burst) - tokens) / rate_per_s) * 1000));
    },
  };
}
