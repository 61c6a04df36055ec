// Finds the first events of a scope by time, page by page.
import { PicketError } from '../../core/errors.ts';
import type { SearchRequest } from '../event-index.ts';
import { type CursorPosition, readCursor, writeCursor } from '../page-cursor.ts';
import type { Catalogue } from './catalogue.ts';
import { planScan, selectRows, walk } from './scan.ts';

interface Hit {
  readonly time: number;
  readonly id: string;
  readonly body: Uint8Array;
}

/** A page of bodies. @throws PicketError INDEX_LIMIT, INDEX_CURSOR_INVALID, EXPRESSION_INVALID */
export async function searchPage(options: {
  catalogue: Catalogue;
  request: Omit<SearchRequest, 'signal'>;
  stopped: () => boolean;
}): Promise<{ bodies: Uint8Array[]; cursor?: string }> {
  const { catalogue, request, stopped } = options;
  const { limit, sort = 'newest' } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
    throw new PicketError({ code: 'INDEX_LIMIT', message: 'a page has 1 to 10,000 events' });
  }
  const direction = sort === 'newest' ? -1 : 1;
  const order = (a: { time: number; id: string }, b: { time: number; id: string }): number =>
    direction * (a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const after = request.cursor === undefined ? undefined : readCursor(request.cursor, sort);
  const plan = planScan(narrow(request, after));
  const hits: Hit[] = [];
  // One more than the page, to know whether there is a next one.
  const wanted = limit + 1;
  let worst: Hit | undefined;
  const cut = (): void => {
    hits.sort(order);
    hits.length = Math.min(hits.length, wanted);
    worst = hits.length === wanted ? hits.at(-1) : undefined;
  };
  for await (const { zone, rows: readRows } of walk({ catalogue, plan, sort, stopped })) {
    if (!worst && hits.length >= wanted) cut();
    if (worst && direction * ((sort === 'newest' ? zone.greatest : zone.least) - worst.time) > 0) break;
    const rows = readRows();
    if (!rows) continue;
    for (const row of selectRows(rows, plan).found) {
      const place = { time: rows.times[row] as number, id: rows.ids[row] as string };
      if ((after && order(place, after) <= 0) || (worst && order(place, worst) >= 0)) continue;
      hits.push({ ...place, body: rows.body(row) });
    }
    if (hits.length > 2 * wanted || (worst && hits.length > wanted)) cut();
  }
  cut();
  const bodies = hits.slice(0, limit).map((hit) => hit.body);
  const last = hits[limit - 1];
  if (hits.length <= limit || !last) return { bodies };
  return { bodies, cursor: writeCursor({ sort, time: last.time, id: last.id }) };
}

/** The scope with what pages before have covered left out. */
function narrow(request: Omit<SearchRequest, 'signal'>, after: CursorPosition | undefined) {
  if (!after) return request;
  return after.sort === 'newest'
    ? { ...request, to: Math.min(request.to ?? Infinity, after.time + 1) }
    : { ...request, from: Math.max(request.from ?? -Infinity, after.time) };
}
