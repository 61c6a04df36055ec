// How long cases take: to detect, to acknowledge, to contain, to close; of one case and of many.
import type { Incident } from '../../platform/core/incident.ts';

/** Milliseconds; absent where it has not come to that. */
export interface CaseTimes {
  /** From the first event to the making of the incident. */
  readonly detect_ms: number;
  /** From the making of the incident to the first acknowledgement, containment, closing. */
  readonly acknowledge_ms?: number;
  readonly contain_ms?: number;
  readonly close_ms?: number;
}

/** Median and 90th percentile (nearest rank), with how many cases they are of. */
export interface Spread {
  readonly count: number;
  readonly p50_ms?: number;
  readonly p90_ms?: number;
}

export type CaseMetrics = Readonly<Record<'detect' | 'acknowledge' | 'contain' | 'close', Spread>>;

export function timesOf({ first, created, milestones }: Incident): CaseTimes {
  const since = (at: string | undefined): number | undefined =>
    at === undefined ? undefined : Math.max(0, Date.parse(at) - Date.parse(created));
  const [acknowledge_ms, contain_ms, close_ms] = [
    // Who contains or closes it has seen it.
    since(milestones?.acknowledged ?? milestones?.contained ?? milestones?.closed),
    since(milestones?.contained),
    since(milestones?.closed),
  ];
  return {
    detect_ms: Math.max(0, Date.parse(created) - Date.parse(first)),
    ...(acknowledge_ms === undefined ? {} : { acknowledge_ms }),
    ...(contain_ms === undefined ? {} : { contain_ms }),
    ...(close_ms === undefined ? {} : { close_ms }),
  };
}

/** Of cases that are not quiet: what comes late or is replayed says nothing of how fast anybody was. */
export function measureCases(incidents: readonly Incident[]): CaseMetrics {
  const times = incidents.filter(({ quiet }) => !quiet).map(timesOf);
  const spread = (values: readonly (number | undefined)[]): Spread => {
    const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] as number;
    return sorted.length === 0 ? { count: 0 } : { count: sorted.length, p50_ms: at(0.5), p90_ms: at(0.9) };
  };
  return {
    detect: spread(times.map(({ detect_ms }) => detect_ms)),
    acknowledge: spread(times.map(({ acknowledge_ms }) => acknowledge_ms)),
    contain: spread(times.map(({ contain_ms }) => contain_ms)),
    close: spread(times.map(({ close_ms }) => close_ms)),
  };
}
