// What people decide about an incident: status, owner, verdict, comments, each kept with who and when.
import type { Bus } from '../../platform/bus/bus.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { PicketError } from '../../platform/core/errors.ts';
import type { Incident, IncidentNote, IncidentStatus } from '../../platform/core/incident.ts';
import { type RecordStore, upsertRecord } from '../../platform/records/record-store.ts';

export interface IncidentDecision {
  readonly status?: IncidentStatus | undefined;
  readonly owner?: string | undefined;
  readonly verdict?: 'true-positive' | 'false-positive' | 'benign' | undefined;
  readonly comment?: string | undefined;
}

interface Act {
  readonly records: RecordStore;
  readonly clock: Clock;
  readonly id: string;
  /** `user:<name>` or `token:<id>`. */
  readonly actor: string;
}

/**
 * Applies a person's decisions as one write, each with a note. An empty owner takes the owner away. Closing
 * asks for a verdict, now or before. The record's change feed tells the rest; `bus` is not needed and only
 * accepted so that callers may hand over what they have.
 * @throws PicketError INCIDENT_NOT_FOUND, INCIDENT_MERGED (its message names the case that took it over),
 * INCIDENT_VERDICT_NEEDED, INCIDENT_UNCHANGED (nothing was asked)
 */
export async function changeIncident(act: Act & { change: IncidentDecision; bus?: Bus }): Promise<Incident> {
  const { records, clock, id, actor, change } = act;
  if (Object.values(change).every((value) => value === undefined))
    throw new PicketError({ code: 'INCIDENT_UNCHANGED', message: 'no change was asked for' });
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
      if (change.status === 'closed' && (change.verdict ?? current.verdict) === undefined)
        throw new PicketError({
          code: 'INCIDENT_VERDICT_NEEDED',
          message: 'closing an incident needs a verdict',
        });
      const at = new Date(clock.now()).toISOString();
      const notes = describeDecision(current, change).map((note) => ({ at, actor, ...note }));
      const { owner: _owner, ...rest } = current;
      const owner = change.owner === undefined ? current.owner : change.owner;
      return {
        ...rest,
        ...(owner === undefined || owner === '' ? {} : { owner }),
        ...(change.status === undefined ? {} : { status: change.status }),
        ...(change.verdict === undefined ? {} : { verdict: change.verdict }),
        updated: at,
        notes: [...current.notes, ...notes],
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
  if (change.verdict !== undefined) notes.push({ kind: 'verdict', text: `verdict is ${change.verdict}` });
  if (change.status !== undefined)
    notes.push({ kind: 'status', text: `status ${current.status} → ${change.status}` });
  if (change.comment !== undefined) notes.push({ kind: 'comment', text: change.comment });
  return notes;
}
