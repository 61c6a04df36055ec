// Finds events of a scope: the cluster narrows and orders, the reference matcher has the last word.
import type { Client, estypes } from '@elastic/elasticsearch';
import { PicketError } from '../../core/errors.ts';
import type { PicketEvent } from '../../core/event.ts';
import { compileExpression, type Predicate } from '../../core/expression/compile.ts';
import { EVERYTHING } from '../../core/expression/expression.ts';
import type { EventScope, SearchPage, SearchRequest } from '../event-index.ts';
import { readCursor, writeCursor } from '../page-cursor.ts';
import { askCluster } from './ask-cluster.ts';
import { tenantAlias } from './catalogue.ts';
import { type Bound, both, compileBounds, toQuery } from './compile-query.ts';

/** A scope made ready for the cluster. */
export interface Question {
  readonly index: string;
  readonly matches: Predicate;
  readonly upper: Bound;
  readonly lower: Bound;
}

/** @throws PicketError EXPRESSION_INVALID */
export function askAbout(scope: EventScope): Question {
  const where = scope.where ?? EVERYTHING;
  const matches = compileExpression(where);
  const { upper, lower } = compileBounds(where);
  const range = {
    ...(scope.from === undefined ? {} : { gte: scope.from }),
    ...(scope.to === undefined ? {} : { lt: scope.to }),
  };
  const within: Bound[] = [
    ...(scope.jurisdictions ? [{ terms: { 'picket.jurisdiction': [...scope.jurisdictions] } }] : []),
    ...(scope.datasets ? [{ terms: { 'event.dataset': [...scope.datasets] } }] : []),
    ...(Object.keys(range).length === 0
      ? []
      : [{ range: { '@timestamp': { ...range, format: 'epoch_millis' } } } as Bound]),
  ];
  return {
    index: tenantAlias(scope.tenant),
    matches,
    upper: both([...within, upper]),
    lower: both([...within, lower]),
  };
}

/** Events read at a time where many of them may not match. */
const LEAST_PAGE = 200;
const MOST_PAGE = 10_000;

type Source = Record<string, unknown>;

/** The event of a stored document. */
export function eventOf(source: Source): PicketEvent {
  const raw = (source['picket'] as { raw?: { event?: string } } | undefined)?.raw?.event;
  return (raw === undefined ? source : JSON.parse(raw)) as PicketEvent;
}

/** @throws PicketError INDEX_LIMIT, INDEX_CURSOR_INVALID, EXPRESSION_INVALID, and those of readFailure */
export async function searchPage(client: Client, request: SearchRequest): Promise<SearchPage> {
  const { limit, sort = 'newest', signal } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_PAGE)
    throw new PicketError({ code: 'INDEX_LIMIT', message: 'a page has 1 to 10,000 events' });
  const question = askAbout(request);
  let after = request.cursor === undefined ? undefined : readCursor(request.cursor, sort);
  const direction = sort === 'newest' ? 'desc' : 'asc';
  const hits: PicketEvent[] = [];
  const missed = new Set<string>();
  let last: { time: number; id: string } | undefined;
  for (;;) {
    signal?.throwIfAborted();
    // One more than the page, to know whether there is a next one.
    const size = Math.min(MOST_PAGE, Math.max(LEAST_PAGE, limit - hits.length + 1));
    const { found: answer, unanswered } = await askCluster(
      client,
      {
        index: question.index,
        query: { bool: { filter: [toQuery(question.upper)] } },
        sort: [
          { '@timestamp': { order: direction, format: 'strict_date_optional_time_nanos' } },
          { 'event.id': direction },
        ],
        size,
        track_total_hits: false,
        ...(after ? { search_after: [new Date(after.time).toISOString(), after.id] } : {}),
      },
      signal,
    );
    for (const name of unanswered) missed.add(name);
    const found = answer.hits.hits;
    for (const hit of found) {
      const event = eventOf(hit._source as Source);
      const [time, id] = hit.sort as [string, string];
      if (question.matches(event)) {
        if (hits.length === limit && last)
          return { hits, unanswered: [...missed], cursor: writeCursor({ sort, ...last }) };
        hits.push(event);
        last = { time: Date.parse(time), id };
      }
      after = { sort, time: Date.parse(time), id };
    }
    if (found.length < size) return { hits, unanswered: [...missed] };
  }
}

/** One event by its id. */
export async function getEvent(
  client: Client,
  { tenant, id }: { tenant: string; id: string },
): Promise<PicketEvent | undefined> {
  const { found } = await askCluster(client, {
    index: tenantAlias(tenant),
    query: { ids: { values: [id] } },
    size: 1,
  });
  const [hit] = found.hits.hits;
  return hit ? eventOf(hit._source as Source) : undefined;
}

/** Most events of a doubtful kind that one question reads; beyond it the answer says that it is not exact. */
export const MOST_READ = 100_000;

/** Events between the bounds that match, newest first; false when there were too many to read. */
export async function visitDoubtful(
  client: Client,
  question: Question,
  visit: (event: PicketEvent) => void,
): Promise<boolean> {
  const { upper, lower } = question;
  // Nothing is doubtful.
  if (upper === false || JSON.stringify(upper) === JSON.stringify(lower)) return true;
  const query = {
    bool: { filter: [toQuery(upper)], ...(lower === false ? {} : { must_not: [toQuery(lower)] }) },
  };
  let after: estypes.SortResults | undefined;
  for (let read = 0; read < MOST_READ; ) {
    const { found: answer, unanswered } = await askCluster(client, {
      index: question.index,
      query,
      sort: [{ '@timestamp': 'desc' }, { 'event.id': 'desc' }],
      size: 5_000,
      track_total_hits: false,
      ...(after ? { search_after: after } : {}),
    });
    if (unanswered.length > 0) return false;
    const found = answer.hits.hits;
    for (const hit of found) {
      const event = eventOf(hit._source as Source);
      if (question.matches(event)) visit(event);
    }
    if (found.length < 5_000) return true;
    read += found.length;
    after = found.at(-1)?.sort as estypes.SortResults;
  }
  return false;
}
