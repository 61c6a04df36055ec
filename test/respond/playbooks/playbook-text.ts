// The bundled playbook as text to be broken, and an incident with the alert that gives it a target.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Alert } from '../../../platform/core/alert.ts';
import type { Incident } from '../../../platform/core/incident.ts';

export const PLAYBOOKS = join(import.meta.dirname, '..', '..', '..', 'rules', 'playbooks');
export const BUNDLED = readFileSync(join(PLAYBOOKS, 'deny-public-address.yml'), 'utf8');
const AT = '2026-11-23T08:00:00.000Z';

export function makeAlert(id: string, options: { address?: string; site?: string } = {}): Alert {
  const { address, site = 'lyon' } = options;
  return {
    schema: 1,
    id,
    tenant: 'acme',
    site: { id: site, tier: 'edge' },
    jurisdiction: 'eu-fr',
    class: 'network-flow',
    rule: {
      id: 'rule-1',
      name: 'Beacon',
      level: 'high',
      kind: 'plain',
      version: '00',
      pack: '00',
      tags: [],
    },
    scope: 'site',
    key: {},
    state: 'current',
    revision: 1,
    first: AT,
    last: AT,
    count: 1,
    events: [],
    reasons: [],
    entities: address === undefined ? [] : [{ type: 'address', scope: 'global', value: address }],
    threat: [],
    detection_delay_ms: 0,
    replayed: false,
    created: AT,
    status: 'open',
  };
}

export function makeIncident(id: string, alerts: readonly Alert[], more: Partial<Incident> = {}): Incident {
  return {
    schema: 1,
    id,
    tenant: 'acme',
    title: 'Beacon at lyon',
    level: 'high',
    status: 'open',
    sites: [...new Set(alerts.map(({ site }) => site.id))].sort(),
    jurisdictions: ['eu-fr'],
    alerts: alerts.map((alert) => ({
      id: alert.id,
      rule_id: alert.rule.id,
      rule_name: alert.rule.name,
      level: alert.rule.level,
      site: alert.site.id,
      jurisdiction: alert.jurisdiction,
      first: alert.first,
      last: alert.last,
      count: alert.count,
    })),
    joins: [],
    entities: [],
    threat: [],
    first: AT,
    last: AT,
    created: AT,
    updated: AT,
    notes: [],
    quiet: false,
    announced: { level: 'high', quiet: false },
    ...more,
  };
}
