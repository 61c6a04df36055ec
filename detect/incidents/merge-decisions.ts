// Carries what people decided over when incidents become one: the latest decision wins, all notes are shown.
import type { Incident, IncidentNote } from '../../platform/core/incident.ts';

/** The actor of notes that the engine writes. */
export const ENGINE_ACTOR = 'picket';

type Decided = Pick<Incident, 'status' | 'notes'> &
  Partial<Pick<Incident, 'owner' | 'verdict' | 'verdict_reason' | 'tasks' | 'evidence' | 'milestones'>>;

/** Status, owner and verdict of the case whose people decided last (on a tie the first), with everyone's notes by time. Idempotent. */
export function mergeDecisions(cases: readonly [Decided, ...Decided[]]): Decided {
  const latest = cases.reduce((found, one) => (lastDecision(one) > lastDecision(found) ? one : found));
  const notes = new Map<string, IncidentNote>();
  for (const note of cases.flatMap((one) => one.notes))
    notes.set(`${note.at} ${note.actor} ${note.kind} ${note.text}`, note);
  return {
    status: latest.status,
    ...(latest.owner === undefined ? {} : { owner: latest.owner }),
    ...(latest.verdict === undefined ? {} : { verdict: latest.verdict }),
    ...(latest.verdict_reason === undefined ? {} : { verdict_reason: latest.verdict_reason }),
    ...mergeLists(cases),
    notes: [...notes.values()].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)),
  };
}

/** Tasks and evidence of all, each once; what was reached first of each milestone. */
function mergeLists(cases: readonly Decided[]): Pick<Decided, 'tasks' | 'evidence' | 'milestones'> {
  const unique = <T extends { id: string; at: string }>(
    lists: readonly (readonly T[] | undefined)[],
  ): T[] => [...new Map(lists.flatMap((list) => list ?? []).map((one) => [one.id, one])).values()];
  const tasks = unique(cases.map((one) => one.tasks));
  const evidence = unique(cases.map((one) => one.evidence));
  const milestones: NonNullable<Decided['milestones']> = {};
  for (const one of cases)
    for (const name of ['acknowledged', 'contained', 'closed'] as const) {
      const at = one.milestones?.[name];
      const known = milestones[name];
      if (at !== undefined && (known === undefined || at < known)) milestones[name] = at;
    }
  return {
    ...(tasks.length > 0 ? { tasks } : {}),
    ...(evidence.length > 0 ? { evidence } : {}),
    ...(Object.keys(milestones).length > 0 ? { milestones } : {}),
  };
}

function lastDecision({ notes }: Decided): string {
  return notes.reduce(
    (last, { actor, kind, at }) => (actor !== ENGINE_ACTOR && kind !== 'comment' && at > last ? at : last),
    '',
  );
}
