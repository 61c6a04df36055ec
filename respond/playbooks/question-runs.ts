// Calls runs in question whose ground late truth took away: nothing is undone, the run is marked and its owner told.
import type { Incident } from '../../platform/core/incident.ts';
import { LEVEL_SCORE } from '../../platform/core/names.ts';
import type { PlaybookRun } from '../../platform/core/playbook-run.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import type { LoadedPlaybook } from './load-playbooks.ts';
import type { StepEffects } from './run-step.ts';
import { runsOfCase } from './trigger-playbooks.ts';
import type { RunWorker } from './work-run.ts';

/** What a mark of this kind begins with: it goes when the ground is back. */
const PREFIX = 'its ground is gone: ';

/** Runs that nobody ended: what they changed stands, or may still come. */
const STANDING: ReadonlySet<PlaybookRun['state']> = new Set(['running', 'waiting', 'succeeded']);

/**
 * Marks the runs of a case whose alerts were all withdrawn, or whose level fell below what the playbook asks for, and
 * tells the case's owner, once; takes the mark back when the ground is there again (SEMANTICS, Late truth).
 */
export async function questionRuns(options: {
  records: RecordStore;
  incident: Incident;
  playbooks: readonly LoadedPlaybook[];
  worker: Pick<RunWorker, 'change'>;
  effects: Pick<StepEffects, 'notify'>;
}): Promise<void> {
  const { records, incident, playbooks, worker, effects } = options;
  for (const run of await runsOfCase({ records, incident: incident.id })) {
    const trigger = playbooks.find(({ playbook }) => playbook.id === run.playbook.id)?.trigger;
    const gone = reasonOf(incident, trigger?.level);
    const mark = gone === undefined ? undefined : `${PREFIX}${gone}`;
    const marked = run.questioned?.startsWith(PREFIX) === true;
    if (mark === undefined ? !marked : run.questioned !== undefined || !STANDING.has(run.state)) continue;
    await worker.change(run.id, (current) => {
      if (mark !== undefined)
        return current.questioned === undefined ? { ...current, questioned: mark } : undefined;
      const { questioned, ...rest } = current;
      return questioned?.startsWith(PREFIX) === true ? rest : undefined;
    });
    if (mark === undefined) continue;
    const owner = incident.owner === undefined ? '' : `${incident.owner}: `;
    await effects.notify({
      key: `questioned\n${run.id}\n${gone ?? ''}`,
      text: `${owner}${run.playbook.name} is in question, ${mark}. What it changed stands until its lease ends or somebody lifts it. ${incident.title}`,
      run,
    });
  }
}

function reasonOf(incident: Incident, least: Incident['level'] | undefined): string | undefined {
  if (incident.alerts.length === 0) return 'every alert was withdrawn';
  if (least !== undefined && LEVEL_SCORE[incident.level] < LEVEL_SCORE[least])
    return `the level of the case fell to ${incident.level}`;
  return undefined;
}
