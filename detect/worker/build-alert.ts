// Makes the alert of an episode from what was stored of its events.
import type { Alert, EvidenceEvent, MatchReason } from '../../platform/core/alert.ts';
import { type Entity, entityKey } from '../../platform/core/entity.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import type { ResidencyClass, SiteTier } from '../../platform/core/names.ts';
import { SCHEMA_VERSION } from '../../platform/core/schema-version.ts';
import type { Episode } from '../correlate/correlator.ts';
import type { Match } from '../match.ts';
import type { EntityTable } from './entity-table.ts';
import { readThreat } from './read-threat.ts';
import { summariseEvent } from './summarise-event.ts';

/** What is kept of one event for the alerts it may come to stand in. */
export interface Evidence {
  readonly timestamp: string;
  readonly dataset: string;
  readonly summary: string;
  readonly site: { readonly id: string; readonly tier: SiteTier };
  readonly jurisdiction: string;
  readonly class: ResidencyClass;
  readonly replayed: boolean;
  readonly entities: readonly Entity[];
  readonly reasons: readonly MatchReason[];
}

/** Who makes alerts: the detector's own site. */
export interface DetectorSite {
  readonly tenant: string;
  readonly id: string;
  readonly tier: SiteTier;
  readonly jurisdiction: string;
}

/** An alert names at most this many entities and reasons. */
const MAX_SHOWN = 100;

/** Classes from the one that says most of people to the one that says least: which of several an alert takes. */
export const CLASSES_BY_STRICTNESS: readonly ResidencyClass[] = [
  'authentication',
  'process',
  'host-audit',
  'application-log',
  'system-log',
  'control-plane-audit',
  'network-flow',
  'runtime-alert',
  'vulnerability',
  'operational',
];

/** Evidence of a match; called once for each event that a rule matched. */
export function takeEvidence(match: Match, table: EntityTable): Evidence {
  const { event } = match;
  return {
    timestamp: event['@timestamp'],
    dataset: event.event.dataset,
    summary: summariseEvent(event),
    site: siteOf(event),
    jurisdiction: event.picket.jurisdiction,
    class: event.picket.class,
    replayed: event.picket.replayed === true,
    entities: table.entitiesOf(event),
    reasons: match.reasons(),
  };
}

function siteOf(event: PicketEvent): { id: string; tier: SiteTier } {
  return { id: event.picket.site.id, tier: event.picket.site.tier };
}

/**
 * The alert of an episode. Of scope `site` it stands at its events' site, of scope `fleet` at the detector's.
 * Undefined when nothing of its events is stored any more (retention).
 */
export function buildAlert(options: {
  episode: Episode;
  revision: number;
  site: DetectorSite;
}): Alert | undefined {
  const { episode } = options;
  const { rule } = episode;
  const inputs = new Set(episode.inputs);
  const events: EvidenceEvent[] = [];
  const entities = new Map<string, Entity>();
  const reasons = new Map<string, MatchReason>();
  const classes = new Set<ResidencyClass>();
  const explained = new Set<string>();
  let origin: Evidence | undefined;
  let replayed = true;
  for (const { event } of episode.events) {
    const stored = (episode.evidence.get(event) ?? [])
      .filter((one) => inputs.has(one.rule))
      // What `takeEvidence` gave when the event matched.
      .map((one) => ({ rule: one.rule, body: one.body as Evidence }));
    const [shown] = stored;
    if (!shown) continue;
    const { timestamp, dataset, summary } = shown.body;
    events.push({ id: event, timestamp, dataset, summary });
    origin ??= shown.body;
    replayed &&= shown.body.replayed;
    classes.add(shown.body.class);
    for (const entity of shown.body.entities)
      if (entities.size < MAX_SHOWN) entities.set(entityKey(entity), entity);
    for (const { rule: matched, body } of stored) {
      // One event explains a rule; the rest would repeat it.
      if (explained.has(matched)) continue;
      explained.add(matched);
      for (const reason of body.reasons)
        if (reasons.size < MAX_SHOWN) reasons.set(JSON.stringify(reason), reason);
    }
  }
  if (!origin) return undefined;
  const atSite = rule.scope === 'site';
  return {
    schema: SCHEMA_VERSION,
    id: episode.id,
    tenant: episode.tenant,
    site: atSite ? origin.site : { id: options.site.id, tier: options.site.tier },
    jurisdiction: atSite ? origin.jurisdiction : options.site.jurisdiction,
    class: CLASSES_BY_STRICTNESS.find((name) => classes.has(name)) ?? origin.class,
    rule: {
      id: rule.id,
      name: rule.name,
      level: rule.level,
      kind: rule.kind,
      version: rule.version,
      pack: rule.pack,
      tags: [...rule.tags],
      ...(rule.guide === undefined ? {} : { guide: rule.guide }),
      ...(rule.falsepositives === undefined ? {} : { falsepositives: [...rule.falsepositives] }),
    },
    scope: rule.scope,
    key: episode.key,
    state: episode.state,
    ...(episode.superseded_by === undefined ? {} : { superseded_by: episode.superseded_by }),
    revision: options.revision,
    first: new Date(episode.first).toISOString(),
    last: new Date(episode.last).toISOString(),
    count: episode.count,
    events,
    reasons: [...reasons.values()],
    entities: [...entities.values()],
    threat: readThreat(rule.tags),
    detection_delay_ms: episode.created - episode.anchor.t,
    replayed,
    created: new Date(episode.created).toISOString(),
    status: 'open',
  };
}
