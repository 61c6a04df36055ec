// What a residency report cannot vouch for: sites not heard, records still waiting, records lost or refused on the way.
import { z } from 'zod';
import type { ResidencyLedgerEntry } from '../../platform/core/residency-ledger.ts';
import type { SiteRecord } from '../../platform/core/site.ts';

export const ReportGap = z.object({
  kind: z.enum(['nothing-reported', 'silent', 'spool-waiting', 'expired-before-sent', 'unreadable']),
  /** Records, where they can be counted. */
  records: z.number().int().optional(),
  since: z.iso.datetime().optional(),
});
export type ReportGap = z.infer<typeof ReportGap>;

/** A site that was not heard for longer is silent. */
const SILENT_MS = 5 * 60_000;

export function findGaps(options: {
  site: SiteRecord | undefined;
  entries: readonly ResidencyLedgerEntry[];
  now: number;
}): ReportGap[] {
  const { site, entries, now } = options;
  const gaps: ReportGap[] = [];
  if (entries.length === 0) gaps.push({ kind: 'nothing-reported' });
  const { last_seen, heartbeat } = site ?? {};
  if (last_seen !== undefined && now - Date.parse(last_seen) > SILENT_MS)
    gaps.push({ kind: 'silent', since: last_seen });
  if (heartbeat && heartbeat.spool.records > 0)
    gaps.push({ kind: 'spool-waiting', records: heartbeat.spool.records, since: heartbeat.at });
  for (const reason of ['expired-before-sent', 'unreadable'] as const) {
    const records = (heartbeat?.counters ?? [])
      .filter((counter) => counter.stage === 'uplink' && counter.reason === reason)
      .reduce((sum, { count }) => sum + count, 0);
    if (records > 0) gaps.push({ kind: reason, records });
  }
  return gaps;
}
