// Opens the event index that the configuration names; nothing outside platform/index knows which it is.
import { PicketError } from '../core/errors.ts';
import { type EmbeddedIndexOptions, openEmbeddedIndex } from './embedded/index.ts';
import type { EventIndex } from './event-index.ts';

export type IndexSettings = { readonly engine: 'embedded' } & EmbeddedIndexOptions;

/** @throws PicketError INDEX_FOLDER_IN_USE, INDEX_FOLDER_UNUSABLE, INDEX_ENGINE_UNKNOWN */
export async function openIndex(settings: IndexSettings): Promise<EventIndex> {
  const { engine, ...options } = settings;
  if (engine === 'embedded') return openEmbeddedIndex(options);
  throw new PicketError({ code: 'INDEX_ENGINE_UNKNOWN', message: `no index engine named ${String(engine)}` });
}
