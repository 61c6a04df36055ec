// Opens the record store that a configuration asks for: the one place that knows the engines.
import type { ElasticsearchRecordsOptions } from './elasticsearch/open-elasticsearch-records.ts';
import { type EmbeddedRecordsOptions, openEmbeddedRecords } from './embedded/open-embedded-records.ts';
import type { RecordStore } from './record-store.ts';

export type RecordsSettings =
  | ({ readonly engine: 'embedded' } & EmbeddedRecordsOptions)
  | ({ readonly engine: 'elasticsearch' } & ElasticsearchRecordsOptions);

/** @throws PicketError embedded: RECORDS_LOCKED, RECORDS_FOLDER, RECORDS_SCHEMA, RECORDS_STORAGE; else those of openElasticsearchRecords */
export async function openRecords(settings: RecordsSettings): Promise<RecordStore> {
  if (settings.engine === 'elasticsearch') {
    const { engine: _engine, ...options } = settings;
    // Its client is loaded by those that use it.
    const { openElasticsearchRecords } = await import('./elasticsearch/open-elasticsearch-records.ts');
    return openElasticsearchRecords(options);
  }
  const { engine: _engine, ...options } = settings;
  return openEmbeddedRecords(options);
}
