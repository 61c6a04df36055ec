// Puts together what an analyst sees of one incident: its alerts, runs, changes, and one timeline over all of them.
import type { Alert } from '../../platform/core/alert.ts';
import type { Incident } from '../../platform/core/incident.ts';
import type { PlaybookRun } from '../../platform/core/playbook-run.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import { runsOfCase } from '../../respond/playbooks/trigger-playbooks.ts';
import type { ChangeView, IncidentDetail, TimelineEntry } from './contract.ts';
import { listChanges } from './list-changes.ts';

export async function describeIncident(options: {
  records: RecordStore;
  incident: Incident;
  now: number;
}): Promise<IncidentDetail> {
  const { records, incident, now } = options;
  const alerts: Alert[] = [];
  for (const { id } of incident.alerts) {
    const record = await records.get<Alert>('alerts', id);
    if (record) alerts.push(record.value);
  }
  const runs = await runsOfCase({ records, incident: incident.id });
  const changes = await listChanges({ records, now, runs, everything: false });
  return { incident, alerts, runs, changes, timeline: timelineOf({ incident, alerts, runs, changes }) };
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
