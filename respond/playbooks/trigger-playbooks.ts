// Decides which playbooks an incident starts, once each, also when cases are merged into one.
import { createHash } from 'node:crypto';
import type { Alert } from '../../platform/core/alert.ts';
import { errorCode } from '../../platform/core/errors.ts';
import { allOf, anyOf, equals } from '../../platform/core/expression/expression.ts';
import type { Incident } from '../../platform/core/incident.ts';
import { LEVEL_SCORE } from '../../platform/core/names.ts';
import type { PlaybookRun } from '../../platform/core/playbook-run.ts';
import { SCHEMA_VERSION } from '../../platform/core/schema-version.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import { chooseAddress } from './choose-targets.ts';
import type { LoadedPlaybook } from './load-playbooks.ts';
import type { Trigger } from './schema.ts';

/**
 * Makes a run for each playbook that the incident triggers and that has none yet; returns the new ones.
 * Nothing for a quiet, merged or closed case, and nothing while a target that the trigger requires is missing.
 */
export async function triggerPlaybooks(options: {
  records: RecordStore;
  playbooks: readonly LoadedPlaybook[];
  incident: Incident;
  now: number;
}): Promise<PlaybookRun[]> {
  const { records, playbooks, incident } = options;
  if (incident.quiet || incident.merged_into !== undefined || incident.status === 'closed') return [];
  const started: PlaybookRun[] = [];
  for (const { playbook, version, trigger, where } of playbooks) {
    if (!trigger || LEVEL_SCORE[incident.level] < LEVEL_SCORE[trigger.level] || !where(incident)) continue;
    if ((await runsOfCase({ records, incident: incident.id, playbook: playbook.id })).length > 0) continue;
    const variables = await fillFrom({ records, incident, trigger });
    if (!variables) continue;
    const id = `run-${createHash('sha256').update(`${playbook.id}\n${incident.id}`).digest('hex').slice(0, 20)}`;
    const now = new Date(options.now).toISOString();
    const run: PlaybookRun = {
      schema: SCHEMA_VERSION,
      id,
      tenant: incident.tenant,
      playbook: { id: playbook.id, name: playbook.name, version },
      incident: incident.id,
      state: 'running',
      variables,
      steps: [],
      started: now,
      updated: now,
      actor: 'picket',
    };
    try {
      await records.create('runs', id, run);
      started.push(run);
    } catch (error) {
      if (errorCode(error) !== 'RECORD_EXISTS') throw error;
    }
  }
  return started;
}

/** Runs of a case and of those that were merged into it, oldest first; of one playbook or of all. */
export async function runsOfCase(options: {
  records: RecordStore;
  incident: string;
  playbook?: string;
}): Promise<PlaybookRun[]> {
  const { records, incident, playbook } = options;
  const { records: merged } = await records.query<Incident>('incidents', {
    where: equals('merged_into', incident),
    limit: 1_000,
  });
  const cases = [incident, ...merged.map(({ id }) => id)];
  const { records: runs } = await records.query<PlaybookRun>('runs', {
    where: allOf([
      anyOf(cases.map((id) => equals('incident', id))),
      ...(playbook === undefined ? [] : [equals('playbook.id', playbook)]),
    ]),
    sort: { field: 'started', direction: 'asc' },
    limit: 1_000,
  });
  return runs.map(({ value }) => value);
}

/** CACAO variables of a run, or undefined while what the trigger requires is not there. */
async function fillFrom(options: {
  records: RecordStore;
  incident: Incident;
  trigger: Trigger;
}): Promise<Record<string, unknown> | undefined> {
  const { records, incident, trigger } = options;
  const variables: Record<string, unknown> = {
    __incident__: incident.id,
    __title__: incident.title,
    __level__: incident.level,
    __sites__: incident.sites,
  };
  if (trigger.requires === undefined) return variables;
  const alerts: Alert[] = [];
  for (const { id } of incident.alerts) {
    const alert = await records.get<Alert>('alerts', id);
    if (alert) alerts.push(alert.value);
  }
  const targets = chooseAddress({ incident, alerts, least: trigger.level });
  return targets && { ...variables, __address__: targets.address, __sites__: targets.sites };
}
