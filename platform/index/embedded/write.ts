// Takes documents into their segments: one transaction a segment, one outcome a document.
import { describeError, errorCode } from '../../core/errors.ts';
import type { IndexDocument, WriteOutcome } from '../event-index.ts';
import type { SegmentRoute } from '../segment-name.ts';
import type { StoredRow } from './block.ts';
import type { Catalogue } from './catalogue.ts';

/** Bodies above this are refused: one event must not fill a page of results. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Writes; every created event is durable on return. A segment that cannot be written throws: the caller tries again. */
export function writeDocuments(catalogue: Catalogue, documents: readonly IndexDocument[]): WriteOutcome[] {
  const outcomes: WriteOutcome[] = [];
  const bySegment = new Map<string, { at: number; row: StoredRow }[]>();
  const placed = new Map<string, string>();
  for (const [at, document] of documents.entries()) {
    const fault = faultOf(document);
    if (fault) {
      outcomes[at] = { result: 'rejected', ...fault };
      continue;
    }
    const { id, tenant, dataset, jurisdiction, body } = document;
    const time = Date.parse(document.timestamp);
    try {
      const route = { tenant, dataset, jurisdiction, time, judgement: document.time };
      const name = catalogue.place(route);
      const earlier = placed.get(`${tenant}/${id}`);
      if ((earlier !== undefined && earlier !== name) || standsElsewhere(catalogue, route, id)) {
        outcomes[at] = { result: 'duplicate' };
        continue;
      }
      placed.set(`${tenant}/${id}`, name);
      const rows = bySegment.get(name) ?? [];
      rows.push({ at, row: { id, time, body } });
      bySegment.set(name, rows);
    } catch (error) {
      if (errorCode(error) !== 'INDEX_ROUTE_INVALID') throw error;
      outcomes[at] = { result: 'rejected', code: errorCode(error), message: describeError(error) };
    }
  }
  for (const [name, rows] of bySegment) {
    const created = catalogue.segment(name)?.insert(rows.map(({ row }) => row)) ?? [];
    for (const [order, { at }] of rows.entries()) {
      outcomes[at] = { result: created[order] === true ? 'created' : 'duplicate' };
    }
  }
  return outcomes;
}

/**
 * The time of an event is judged once, at first receipt. A record that comes again later may be judged
 * otherwise (what was ahead of the clock is so no more), which would lead it to another segment.
 */
function standsElsewhere(catalogue: Catalogue, route: SegmentRoute, id: string): boolean {
  if (route.judgement === 'missing') return false;
  const twin = catalogue.find({ ...route, judgement: route.judgement === 'ok' ? 'future' : 'ok' });
  return twin !== undefined && catalogue.segment(twin)?.find(id) !== undefined;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function faultOf({ id, timestamp, body }: IndexDocument): { code: string; message: string } | undefined {
  if (id === '' || id.length > 512)
    return { code: 'INDEX_ID_INVALID', message: 'an id has 1 to 512 characters' };
  if (Number.isNaN(Date.parse(timestamp))) {
    return { code: 'INDEX_TIMESTAMP_INVALID', message: `no time: ${timestamp.slice(0, 100)}` };
  }
  if (body.length > MAX_BODY_BYTES) {
    return { code: 'INDEX_BODY_TOO_LARGE', message: `${body.length} bytes; at most ${MAX_BODY_BYTES}` };
  }
  try {
    const parsed: unknown = JSON.parse(strictUtf8.decode(body));
    if (parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed)) return undefined;
    return { code: 'INDEX_BODY_MALFORMED', message: 'the body is no JSON object' };
  } catch (error) {
    return { code: 'INDEX_BODY_MALFORMED', message: describeError(error).slice(0, 300) };
  }
}
