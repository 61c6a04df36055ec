// The engine's part of an incident, worked out from its alerts: level, title, entities, span, quietness.
import { type Alert, isLate, type Threat } from '../../platform/core/alert.ts';
import { type Entity, type EntityType, entityKey } from '../../platform/core/entity.ts';
import type { Incident, IncidentAlert, IncidentJoin } from '../../platform/core/incident.ts';
import { LEVELS, type Level } from '../../platform/core/names.ts';

/** What the builder keeps in memory of each current alert. */
export type CaseAlert = Pick<Alert, 'id' | 'tenant' | 'first' | 'last' | 'entities' | 'site' | 'threat'> & {
  readonly shown: IncidentAlert;
  /** Late by an hour or more, or replayed (SEMANTICS, Late truth). */
  readonly late: boolean;
};

/** Everything of an incident that people do not decide. */
export type EnginePart = Pick<
  Incident,
  | 'tenant'
  | 'title'
  | 'level'
  | 'sites'
  | 'jurisdictions'
  | 'alerts'
  | 'joins'
  | 'entities'
  | 'threat'
  | 'first'
  | 'last'
  | 'quiet'
>;

const MAX_ENTITIES = 500;

/** Which entity a title names, if several are about. */
const TITLE_TYPES: readonly EntityType[] = [
  'pod',
  'host',
  'service-account',
  'user',
  'image',
  'address',
  'domain',
];

const TYPE_WORDS: Readonly<Partial<Record<EntityType, string>>> = {
  'service-account': 'service account',
  'cloud-account': 'cloud account',
};

export function caseAlertOf(alert: Alert): CaseAlert {
  const { id, tenant, first, last, entities, site, threat, count } = alert;
  return {
    id,
    tenant,
    first,
    last,
    entities,
    site,
    threat,
    late: isLate(alert),
    shown: {
      id,
      rule_id: alert.rule.id,
      rule_name: alert.rule.name,
      level: alert.rule.level,
      site: site.id,
      jurisdiction: alert.jurisdiction,
      first,
      last,
      count,
    },
  };
}

/** By first event, then id: the first of them is an incident's oldest alert. */
export function compareAlerts(
  a: Pick<CaseAlert, 'first' | 'id'>,
  b: Pick<CaseAlert, 'first' | 'id'>,
): number {
  return Date.parse(a.first) - Date.parse(b.first) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** Higher is graver. */
export function rankLevel(level: Level): number {
  return LEVELS.indexOf(level);
}

/** `alerts` is not empty. */
export function describeCase(alerts: readonly CaseAlert[], joins: readonly IncidentJoin[]): EnginePart {
  const sorted = [...alerts].sort(compareAlerts);
  const [oldest] = sorted as [CaseAlert];
  const entities = new Map<string, Entity>();
  const threat = new Map<string, Threat>();
  for (const alert of sorted) {
    for (const entity of alert.entities)
      if (entities.size < MAX_ENTITIES) entities.set(entityKey(entity), entity);
    for (const one of alert.threat) threat.set(`${one.tactic ?? ''} ${one.technique ?? ''}`, one);
  }
  const gravest = sorted.reduce((found, alert) =>
    rankLevel(alert.shown.level) > rankLevel(found.shown.level) ? alert : found,
  );
  const sites = [...new Set(sorted.map(({ site }) => site.id))].sort();
  return {
    tenant: oldest.tenant,
    title: titleOf({ gravest, alerts: sorted, sites }),
    level: gravest.shown.level,
    sites,
    jurisdictions: [...new Set(sorted.map(({ shown }) => shown.jurisdiction))].sort(),
    alerts: sorted.map(({ shown }) => shown),
    joins: [...joins],
    entities: [...entities.values()],
    threat: [...threat.values()],
    first: oldest.first,
    last: sorted.reduce(
      (last, alert) => (Date.parse(alert.last) > Date.parse(last) ? alert.last : last),
      oldest.last,
    ),
    quiet: sorted.every(({ late }) => late),
  };
}

/** `Shell spawned in a container and 3 more alerts about pod shop/web at lyon`. */
function titleOf(options: {
  gravest: CaseAlert;
  alerts: readonly CaseAlert[];
  sites: readonly string[];
}): string {
  const { gravest, alerts, sites } = options;
  const others = alerts.length - 1;
  const more = others === 0 ? '' : others === 1 ? ' and 1 more alert' : ` and ${others} more alerts`;
  const subject = TITLE_TYPES.map((type) => gravest.entities.find((entity) => entity.type === type)).find(
    Boolean,
  );
  const about = subject ? ` about ${TYPE_WORDS[subject.type] ?? subject.type} ${subject.value}` : '';
  const places =
    sites.length <= 3
      ? sites.join(', ')
      : `${sites.slice(0, 2).join(', ')} and ${sites.length - 2} more sites`;
  return `${gravest.shown.rule_name}${more}${about} at ${places}`;
}
