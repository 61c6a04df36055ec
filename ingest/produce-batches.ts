// Joins the events of calls that come while the bus is busy into one append, so that one fsync serves many requests.
import type { Bus, BusMessage } from '../platform/bus/bus.ts';
import { errorCode } from '../platform/core/errors.ts';
import { TOPICS } from '../platform/core/topics.ts';

/** Messages of one append, at most. */
const MAX_BATCH = 2_000;

export interface Producer {
  /** Resolves when all are durable, with those that were too large for the bus and were left out. */
  produce(messages: readonly BusMessage[]): Promise<readonly { message: BusMessage; at: number }[]>;
}

interface Waiting {
  readonly messages: readonly BusMessage[];
  readonly resolve: (tooLarge: { message: BusMessage; at: number }[]) => void;
  readonly reject: (error: unknown) => void;
}

/** A producer to `picket.events`: one append at a time, calls in order. */
export function createProducer(bus: Pick<Bus, 'produce'>): Producer {
  const queue: Waiting[] = [];
  let running = false;

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const batch: Waiting[] = [];
      let size = 0;
      while (
        queue.length > 0 &&
        (batch.length === 0 || size + (queue[0]?.messages.length ?? 0) <= MAX_BATCH)
      ) {
        const next = queue.shift() as Waiting;
        batch.push(next);
        size += next.messages.length;
      }
      await append(batch);
    }
    running = false;
  }

  async function append(batch: readonly Waiting[]): Promise<void> {
    try {
      await bus.produce(
        TOPICS.events,
        batch.flatMap(({ messages }) => messages),
      );
      for (const { resolve } of batch) resolve([]);
    } catch (error) {
      if (errorCode(error) !== 'BUS_MESSAGE_TOO_LARGE' && batch.length === 1) {
        batch[0]?.reject(error);
        return;
      }
      // One call's fault is not the others': each goes alone, and of a call with too large a message, each message.
      for (const waiting of batch) await appendAlone(waiting);
    }
  }

  async function appendAlone({ messages, resolve, reject }: Waiting): Promise<void> {
    const tooLarge: { message: BusMessage; at: number }[] = [];
    try {
      try {
        await bus.produce(TOPICS.events, messages);
      } catch (error) {
        if (errorCode(error) !== 'BUS_MESSAGE_TOO_LARGE') throw error;
        for (const [at, message] of messages.entries()) {
          try {
            await bus.produce(TOPICS.events, [message]);
          } catch (single) {
            if (errorCode(single) !== 'BUS_MESSAGE_TOO_LARGE') throw single;
            tooLarge.push({ message, at });
          }
        }
      }
      resolve(tooLarge);
    } catch (error) {
      reject(error);
    }
  }

  return {
    produce(messages) {
      if (messages.length === 0) return Promise.resolve([]);
      return new Promise((resolve, reject) => {
        queue.push({ messages, resolve, reject });
        if (running) return;
        running = true;
        // Waits for the calls of this turn of the loop.
        setImmediate(() => void run());
      });
    },
  };
}
