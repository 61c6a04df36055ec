// Puts together what an analyst sees of one incident: its alerts, runs, changes, and one timeline over all of them.
import { readLinks } from '../../detect/incidents/link-alerts.ts';
import { timesOf } from '../../detect/incidents/measure-cases.ts';
import { scoreRisk } from '../../detect/incidents/score-risk.ts';
import type { Alert } from '../../platform/core/alert.ts';
import { compileStringTest } from '../../platform/core/expression/compile.ts';
import { allOf, equals } from '../../platform/core/expression/expression.ts';
import type { Incident } from '../../platform/core/incident.ts';
import type { PlaybookRun } from '../../platform/core/playbook-run.ts';
import { Criticality } from '../../platform/core/risk.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import { runsOfCase } from '../../respond/playbooks/trigger-playbooks.ts';
import type { SiteConfig } from '../site-config.ts';
import type { ChangeView, IncidentDetail, TimelineEntry } from './contract.ts';
import { listChanges } from './list-changes.ts';

export async function describeIncident(options: {
  records: RecordStore;
  incident: Incident;
  now: number;
  assets: SiteConfig['assets'];
}): Promise<IncidentDetail> {
  const { records, incident, now } = options;
  const alerts: Alert[] = [];
  for (const { id } of incident.alerts) {
    const record = await records.get<Alert>('alerts', id);
    if (record) alerts.push(record.value);
  }
  const runs = await runsOfCase({ records, incident: incident.id });
  const changes = await listChanges({ records, now, runs, everything: false });
  const own = new Set(incident.alerts.map(({ id }) => id));
  const links = await readLinks(records);
  return {
    incident,
    alerts,
    runs,
    changes,
    timeline: timelineOf({ incident, alerts, runs, changes }),
    risk: scoreRisk({
      incident,
      weaknesses: await findWeaknesses(records, incident),
      criticality: criticalityOf(incident, options.assets),
    }),
    times: timesOf(incident),
    links: links.filter(
      ({ sides, incidents }) => incidents.includes(incident.id) || sides.flat().some((id) => own.has(id)),
    ),
  };
}

/** What a scan can find weak. */
const SCANNED = new Set(['image', 'host', 'pod']);
const MAX_WEAKNESSES = 100;

/** Current alerts of scans that name an image or host of the case, its own or not. */
async function findWeaknesses(records: RecordStore, incident: Incident): Promise<Alert[]> {
  const values = [
    ...new Set(incident.entities.filter(({ type }) => SCANNED.has(type)).map(({ value }) => value)),
  ];
  if (values.length === 0) return [];
  const page = await records.query<Alert>('alerts', {
    where: allOf([
      equals('class', 'vulnerability'),
      equals('state', 'current'),
      { op: 'or', of: values.map((value) => equals('entities.value', value)) },
    ]),
    limit: MAX_WEAKNESSES,
  });
  return page.records.map(({ value }) => value);
}

/** Of the most critical asset among the case's entities, as the configuration lists them. */
function criticalityOf(
  { entities }: Incident,
  assets: SiteConfig['assets'],
): { value: Criticality; asset: string } | undefined {
  const found = assets.flatMap(({ type, value, criticality }) => {
    const fits = compileStringTest('wildcard', value, false);
    const entity = entities.find((one) => one.type === type && fits(one.value));
    return entity ? [{ value: criticality, asset: entity.value }] : [];
  });
  const rank = Criticality.options;
  return found.sort((a, b) => rank.indexOf(b.value) - rank.indexOf(a.value))[0];
}

/** Oldest first; ties keep alerts before what answered them. */
function timelineOf(parts: {
  incident: Incident;
  alerts: readonly Alert[];
  runs: readonly PlaybookRun[];
  changes: readonly ChangeView[];
}): TimelineEntry[] {
  const entries: TimelineEntry[] = [
    ...parts.alerts.map(alertEntry),
    ...parts.incident.notes.map(
      ({ at, actor, kind, text }): TimelineEntry => ({
        at,
        kind: 'note',
        title: text,
        detail: `${actor} · ${kind}`,
      }),
    ),
    ...parts.runs.flatMap(runEntries),
    ...parts.changes.flatMap((change): TimelineEntry[] =>
      change.at === undefined
        ? []
        : [
            {
              at: change.at,
              kind: 'change',
              site: change.site,
              title: `${change.action}: ${change.state}`,
              detail: [Object.values(change.parameters).join(', '), change.detail]
                .filter(Boolean)
                .join(' — '),
              ref: change.id,
            },
          ],
    ),
  ];
  return entries
    .map((entry, order) => ({ entry, order }))
    .sort((a, b) => Date.parse(a.entry.at) - Date.parse(b.entry.at) || a.order - b.order)
    .map(({ entry }) => entry);
}

function alertEntry(alert: Alert): TimelineEntry {
  const summary = alert.events[0]?.summary;
  return {
    at: alert.first,
    kind: 'alert',
    site: alert.site.id,
    title: alert.rule.name,
    level: alert.rule.level,
    ref: alert.id,
    ...(summary === undefined ? {} : { detail: summary }),
  };
}

function runEntries(run: PlaybookRun): TimelineEntry[] {
  const entries = run.steps.flatMap(({ name, type, state, started, ended, error }): TimelineEntry[] => {
    const at = ended ?? started;
    if (at === undefined || type === 'start' || type === 'end') return [];
    return [
      {
        at,
        kind: 'run',
        title: `${run.playbook.name}: ${name}`,
        detail: error ? `${state}: ${error.message}` : state,
        ref: run.id,
      },
    ];
  });
  const { approval } = run;
  if (approval?.decided !== undefined) {
    const detail = [approval.actor, approval.reason].filter(Boolean).join(': ');
    entries.push({
      at: approval.decided,
      kind: 'run',
      title: `${run.playbook.name}: ${approval.decision}`,
      detail,
      ref: run.id,
    });
  }
  return entries;
}
