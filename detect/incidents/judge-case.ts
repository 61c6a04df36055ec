// Whether a case has changed enough to be sent, or to be written.
import type { Incident } from '../../platform/core/incident.ts';
import { rankLevel } from './describe-case.ts';

/** True when a sending is owed: never sent, graver now, or no longer quiet. */
export function isOwed({ announced, level, quiet, alerts, merged_into }: Incident): boolean {
  if (alerts.length === 0 || merged_into !== undefined) return false;
  if (!announced) return true;
  return rankLevel(level) > rankLevel(announced.level) || (announced.quiet && !quiet);
}

/** True when nothing but the time of writing differs. */
export function sameCase(a: Incident, b: Incident): boolean {
  return (
    JSON.stringify({ ...a, updated: '' }) === JSON.stringify({ ...a, ...b, updated: '' }) &&
    a.merged_into === b.merged_into
  );
}
