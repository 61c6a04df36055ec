// What people decide about which alerts stand together: merging incidents, splitting alerts off, and taking a merge back.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { Incident, IncidentLink } from '../../platform/core/incident.ts';
import { SCHEMA_VERSION } from '../../platform/core/schema-version.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';

interface Deciding {
  readonly records: RecordStore;
  readonly clock: Clock;
  readonly actor: string;
  readonly reason: string;
}

/** At most this many decisions are read; a fleet makes a few a day. */
const MAX_LINKS = 10_000;

/** All decisions, oldest first. */
export async function readLinks(records: RecordStore): Promise<IncidentLink[]> {
  const page = await records.query<IncidentLink>('incident-links', {
    limit: MAX_LINKS,
    sort: { field: 'at', direction: 'asc' },
  });
  return page.records.map(({ value }) => value);
}

/**
 * The alerts of two incidents belong together. The incident builder does it; the id that stays is that of the older.
 * @throws PicketError INCIDENT_SAME, INCIDENT_EMPTY (one has no alerts)
 */
export async function mergeIncidents(
  options: Deciding & { incidents: readonly [Incident, Incident] },
): Promise<IncidentLink> {
  const [one, other] = options.incidents;
  if (one.id === other.id)
    throw new PicketError({
      code: 'INCIDENT_SAME',
      message: `incident ${one.id} cannot be merged with itself`,
    });
  return decide(options, {
    kind: 'together',
    sides: [alertsOf(one), alertsOf(other)],
    incidents: [one.id, other.id],
  });
}

/**
 * Some alerts do not belong to the rest of their incident; one alone is detached. They stand apart from now on, and
 * what comes later joins the side that it shares more with.
 * @throws PicketError INCIDENT_ALERT_UNKNOWN (names the first that is not of the incident), INCIDENT_WHOLE (nothing would be left)
 */
export async function splitIncident(
  options: Deciding & { incident: Incident; alerts: readonly string[] },
): Promise<IncidentLink> {
  const { incident } = options;
  const all = alertsOf(incident);
  const off = [...new Set(options.alerts)];
  const unknown = off.find((id) => !all.includes(id));
  if (unknown !== undefined || off.length === 0)
    throw new PicketError({
      code: 'INCIDENT_ALERT_UNKNOWN',
      message: `incident ${incident.id} has no alert ${unknown ?? ''}`,
    });
  const rest = all.filter((id) => !off.includes(id));
  if (rest.length === 0)
    throw new PicketError({
      code: 'INCIDENT_WHOLE',
      message: 'splitting off every alert leaves no incident',
    });
  return decide(options, { kind: 'apart', sides: [off, rest], incidents: [incident.id] });
}

/**
 * Takes a merge back: the alerts of its two sides stand apart again.
 * @throws PicketError LINK_NOT_FOUND, LINK_NO_MERGE
 */
export async function unmergeIncidents(options: Deciding & { link: string }): Promise<IncidentLink> {
  const link = (await options.records.get<IncidentLink>('incident-links', options.link))?.value;
  if (!link) throw new PicketError({ code: 'LINK_NOT_FOUND', message: `no decision ${options.link}` });
  if (link.kind !== 'together')
    throw new PicketError({ code: 'LINK_NO_MERGE', message: `decision ${link.id} is no merge` });
  const [left, right] = link.sides;
  return decide(options, {
    kind: 'apart',
    sides: [left, right.filter((id) => !left.includes(id))],
    incidents: link.incidents,
  });
}

async function decide(
  { records, clock, actor, reason }: Deciding,
  decision: Pick<IncidentLink, 'kind' | 'sides' | 'incidents'>,
): Promise<IncidentLink> {
  const id = randomUUID();
  const at = new Date(clock.now()).toISOString();
  const link: IncidentLink = { schema: SCHEMA_VERSION, id, ...decision, actor, at, reason };
  return (await records.create('incident-links', id, link)).value;
}

function alertsOf({ id, alerts }: Incident): string[] {
  if (alerts.length === 0)
    throw new PicketError({ code: 'INCIDENT_EMPTY', message: `incident ${id} has no alerts` });
  return alerts.map((alert) => alert.id);
}
