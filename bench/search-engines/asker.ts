// A process that has one index open, embedded or on Elasticsearch: fills it or asks it, as it is told.
import { systemClock } from '../../platform/core/clock.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import { openIndex } from '../../platform/index/open-index.ts';
import { makeBenchEvent, toIndexDocument } from '../index-events.ts';
import { fiveQuestions, type Question } from './five-questions.ts';

/** Given as JSON on the command line. */
export interface AskerTask {
  /** A folder for the embedded index, a URL for Elasticsearch. */
  readonly folder?: string;
  readonly url?: string;
  readonly count: number;
  readonly step_ms: number;
}

export type AskerOrder =
  | { readonly do: 'load'; readonly batch: number; readonly in_flight: number }
  | {
      readonly do: 'ask';
      readonly question: string;
      readonly warm_up: number;
      readonly runs: number;
      /** No further run begins after so long. */
      readonly most_ms: number;
    };

export type AskerAnswer =
  | { readonly kind: 'ready'; readonly open_ms: number }
  | { readonly kind: 'progress'; readonly done: number }
  | { readonly kind: 'loaded'; readonly seconds: number; readonly cpu_s: number }
  | { readonly kind: 'asked'; readonly times_ms: readonly number[]; readonly answer: number };

const task = JSON.parse(process.argv[2] ?? '') as AskerTask;

function tell(answer: AskerAnswer): void {
  process.send?.(answer);
}

function open(): Promise<EventIndex> {
  const { folder, url } = task;
  if (folder !== undefined) return openIndex({ engine: 'embedded', folder });
  return openIndex({
    engine: 'elasticsearch',
    connection: { nodes: [url as string], request_timeout_ms: 120_000 },
    clock: systemClock,
    shape: { replicas: 0 },
  });
}

/** Times only the writing; what making the events takes is not in it where one write is under way at a time. */
async function load(index: EventIndex, order: Extract<AskerOrder, { do: 'load' }>): Promise<void> {
  const began = performance.now();
  const cpu = process.cpuUsage();
  let making = 0;
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < task.count) {
      const from = next;
      next = Math.min(task.count, from + order.batch);
      const start = performance.now();
      const documents = Array.from({ length: next - from }, (_, at) =>
        toIndexDocument(makeBenchEvent(from + at, task.step_ms)),
      );
      making += performance.now() - start;
      const outcomes = await index.write(documents);
      const refused = outcomes.find(({ result }) => result === 'rejected');
      if (refused) throw new Error(`an event was refused: ${JSON.stringify(refused)}`);
      if (from % (order.batch * 100) === 0) tell({ kind: 'progress', done: from });
    }
  };
  await Promise.all(Array.from({ length: order.in_flight }, writer));
  const { user, system } = process.cpuUsage(cpu);
  tell({
    kind: 'loaded',
    seconds: (performance.now() - began - making) / 1_000,
    cpu_s: (user + system) / 1e6,
  });
}

async function ask(ask: Question, order: Extract<AskerOrder, { do: 'ask' }>): Promise<void> {
  const times_ms: number[] = [];
  let answer = 0;
  const began = performance.now();
  for (let nth = 0; nth < order.warm_up + order.runs; nth++) {
    const start = performance.now();
    answer = await ask(nth);
    const took = performance.now() - start;
    if (nth >= order.warm_up) times_ms.push(took);
    if (performance.now() - began > order.most_ms && times_ms.length > 0) break;
  }
  tell({ kind: 'asked', times_ms, answer });
}

const began = performance.now();
const index = await open();
const questions: Readonly<Record<string, Question>> = fiveQuestions(index, task);
let turn: Promise<void> = Promise.resolve();
process.on('message', (order: AskerOrder) => {
  turn = turn
    .then(() =>
      order.do === 'load' ? load(index, order) : ask(questions[order.question] as Question, order),
    )
    .catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    });
});
process.once('disconnect', () => {
  void turn.then(() => index.close());
});
tell({ kind: 'ready', open_ms: performance.now() - began });
