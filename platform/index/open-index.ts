// Opens the event index that the configuration names; nothing outside platform/index knows which it is.
import type { ElasticsearchIndexOptions } from './elasticsearch/index.ts';
import { type EmbeddedIndexOptions, openEmbeddedIndex } from './embedded/index.ts';
import type { EventIndex } from './event-index.ts';

export type IndexSettings =
  | ({ readonly engine: 'embedded' } & EmbeddedIndexOptions)
  | ({ readonly engine: 'elasticsearch' } & ElasticsearchIndexOptions);

/** @throws PicketError INDEX_FOLDER_IN_USE, INDEX_FOLDER_UNUSABLE; on Elasticsearch those of openElasticsearchIndex */
export async function openIndex(settings: IndexSettings): Promise<EventIndex> {
  if (settings.engine === 'elasticsearch') {
    const { engine: _engine, ...options } = settings;
    // Its client is loaded by those that use it.
    const { openElasticsearchIndex } = await import('./elasticsearch/index.ts');
    return openElasticsearchIndex(options);
  }
  const { engine: _engine, ...options } = settings;
  return openEmbeddedIndex(options);
}

// What is read of an embedded index to be moved elsewhere.
export {
  holdsIndex,
  type SegmentWalk,
  type WalkedBlock,
  type WalkedSegment,
  walkSegments,
} from './embedded/walk-segments.ts';
