// Lists dead letters and feeds chosen ones in again, each once: what was replayed is marked in a topic of its own.
import { describeError, errorCode } from '../core/errors.ts';
import { TOPICS, type TopicDefinition } from '../core/topics.ts';
import type { Bus, BusMessage, BusRecord } from './bus.ts';

/** What to look for; what is left out does not narrow. */
export interface DeadLetterFilter {
  readonly stage?: string;
  readonly code?: string;
  /** The `source` header of the message; where it has none, its key. */
  readonly source?: string;
  /** When it was given up, ms since the epoch: from inclusive, to exclusive. */
  readonly from?: number;
  readonly to?: number;
  /** One letter. */
  readonly id?: string;
}

export interface DeadLetter {
  /** `partition:offset:time` in the dead-letter topic. */
  readonly id: string;
  readonly at: number;
  readonly stage: string;
  readonly code: string;
  readonly reason: string;
  readonly place?: string;
  /** The topic it stood in, when it had reached one. */
  readonly topic?: string;
  readonly source: string;
  readonly replayed: boolean;
  /** As it was before it was given up: without the `dl-*` headers. */
  readonly message: BusMessage;
}

/** The value of a message in TOPICS.deadLetterMarks. */
interface DeadLetterMark {
  readonly id: string;
  readonly at: number;
}

export interface ReplaySummary {
  readonly matched: number;
  readonly replayed: number;
  /** Fed in by an earlier replay, left alone. */
  readonly already: number;
  readonly failed: readonly { id: string; code: string; message: string }[];
}

const PAGE_RECORDS = 200;
/** Letters fed together, so that one fsync serves many; each may be a megabyte. */
const FED_AT_ONCE = 64;

/** Dead letters that pass the filter, oldest first; at most `limit` (default 1,000). */
export async function listDeadLetters(options: {
  bus: Bus;
  filter?: DeadLetterFilter;
  limit?: number;
}): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  const limit = options.limit ?? 1_000;
  for await (const letter of walkDeadLetters(options.bus, options.filter ?? {})) {
    if (letters.length >= limit) break;
    letters.push(letter);
  }
  return letters;
}

/** The latest `limit` ones, oldest first, without reading what came before them. */
export async function listLatestDeadLetters(options: { bus: Bus; limit: number }): Promise<DeadLetter[]> {
  const { bus, limit } = options;
  await bus.ensureTopics([TOPICS.deadLetters, TOPICS.deadLetterMarks]);
  const marked = await readMarks(bus);
  const starts = (await bus.bounds(TOPICS.deadLetters)).map(({ first, next }) =>
    Math.max(first, next - limit),
  );
  const letters: DeadLetter[] = [];
  for await (const record of walkTopic(bus, TOPICS.deadLetters, starts))
    letters.push(readLetter(record, marked));
  return letters.sort((a, b) => a.at - b.at).slice(-limit);
}

/**
 * Hands each matching letter to `feed` (several at once, in order), which must resolve only when the message is safe again (and may be
 * given one twice after a crash between the two: event ids make that one event). A letter that `feed`
 * refuses stays unmarked and is reported; the rest goes on.
 */
export async function replayDeadLetters(options: {
  bus: Bus;
  filter: DeadLetterFilter;
  feed: (message: BusMessage, letter: DeadLetter) => Promise<void>;
  /** The moment written into the marks, ms since the epoch. */
  now: number;
  signal?: AbortSignal;
}): Promise<ReplaySummary> {
  const { bus, filter, feed, now, signal } = options;
  const failed: { id: string; code: string; message: string }[] = [];
  let matched = 0;
  let replayed = 0;
  let already = 0;
  let waiting: DeadLetter[] = [];
  const feedWaiting = async (): Promise<void> => {
    const letters = waiting;
    waiting = [];
    const ends = await Promise.allSettled(letters.map((letter) => feed(letter.message, letter)));
    const fed: DeadLetterMark[] = [];
    for (const [at, end] of ends.entries()) {
      const { id } = letters[at] as DeadLetter;
      if (end.status === 'fulfilled') fed.push({ id, at: now });
      else failed.push({ id, code: errorCode(end.reason), message: describeError(end.reason) });
    }
    await markReplayed(bus, fed);
    replayed += fed.length;
  };
  for await (const letter of walkDeadLetters(bus, filter)) {
    if (signal?.aborted) break;
    matched++;
    if (letter.replayed) already++;
    else waiting.push(letter);
    if (waiting.length >= FED_AT_ONCE) await feedWaiting();
  }
  if (!signal?.aborted) await feedWaiting();
  return { matched, replayed, already, failed };
}

/** The letters there are at the start: those that the replay itself makes wait for the next one. */
async function* walkDeadLetters(bus: Bus, filter: DeadLetterFilter): AsyncGenerator<DeadLetter> {
  await bus.ensureTopics([TOPICS.deadLetters, TOPICS.deadLetterMarks]);
  const marked = await readMarks(bus);
  const starts = filter.from === undefined ? undefined : await bus.offsetsAt(TOPICS.deadLetters, filter.from);
  for await (const record of walkTopic(bus, TOPICS.deadLetters, starts)) {
    const letter = readLetter(record, marked);
    if (passes(letter, filter)) yield letter;
  }
}

async function readMarks(bus: Bus): Promise<ReadonlySet<string>> {
  const marked = new Set<string>();
  for await (const record of walkTopic(bus, TOPICS.deadLetterMarks)) marked.add(record.key);
  return marked;
}

async function* walkTopic(
  bus: Bus,
  topic: TopicDefinition,
  from?: readonly number[],
): AsyncGenerator<BusRecord> {
  const bounds = await bus.bounds(topic);
  const starts = from ?? bounds.map(({ first }) => first);
  for (const [partition, { next }] of bounds.entries()) {
    let offset = starts[partition] ?? 0;
    while (offset < next) {
      const records = await bus.read({ topic, partition, offset, max_records: PAGE_RECORDS });
      const last = records.at(-1);
      if (!last) break;
      for (const record of records) if (record.offset < next) yield record;
      offset = last.offset + 1;
    }
  }
}

function readLetter(record: BusRecord, marked: ReadonlySet<string>): DeadLetter {
  const id = `${record.partition}:${record.offset}:${record.timestamp}`;
  const own = Object.entries(record.headers).filter(([name]) => !name.startsWith('dl-'));
  const { 'dl-place': place, 'dl-topic': topic } = record.headers;
  return {
    id,
    at: record.timestamp,
    stage: record.headers['dl-stage'] ?? '',
    code: record.headers['dl-code'] ?? '',
    reason: record.headers['dl-message'] ?? '',
    ...(place === undefined ? {} : { place }),
    ...(topic === undefined ? {} : { topic }),
    source: record.headers['source'] ?? record.key,
    replayed: marked.has(id),
    message: { key: record.key, value: record.value, headers: Object.fromEntries(own) },
  };
}

function passes(letter: DeadLetter, filter: DeadLetterFilter): boolean {
  return (
    (filter.stage === undefined || letter.stage === filter.stage) &&
    (filter.code === undefined || letter.code === filter.code) &&
    (filter.source === undefined || letter.source === filter.source) &&
    (filter.id === undefined || letter.id === filter.id) &&
    (filter.from === undefined || letter.at >= filter.from) &&
    (filter.to === undefined || letter.at < filter.to)
  );
}

async function markReplayed(bus: Bus, marks: readonly DeadLetterMark[]): Promise<void> {
  await bus.produce(
    TOPICS.deadLetterMarks,
    marks.map((mark) => ({ key: mark.id, value: Buffer.from(JSON.stringify(mark)), headers: {} })),
  );
}
