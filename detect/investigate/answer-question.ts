// Asks the index one question about one entity, within bounds of time and rows; a fault is an answer of its own.
import { type Entity } from '../../platform/core/entity.ts';
import { describeError, errorCode } from '../../platform/core/errors.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import type { Answer, FoundEvent } from '../../platform/core/investigation.ts';
import { parseKql } from '../../platform/core/kql/parse-kql.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import { summariseEvent } from '../worker/summarise-event.ts';
import { bindQuery, type Question } from './question.ts';

/** Shown of the events that a question finds: so many of the first and of the last. */
const SHOWN_EVENTS = 5;
const SHOWN_VALUES = 5;

export interface Asking {
  readonly index: Pick<EventIndex, 'search' | 'count' | 'topValues'>;
  readonly tenant: string;
  readonly question: Question;
  readonly entity: Entity;
  /** Of the case, ms since the epoch. */
  readonly first: number;
  readonly last: number;
  readonly signal: AbortSignal;
  /** Milliseconds of a clock that never steps back. */
  readonly monotonic: () => number;
}

/** Never throws: what the index says goes into the answer. */
export async function answerQuestion(asking: Asking): Promise<Answer> {
  const { index, tenant, question, entity, signal, monotonic } = asking;
  const began = monotonic();
  const query = bindQuery(question.where, entity.value);
  const from = asking.first - question.before;
  // Up to and with the millisecond of the last event.
  const to = asking.last + question.after + 1;
  const base = {
    question: question.id,
    title: question.title,
    entity,
    search: { query, from: new Date(from).toISOString(), to: new Date(to).toISOString() },
  };
  try {
    const scope = { tenant, from, to, where: parseKql(query) };
    const { count, exact } = await index.count(scope);
    const [oldest, newest, values] =
      count === 0
        ? [undefined, undefined, undefined]
        : await Promise.all([
            index.search({ ...scope, sort: 'oldest', limit: SHOWN_EVENTS, signal }),
            index.search({ ...scope, sort: 'newest', limit: SHOWN_EVENTS, signal }),
            question.field === undefined
              ? undefined
              : index.topValues({ ...scope, field: question.field, limit: SHOWN_VALUES }),
          ]);
    const events = new Map<string, FoundEvent>();
    for (const event of [...(oldest?.hits ?? []), ...(newest?.hits ?? []).toReversed()])
      events.set(event.event.id, describeFound(event));
    const enough = question.field === undefined ? count : (values?.values.length ?? 0);
    return {
      ...base,
      // A superset is only known to hold something when an event was found.
      state: events.size > 0 && enough >= question.at_least ? 'found' : 'nothing',
      count,
      exact: exact && (values?.exact ?? true),
      values: [...(values?.values ?? [])],
      events: [...events.values()],
      unanswered: [...new Set([...(oldest?.unanswered ?? []), ...(newest?.unanswered ?? [])])],
      took_ms: Math.round(monotonic() - began),
    };
  } catch (error) {
    return {
      ...base,
      state: 'failed',
      count: 0,
      exact: false,
      values: [],
      events: [],
      unanswered: [],
      error: {
        code: signal.aborted ? 'QUESTION_TIMED_OUT' : errorCode(error),
        message: signal.aborted ? 'the investigation ran out of time' : describeError(error),
      },
      took_ms: Math.round(monotonic() - began),
    };
  }
}

function describeFound(event: PicketEvent): FoundEvent {
  return {
    id: event.event.id,
    timestamp: event['@timestamp'],
    site: event.picket.site.id,
    dataset: event.event.dataset,
    summary: summariseEvent(event),
  };
}
