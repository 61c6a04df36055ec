// Reads a site's health out of what it tells of itself.
import type { SiteView } from '../../../server/api/contract.ts';
import type { Tone } from './badges.tsx';

export const LINK_TONES: Readonly<Record<SiteView['link'], Tone>> = {
  self: 'accent',
  up: 'good',
  late: 'warn',
  down: 'bad',
  never: 'neutral',
};

type Counters = NonNullable<SiteView['heartbeat']>['counters'];

/** The sum over all sources of one reason of one stage. */
export function sumCounters(counters: Counters, stage: string, reason: string): number {
  return counters
    .filter((counter) => counter.stage === stage && counter.reason === reason)
    .reduce((sum, { count }) => sum + count, 0);
}
