// Fills a playbook's variables from an incident: which public address to act on, and at which sites it was met.
import { type Alert } from '../../platform/core/alert.ts';
import { entityKey } from '../../platform/core/entity.ts';
import type { Incident } from '../../platform/core/incident.ts';
import { LEVEL_SCORE, type Level } from '../../platform/core/names.ts';

export interface Targets {
  /** The public address that most of the incident's weight stands on. */
  readonly address: string;
  /** Sites where an alert of the incident met it, sorted. */
  readonly sites: readonly string[];
}

/**
 * The public address with the greatest sum of its alerts' level scores (ties: the smaller text), and the
 * sites of those alerts. Only alerts of level `least` and above speak: a resolver or an update server stands
 * in many low ones. Undefined when none of them names a public address.
 */
export function chooseAddress(options: {
  incident: Incident;
  alerts: readonly Alert[];
  least: Level;
}): Targets | undefined {
  const { incident, alerts, least } = options;
  const members = new Set(incident.alerts.map(({ id }) => id));
  const weights = new Map<string, { address: string; weight: number; sites: Set<string> }>();
  for (const alert of alerts) {
    const isHeard = members.has(alert.id) && alert.state === 'current';
    if (!isHeard || LEVEL_SCORE[alert.rule.level] < LEVEL_SCORE[least]) continue;
    for (const entity of alert.entities) {
      if (entity.type !== 'address' || entity.scope !== 'global') continue;
      const held = weights.get(entityKey(entity)) ?? {
        address: entity.value,
        weight: 0,
        sites: new Set<string>(),
      };
      held.weight += LEVEL_SCORE[alert.rule.level];
      held.sites.add(alert.site.id);
      weights.set(entityKey(entity), held);
    }
  }
  const [best] = [...weights.values()].sort(
    (a, b) => b.weight - a.weight || (a.address < b.address ? -1 : 1),
  );
  return best && { address: best.address, sites: [...best.sites].sort() };
}
