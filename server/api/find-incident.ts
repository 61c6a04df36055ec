// Finds an incident by an id that it has or once had.
import { PicketError } from '../../platform/core/errors.ts';
import type { Incident } from '../../platform/core/incident.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';

const MAX_HOPS = 100;

/** Follows merges, so that an old link opens the case that took it over. @throws PicketError INCIDENT_NOT_FOUND */
export async function findIncident(records: RecordStore, id: string): Promise<Incident> {
  let incident = (await records.get<Incident>('incidents', id))?.value;
  for (let hops = 0; incident?.merged_into !== undefined && hops < MAX_HOPS; hops++) {
    incident = (await records.get<Incident>('incidents', incident.merged_into))?.value;
  }
  if (!incident) throw new PicketError({ code: 'INCIDENT_NOT_FOUND', message: `no incident ${id}` });
  return incident;
}
