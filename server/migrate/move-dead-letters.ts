// Moves dead letters from one bus to another, each once, with the marks of those that were fed in again.
import type { Bus, BusMessage, BusRecord } from '../../platform/bus/bus.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import type { Progress } from './open-progress.ts';
import { type Persistence, persist } from './persist.ts';
import { readTopic } from './read-pages.ts';

/** Says of a letter in the new bus where it stood in the old: `<partition>:<offset>:<time>`, as its id was. */
const MOVED_FROM = 'dl-moved-from';

/**
 * Nobody can tell a letter from its repeat, so that those of an earlier run, or of a try whose answer was lost, are
 * looked for in the new topic first. Returns how many there are.
 * @throws what the target says that does not pass; the signal's reason
 */
export async function moveDeadLetters(options: {
  from: Bus;
  to: Bus;
  progress: Progress;
  persistence: Persistence;
  onMoved: (messages: number) => void;
}): Promise<number> {
  const { from, to, progress, persistence, onMoved } = options;
  const onDamaged = (fault: Parameters<Progress['addFaults']>[0][number]): Promise<void> =>
    progress.addFaults([fault]);
  const marks = new Set<string>();
  for await (const page of readTopic(from, TOPICS.deadLetterMarks, onDamaged))
    for (const { key } of page) marks.add(key);
  let there: ReadonlyMap<string, string> | undefined;
  let letters = 0;
  for await (const page of readTopic(from, TOPICS.deadLetters, onDamaged)) {
    await persist(persistence, async () => {
      const known = (there ??= await findMoved(to));
      // What becomes of these is not known when one of them fails.
      there = undefined;
      await Promise.all(page.filter((letter) => !known.has(idOf(letter))).map((letter) => send(to, letter)));
      there = known;
    });
    letters += page.length;
    onMoved(page.length);
  }
  if (marks.size > 0) await persist(persistence, () => markMoved(to, marks));
  return letters;
}

/** By the bus's own way, which leaves room for the reason over the largest message. */
async function send(to: Bus, letter: BusRecord): Promise<void> {
  const { key, value, headers } = letter;
  const {
    'dl-topic': topic,
    'dl-stage': stage,
    'dl-code': code,
    'dl-message': message,
    'dl-place': place,
  } = headers;
  await to.deadLetter(
    {
      key,
      value,
      headers: { ...headers, [MOVED_FROM]: idOf(letter) },
      ...(topic === undefined ? {} : { topic }),
    },
    {
      stage: stage ?? '',
      code: code ?? '',
      message: message ?? '',
      ...(place === undefined ? {} : { place }),
    },
  );
}

/** Marks go by the letter's new id, which has its time there: it is known when it is read back. */
async function markMoved(to: Bus, marks: ReadonlySet<string>): Promise<void> {
  const marked = new Set<string>();
  for await (const page of readTopic(to, TOPICS.deadLetterMarks)) for (const { key } of page) marked.add(key);
  const missing = [...(await findMoved(to))]
    .filter(([old, id]) => marks.has(old) && !marked.has(id))
    .map(([, id]): BusMessage => {
      const at = Number(id.split(':')[2]);
      return { key: id, value: Buffer.from(JSON.stringify({ id, at })), headers: {} };
    });
  if (missing.length > 0) await to.produce(TOPICS.deadLetterMarks, missing);
}

/** Old id → new id of the letters that were moved. */
async function findMoved(bus: Bus): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const page of readTopic(bus, TOPICS.deadLetters))
    for (const letter of page) {
      const old = letter.headers[MOVED_FROM];
      if (old !== undefined) found.set(old, idOf(letter));
    }
  return found;
}

/** As replay-dead-letters.ts makes it. */
function idOf({ partition, offset, timestamp }: BusRecord): string {
  return `${partition}:${offset}:${timestamp}`;
}
