// One index over several places, each holding the events of its jurisdictions: asked together, merged, and told apart when one is away.
import { describeError, errorCode, PicketError } from '../core/errors.ts';
import type { PicketEvent } from '../core/event.ts';
import type { Logger } from '../core/log.ts';
import type {
  EventIndex,
  EventScope,
  IndexDocument,
  SearchPage,
  SearchRequest,
  SegmentInfo,
  WriteOutcome,
} from './event-index.ts';
import { writeCursor } from './page-cursor.ts';

export interface IndexPlace {
  /** As people know it; shown when it does not answer. */
  readonly name: string;
  readonly index: EventIndex;
  /** What it holds; undefined for the place of all that no other holds. Each jurisdiction has one place. */
  readonly jurisdictions?: readonly string[];
}

/** More values than are asked for come from each place, so that those of the whole are among them. */
const SPARE = 1_000;
const MOST_VALUES = 10_000;

/**
 * An event is written to its jurisdiction's place alone. A question goes to the places that may hold answers; one that
 * does not answer is named in `unanswered`, and counts are then not exact. None answering is an error.
 */
export function federateIndex(options: { places: readonly IndexPlace[]; logger: Logger }): EventIndex {
  const { places, logger } = options;
  const placeOf = (jurisdiction: string): IndexPlace => {
    const found =
      places.find(({ jurisdictions }) => jurisdictions?.includes(jurisdiction)) ??
      places.find(({ jurisdictions }) => jurisdictions === undefined);
    if (found) return found;
    throw new PicketError({ code: 'INDEX_PLACE_UNKNOWN', message: `no place for events of ${jurisdiction}` });
  };
  const placesOf = ({ jurisdictions }: EventScope): readonly IndexPlace[] =>
    jurisdictions === undefined ? places : [...new Set(jurisdictions.map(placeOf))];

  /** What each place answers. @throws what the first place says when none answers, or when it is a fault of the question */
  const askAll = async <T>(
    asked: readonly IndexPlace[],
    ask: (place: IndexPlace) => Promise<T>,
  ): Promise<{ answers: T[]; unanswered: string[] }> => {
    const settled = await Promise.allSettled(asked.map(ask));
    const answers: T[] = [];
    const unanswered: string[] = [];
    for (const [at, outcome] of settled.entries()) {
      if (outcome.status === 'fulfilled') {
        answers.push(outcome.value);
        continue;
      }
      const reason: unknown = outcome.reason;
      if (errorCode(reason) !== 'ELASTICSEARCH_UNAVAILABLE') throw reason;
      const { name } = asked[at] as IndexPlace;
      logger.warn({ place: name }, `a place did not answer: ${describeError(reason)}`);
      unanswered.push(name);
    }
    const [first] = settled;
    if (answers.length === 0 && first?.status === 'rejected') throw first.reason;
    return { answers, unanswered };
  };

  return {
    async write(documents) {
      const parts = new Map<IndexPlace, { at: number; document: IndexDocument }[]>();
      const outcomes: WriteOutcome[] = [];
      for (const [at, document] of documents.entries()) {
        const place = placeOf(document.jurisdiction);
        const part = parts.get(place) ?? [];
        part.push({ at, document });
        parts.set(place, part);
      }
      // All are tried before one that is away makes the bus hand in the batch again: ids make that change nothing.
      const written = await Promise.allSettled(
        [...parts].map(async ([{ index }, part]) => {
          const results = await index.write(part.map(({ document }) => document));
          for (const [nth, { at }] of part.entries()) outcomes[at] = results[nth] as WriteOutcome;
        }),
      );
      for (const outcome of written) if (outcome.status === 'rejected') throw outcome.reason;
      return outcomes;
    },
    async search(request) {
      const { answers, unanswered } = await askAll(placesOf(request), ({ index }) => index.search(request));
      return mergePages(request, answers, unanswered);
    },
    async count(scope) {
      const { answers, unanswered } = await askAll(placesOf(scope), ({ index }) => index.count(scope));
      return {
        count: answers.reduce((sum, { count }) => sum + count, 0),
        exact: unanswered.length === 0 && answers.every(({ exact }) => exact),
      };
    },
    async histogram(request) {
      const { answers, unanswered } = await askAll(placesOf(request), ({ index }) =>
        index.histogram(request),
      );
      const counts = new Map<number, number>();
      for (const { start, count } of answers.flatMap(({ buckets }) => buckets))
        counts.set(start, (counts.get(start) ?? 0) + count);
      return {
        buckets: [...counts].map(([start, count]) => ({ start, count })).sort((a, b) => a.start - b.start),
        exact: unanswered.length === 0 && answers.every(({ exact }) => exact),
      };
    },
    async topValues(request) {
      const asked = placesOf(request);
      const limit = asked.length === 1 ? request.limit : Math.min(MOST_VALUES, request.limit + SPARE);
      const { answers, unanswered } = await askAll(asked, ({ index }) =>
        index.topValues({ ...request, limit }),
      );
      const counts = new Map<string, number>();
      for (const { value, count } of answers.flatMap(({ values }) => values))
        counts.set(value, (counts.get(value) ?? 0) + count);
      // A place that has more values than it told may hold some of what another counts.
      const whole = asked.length === 1 || answers.every(({ values }) => values.length < limit);
      return {
        values: [...counts]
          .map(([value, count]) => ({ value, count }))
          .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
          .slice(0, request.limit),
        exact: whole && unanswered.length === 0 && answers.every(({ exact }) => exact),
      };
    },
    async get(request) {
      const { answers } = await askAll(places, ({ index }) => index.get(request));
      return answers.find((event) => event !== undefined);
    },
    async segments() {
      const { answers } = await askAll(places, ({ index }) => index.segments());
      return answers.flat().sort((a: SegmentInfo, b: SegmentInfo) => (a.name < b.name ? -1 : 1));
    },
    async dropSegments(names) {
      let dropped = 0;
      for (const { index } of places) dropped += await index.dropSegments(names);
      return dropped;
    },
    async close() {
      await Promise.all(places.map(({ index }) => index.close()));
    },
  };
}

/** Cursors are positions in time, so that one means the same at every place. */
function mergePages(
  { sort = 'newest', limit }: SearchRequest,
  pages: readonly SearchPage[],
  unanswered: readonly string[],
): SearchPage {
  const direction = sort === 'newest' ? -1 : 1;
  const all = pages
    .flatMap(({ hits }) => hits)
    .map((event) => ({ event, ...positionOf(event) }))
    .sort((a, b) => direction * (a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)));
  const hits = all.slice(0, limit);
  const last = hits.at(-1);
  const more = all.length > limit || pages.some(({ cursor }) => cursor !== undefined);
  return {
    hits: hits.map(({ event }) => event),
    unanswered: [...pages.flatMap((page) => page.unanswered), ...unanswered],
    ...(more && last ? { cursor: writeCursor({ sort, time: last.time, id: last.id }) } : {}),
  };
}

function positionOf(event: PicketEvent): { time: number; id: string } {
  return { time: Date.parse(event['@timestamp']), id: event.event.id };
}
