// The `@timestamp` of documents that others made: ISO 8601, or epoch milliseconds as Elasticsearch's default date format takes too.
import { parseTime, type Zone } from '../../parse-time.ts';

/** ms since the epoch; undefined for what is no time. Zone-less text is wall time in `zone`. */
export function parseTimestamp(value: unknown, zone: Zone | undefined): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : undefined;
  if (typeof value === 'string' && /^\d{12,14}$/.test(value)) return Number(value);
  return parseTime(value, zone)?.timestamp;
}
