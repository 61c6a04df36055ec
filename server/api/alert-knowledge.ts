// What is known around an alert: alerts of the same rule and key as one row, and what other records say of its entities.
import type { Alert } from '../../platform/core/alert.ts';
import { canonicalJson } from '../../platform/core/canonical-json.ts';
import type { Entity } from '../../platform/core/entity.ts';
import { compileStringTest } from '../../platform/core/expression/compile.ts';
import { allOf, equals } from '../../platform/core/expression/expression.ts';
import { Criticality } from '../../platform/core/risk.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import type { SiteConfig } from '../site-config.ts';
import type { AlertGroup, EntityKnowledge } from './alert-contract.ts';

/**
 * Alerts of one rule, key and site whose gaps are within the window stand as one, newest first: the same thing that
 * goes on for days, which episodes cut at midnight and at every hour of quiet.
 */
export function groupAlerts(alerts: readonly Alert[], window_ms: number): AlertGroup[] {
  const open = new Map<string, { members: Alert[]; first: number }[]>();
  const newest = [...alerts].sort(
    (a, b) => Date.parse(b.last) - Date.parse(a.last) || (a.id < b.id ? -1 : 1),
  );
  for (const alert of newest) {
    const key = canonicalJson([alert.rule.id, alert.site.id, alert.key]);
    const groups = open.get(key) ?? [];
    const current = groups.at(-1);
    if (current && current.first - Date.parse(alert.last) <= window_ms) {
      current.members.push(alert);
      current.first = Math.min(current.first, Date.parse(alert.first));
    } else groups.push({ members: [alert], first: Date.parse(alert.first) });
    open.set(key, groups);
  }
  return [...open.values()]
    .flat()
    .map(({ members, first }): AlertGroup => {
      const [latest] = members as [Alert];
      return {
        latest,
        alerts: members.map(({ id }) => id),
        open: members.filter(({ status }) => status === 'open').length,
        count: members.reduce((sum, { count }) => sum + count, 0),
        first: new Date(first).toISOString(),
        last: latest.last,
      };
    })
    .sort((a, b) => (a.last > b.last ? -1 : a.last < b.last ? 1 : a.latest.id < b.latest.id ? -1 : 1));
}

/** Entities of an alert that are looked up, and alerts that are read of each. */
const MOST_ENTITIES = 20;
const MOST_ALERTS = 500;

/** What alerts, scans and the configuration say of each entity of an alert, itself left out. */
export async function knowEntities(options: {
  records: RecordStore;
  alert: Alert;
  assets: SiteConfig['assets'];
}): Promise<EntityKnowledge[]> {
  const { records, alert, assets } = options;
  const known: EntityKnowledge[] = [];
  for (const entity of alert.entities.slice(0, MOST_ENTITIES)) {
    const { records: found } = await records.query<Alert>('alerts', {
      where: allOf([equals('entities.value', entity.value), equals('state', 'current')]),
      sort: { field: 'last', direction: 'desc' },
      limit: MOST_ALERTS,
    });
    const naming = found.map(({ value }) => value).filter((other) => other.entities.some(same(entity)));
    const others = naming.filter(({ id }) => id !== alert.id);
    const firsts = naming.map(({ first }) => first).sort();
    const lasts = naming.map(({ last }) => last).sort();
    const criticality = criticalityOf(entity, assets);
    known.push({
      entity,
      ...(criticality === undefined ? {} : { criticality }),
      alerts: others.length,
      open: others.filter(({ status }) => status === 'open').length,
      weaknesses: naming.filter(({ class: recordClass }) => recordClass === 'vulnerability').length,
      sites: [...new Set(naming.map(({ site }) => site.id))].sort(),
      ...(firsts[0] === undefined ? {} : { first: firsts[0], last: lasts.at(-1) as string }),
      complete: found.length < MOST_ALERTS,
    });
  }
  return known;
}

function same(entity: Entity): (other: Entity) => boolean {
  return ({ type, scope, value }) => type === entity.type && scope === entity.scope && value === entity.value;
}

function criticalityOf(entity: Entity, assets: SiteConfig['assets']): Criticality | undefined {
  const rank = Criticality.options;
  return assets
    .filter(
      ({ type, value }) => type === entity.type && compileStringTest('wildcard', value, false)(entity.value),
    )
    .map(({ criticality }) => criticality)
    .sort((a, b) => rank.indexOf(b) - rank.indexOf(a))[0];
}
