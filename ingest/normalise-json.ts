// The frame of every JSON adapter: parse within limits, count what was dropped, and let no throw escape.
import type { JsonObject } from '../platform/core/event.ts';
import { parseJsonObject } from './parse-json.ts';
import type { EventDraft, Normalised, Normaliser, RawRecord, SourceContext } from './source.ts';

/**
 * A normaliser over one JSON object a record. `map` gets the parsed object and gives at least one outcome;
 * it owns the object. A fault of the map itself comes back as ADAPTER_FAILED, so that the record is kept.
 */
export function createJsonNormaliser(options: {
  context: SourceContext;
  map: (value: JsonObject, record: RawRecord) => readonly Normalised[];
  depth?: number;
}): Normaliser {
  const { context, map } = options;
  const limits = options.depth === undefined ? {} : { depth: options.depth };
  return {
    normalise(record) {
      const parsed = parseJsonObject(record.bytes, limits);
      if (!parsed.ok) {
        const { code, message, place } = parsed;
        return [{ kind: 'rejected', code, message, ...(place === undefined ? {} : { place }) }];
      }
      if (parsed.dropped > 0) context.count('proto-member-dropped', parsed.dropped);
      try {
        return map(parsed.value, record);
      } catch (error) {
        const name = error instanceof Error ? error.name : typeof error;
        return [rejected('ADAPTER_FAILED', `the adapter failed on this record (${name})`)];
      }
    },
  };
}

/** One outcome: an event. */
export function eventOf(draft: EventDraft): Normalised {
  return { kind: 'event', draft };
}

/** One outcome: nothing that could be read. */
export function rejected(code: string, message: string, place?: string): Normalised {
  return { kind: 'rejected', code, message, ...(place === undefined ? {} : { place }) };
}
