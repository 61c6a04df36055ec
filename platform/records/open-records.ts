// Opens the record store that a configuration asks for: the one place that knows the engines.
import type { Clock } from '../core/clock.ts';
import { openEmbeddedRecords } from './embedded/open-embedded-records.ts';
import type { RecordStore } from './record-store.ts';

export interface RecordsSettings {
  readonly engine: 'embedded';
  /** Absolute folder that this process alone will own. */
  readonly folder: string;
  readonly clock: Clock;
  readonly max_bytes?: number;
}

/** @throws PicketError RECORDS_LOCKED, RECORDS_FOLDER, RECORDS_SCHEMA, RECORDS_STORAGE */
export async function openRecords(settings: RecordsSettings): Promise<RecordStore> {
  // `engine` has one value until Elasticsearch joins it here.
  const { engine: _engine, ...options } = settings;
  return openEmbeddedRecords(options);
}
