// The KQL that an address of the alerts view asks.
import { kqlAnd, kqlOneOf } from '../../api/kql.ts';
import type { AlertsView } from '../../app/view-state.ts';

/** Withdrawn and superseded alerts are left out unless the query speaks of `state`. */
export function whereOf(view: AlertsView, leaveOut?: 'level' | 'site' | 'status'): string {
  return kqlAnd([
    view.where,
    leaveOut === 'level' ? undefined : kqlOneOf('rule.level', view.level ?? []),
    leaveOut === 'site' ? undefined : kqlOneOf('site.id', view.site ?? []),
    leaveOut === 'status' ? undefined : kqlOneOf('status', view.status ?? []),
    /\bstate\s*:/.test(view.where ?? '') ? undefined : 'state: current',
  ]);
}
