// What people do to an incident: status, owner, verdict, comments, tasks, evidence, each kept with who and when.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type {
  Incident,
  IncidentEvidence,
  IncidentNote,
  IncidentStatus,
  IncidentTask,
} from '../../platform/core/incident.ts';
import { type RecordStore, upsertRecord } from '../../platform/records/record-store.ts';

export interface IncidentDecision {
  readonly status?: IncidentStatus | undefined;
  readonly owner?: string | undefined;
  readonly verdict?: 'true-positive' | 'false-positive' | 'benign' | undefined;
  readonly comment?: string | undefined;
  /** Why it is what the verdict says. */
  readonly reason?: string | undefined;
}

export interface Act {
  readonly records: RecordStore;
  readonly clock: Clock;
  readonly id: string;
  /** `user:<name>` or `token:<id>`. */
  readonly actor: string;
}

/**
 * Applies a person's decisions as one write, each with a note. An empty owner takes the owner away. Closing
 * asks for a verdict, now or before.
 * @throws PicketError INCIDENT_NOT_FOUND, INCIDENT_MERGED (its message names the case that took it over),
 * INCIDENT_VERDICT_NEEDED, INCIDENT_UNCHANGED (nothing was asked)
 */
export async function changeIncident(act: Act & { change: IncidentDecision }): Promise<Incident> {
  const { change } = act;
  if (Object.values(change).every((value) => value === undefined))
    throw new PicketError({ code: 'INCIDENT_UNCHANGED', message: 'no change was asked for' });
  return rewriteIncident(act, (current, at) => {
    if (change.status === 'closed' && (change.verdict ?? current.verdict) === undefined)
      throw new PicketError({
        code: 'INCIDENT_VERDICT_NEEDED',
        message: 'closing an incident needs a verdict',
      });
    const { owner: _owner, ...rest } = current;
    const owner = change.owner === undefined ? current.owner : change.owner;
    const reached = change.status === undefined || change.status === 'open' ? undefined : change.status;
    return {
      incident: {
        ...rest,
        ...(owner === undefined || owner === '' ? {} : { owner }),
        ...(change.status === undefined ? {} : { status: change.status }),
        ...(change.verdict === undefined ? {} : { verdict: change.verdict }),
        ...(change.reason === undefined ? {} : { verdict_reason: change.reason }),
        // The first time counts: a case that is opened again was acknowledged all the same.
        ...(reached ? { milestones: { [reached]: at, ...current.milestones } } : {}),
      },
      notes: describeDecision(current, change),
    };
  });
}

/** Adds a task. @throws as rewriteIncident */
export async function addTask(
  act: Act & { task: { title: string; assignee?: string | undefined } },
): Promise<Incident> {
  const { title, assignee } = act.task;
  return rewriteIncident(act, (current, at) => ({
    incident: {
      ...current,
      tasks: [
        ...(current.tasks ?? []),
        {
          id: randomUUID(),
          title,
          state: 'open',
          ...(assignee ? { assignee } : {}),
          actor: act.actor,
          at,
        },
      ],
    },
    notes: [{ kind: 'task', text: `task: ${title}` }],
  }));
}

/** Says that a task is done or open again, or whose it is. @throws PicketError TASK_NOT_FOUND, and as rewriteIncident */
export async function changeTask(
  act: Act & {
    task: string;
    change: { state?: 'open' | 'done' | undefined; assignee?: string | undefined };
  },
): Promise<Incident> {
  const { state, assignee } = act.change;
  return rewriteIncident(act, (current, at) => {
    const task = current.tasks?.find(({ id }) => id === act.task);
    if (!task)
      throw new PicketError({
        code: 'TASK_NOT_FOUND',
        message: `incident ${act.id} has no task ${act.task}`,
      });
    const { done: _done, assignee: before, ...rest } = task;
    const now = state ?? task.state;
    const whose = assignee === undefined ? before : assignee;
    const changed: IncidentTask = {
      ...rest,
      state: now,
      ...(whose ? { assignee: whose } : {}),
      ...(now === 'done' ? { done: task.done ?? at } : {}),
    };
    return {
      incident: {
        ...current,
        tasks: (current.tasks ?? []).map((one) => (one.id === task.id ? changed : one)),
      },
      notes:
        state === undefined || state === task.state
          ? []
          : [{ kind: 'task', text: `task ${state === 'done' ? 'done' : 'open again'}: ${task.title}` }],
    };
  });
}

/** Puts evidence into the case. @throws as rewriteIncident */
export async function addEvidence(
  act: Act & { evidence: Pick<IncidentEvidence, 'kind' | 'ref' | 'note'> },
): Promise<Incident> {
  const { kind, ref, note } = act.evidence;
  return rewriteIncident(act, (current, at) => ({
    incident: {
      ...current,
      evidence: [...(current.evidence ?? []), { id: randomUUID(), kind, ref, note, actor: act.actor, at }],
    },
    notes: [{ kind: 'evidence', text: `${kind} ${ref}${note === '' ? '' : `: ${note}`}` }],
  }));
}

/** One write with the notes of what it does. @throws PicketError INCIDENT_NOT_FOUND, INCIDENT_MERGED */
async function rewriteIncident(
  { records, clock, id, actor }: Act,
  change: (
    current: Incident,
    at: string,
  ) => { incident: Incident; notes: readonly Pick<IncidentNote, 'kind' | 'text'>[] },
): Promise<Incident> {
  const changed = await upsertRecord<Incident>({
    store: records,
    collection: 'incidents',
    id,
    change: (current) => {
      if (!current) throw new PicketError({ code: 'INCIDENT_NOT_FOUND', message: `no incident ${id}` });
      if (current.merged_into !== undefined)
        throw new PicketError({
          code: 'INCIDENT_MERGED',
          message: `incident ${id} was merged into ${current.merged_into}`,
        });
      const at = new Date(clock.now()).toISOString();
      const { incident, notes } = change(current, at);
      return {
        ...incident,
        updated: at,
        notes: [...incident.notes, ...notes.map((note) => ({ at, actor, ...note }))],
      };
    },
  });
  return changed as Incident;
}

function describeDecision(
  current: Incident,
  change: IncidentDecision,
): Pick<IncidentNote, 'kind' | 'text'>[] {
  const notes: Pick<IncidentNote, 'kind' | 'text'>[] = [];
  if (change.owner !== undefined)
    notes.push({
      kind: 'owner',
      text: change.owner === '' ? 'owner taken away' : `owner is ${change.owner}`,
    });
  if (change.verdict !== undefined)
    notes.push({
      kind: 'verdict',
      text: `verdict is ${change.verdict}${change.reason === undefined ? '' : `: ${change.reason}`}`,
    });
  if (change.status !== undefined)
    notes.push({ kind: 'status', text: `status ${current.status} → ${change.status}` });
  if (change.comment !== undefined) notes.push({ kind: 'comment', text: change.comment });
  return notes;
}
