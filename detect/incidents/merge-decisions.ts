// Carries what people decided over when incidents become one: the latest decision wins, all notes are shown.
import type { Incident, IncidentNote } from '../../platform/core/incident.ts';

/** The actor of notes that the engine writes. */
export const ENGINE_ACTOR = 'picket';

type Decided = Pick<Incident, 'status' | 'notes'> & Partial<Pick<Incident, 'owner' | 'verdict'>>;

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
    notes: [...notes.values()].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)),
  };
}

function lastDecision({ notes }: Decided): string {
  return notes.reduce(
    (last, { actor, kind, at }) => (actor !== ENGINE_ACTOR && kind !== 'comment' && at > last ? at : last),
    '',
  );
}
