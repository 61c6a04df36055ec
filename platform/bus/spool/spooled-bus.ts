// A bus whose brokers may be away: what is produced meanwhile goes to an embedded bus on disk, and from there in order when they are back.
import type { Counters } from '../../core/counters.ts';
import { describeError, errorCode } from '../../core/errors.ts';
import type { Logger } from '../../core/log.ts';
import { TOPICS, type TopicDefinition } from '../../core/topics.ts';
import type { Bus, BusBatch, BusMessage, ConsumeOptions, Consumer, DeadLetterReason } from '../bus.ts';
import { makeDeadLetter } from '../dead-letter.ts';

export interface SpooledBusOptions {
  /** The brokers'; closed with this one. */
  readonly bus: Bus;
  readonly store: SpoolStore;
  /** What may be spooled; default: every declared topic. */
  readonly topics?: readonly TopicDefinition[];
  readonly counters: Counters;
  readonly logger: Logger;
}

/** The disk behind the spool. */
export interface SpoolStore {
  /** An embedded bus with a bound of its own, which says BUS_FULL when it is met. */
  open(): Promise<Bus>;
  /** Gives the room back that passed-on records still take; the bus is closed. */
  clear(): Promise<void>;
}

/** The consumer group that empties the spool. */
export const SPOOL_GROUP = 'spool';

/** The spool is the way while the brokers are away, or do not keep up. */
const AWAY = new Set(['BUS_UNAVAILABLE', 'BUS_FULL', 'BUS_TOPIC_MISSING']);

type Positions = readonly { partition: number; offset: number }[];

/** Goes on with what an earlier run left in the spool. @throws what the embedded bus does when it opens */
export async function openSpooledBus(options: SpooledBusOptions): Promise<SpooledBus> {
  const topics = options.topics ?? Object.values(TOPICS);
  const spool = await options.store.open();
  const left = await countLeft(spool, topics);
  if (left > 0) options.logger.warn({ records: left }, 'the spool of an earlier run is being emptied');
  return new SpooledBus({ ...options, topics, spool, left });
}

/** A group that has not committed yet has everything before it. */
async function countLeft(spool: Bus, topics: readonly TopicDefinition[]): Promise<number> {
  const lag = await spool.lag(SPOOL_GROUP);
  let left = 0;
  for (const topic of topics) {
    const all = (await spool.bounds(topic)).reduce((sum, { first, next }) => sum + next - first, 0);
    left += lag[topic.name] ?? all;
  }
  return left;
}

/**
 * A record keeps its place behind every one of its key that was acknowledged before it was handed in. Calls made side
 * by side may change places when the brokers return while one of them has just been given up.
 */
export class SpooledBus implements Bus {
  readonly #options: SpooledBusOptions & { readonly topics: readonly TopicDefinition[] };
  readonly #bus: Bus;
  #spool: Bus;
  #drains: readonly Consumer[] = [];
  /** Records handed to the spool and not yet at the brokers; while there are any, all that comes goes behind them. */
  #spooled: number;
  #away = false;
  #calls = 0;
  /** Calls on their way to the brokers. */
  #direct = 0;
  /** Calls that go to the spool next. */
  readonly #waiting: { readonly call: number; readonly write: () => void }[] = [];
  /** While the spool is begun anew. */
  #clearing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(
    options: SpooledBusOptions & {
      readonly topics: readonly TopicDefinition[];
      readonly spool: Bus;
      readonly left: number;
    },
  ) {
    this.#options = options;
    this.#bus = options.bus;
    this.#spool = options.spool;
    this.#spooled = options.left;
    this.#drains = this.#startDrains();
  }

  /** Records on this disk that the brokers do not have yet. */
  spooled(): number {
    return this.#spooled;
  }

  async ensureTopics(topics: readonly TopicDefinition[]): Promise<void> {
    try {
      await this.#bus.ensureTopics(topics);
    } catch (error) {
      // Whoever produces or consumes asks again; to start without the brokers is what the spool is for.
      if (!AWAY.has(errorCode(error))) throw error;
      this.#say(error);
    }
  }

  async produce(topic: TopicDefinition, messages: readonly BusMessage[]): Promise<Positions> {
    return this.#take(topic, messages, () => this.#bus.produce(topic, messages));
  }

  async #take(
    topic: TopicDefinition,
    messages: readonly BusMessage[],
    send: () => Promise<Positions>,
  ): Promise<Positions> {
    const call = this.#calls++;
    const mayKeep = this.#options.topics.some(({ name }) => name === topic.name);
    const spooling = this.#spooled > 0 || this.#away || this.#bus.congested();
    if (mayKeep && spooling) return this.#keep({ call, topic, messages });
    this.#direct++;
    let kept: Promise<Positions>;
    try {
      return await send();
    } catch (error) {
      if (!AWAY.has(errorCode(error)) || !mayKeep) throw error;
      this.#say(error);
      kept = this.#keep({ call, topic, messages });
    } finally {
      this.#direct--;
      this.#fill();
    }
    return kept;
  }

  #keep(one: { call: number; topic: TopicDefinition; messages: readonly BusMessage[] }): Promise<Positions> {
    this.#away = true;
    this.#spooled += one.messages.length;
    const { promise, resolve } = Promise.withResolvers<Positions>();
    const write = (): void => resolve(this.#write(one.topic, one.messages));
    this.#waiting.push({ call: one.call, write });
    this.#fill();
    return promise;
  }

  /** In the order of the calls: what is on its way to the brokers may end here too, so it is waited for. */
  #fill(): void {
    if (this.#direct > 0 || this.#clearing) return;
    const waiting = this.#waiting.splice(0).sort((a, b) => a.call - b.call);
    for (const { write } of waiting) write();
  }

  async #write(topic: TopicDefinition, messages: readonly BusMessage[]): Promise<Positions> {
    try {
      const positions = await this.#spool.produce(topic, messages);
      this.#options.counters.add('bus', 'spooled', { by: messages.length });
      return positions;
    } catch (error) {
      this.#settle(messages.length);
      throw error;
    }
  }

  #settle(records: number): void {
    this.#spooled -= records;
    if (this.#spooled > 0 || !this.#away) return;
    this.#away = false;
    this.#options.logger.info('the spool is empty: producing to the brokers again');
    if (this.#closed || this.#clearing) return;
    this.#clearing = this.#giveRoomBack();
  }

  /** Passed-on records lie on the disk until their segments are dropped: a new spool begins with all of its room. */
  async #giveRoomBack(): Promise<void> {
    try {
      await Promise.all(this.#drains.map((drain) => drain.stop()));
      await this.#spool.close();
      await this.#options.store.clear();
      this.#spool = await this.#options.store.open();
      this.#drains = this.#startDrains();
    } catch (error) {
      this.#options.logger.error({ err: error }, 'the spool cannot be begun anew');
    } finally {
      this.#clearing = undefined;
      this.#fill();
    }
  }

  #say(error: unknown): void {
    if (this.#away) return;
    const log = { code: errorCode(error), reason: describeError(error) };
    this.#options.logger.warn(log, 'the brokers are away: what comes is kept on this disk');
  }

  #startDrains(): Consumer[] {
    const { topics, logger } = this.#options;
    return topics.map((topic) =>
      this.#spool.consume({
        group: SPOOL_GROUP,
        topics: [topic],
        handle: (batch) => this.#passOn(topic, batch),
        onError: (error) =>
          logger.debug({ code: errorCode(error), reason: describeError(error) }, 'the spool waits'),
      }),
    );
  }

  async #passOn(topic: TopicDefinition, batch: BusBatch): Promise<void> {
    const messages = batch.records.map(({ key, value, headers }) => ({ key, value, headers }));
    try {
      await this.#bus.produce(topic, messages);
    } catch (error) {
      if (errorCode(error) !== 'BUS_MESSAGE_TOO_LARGE') throw error;
      await this.#passOneByOne(topic, messages);
    }
    this.#options.counters.add('bus', 'spool-passed-on', { by: messages.length });
    this.#settle(messages.length);
  }

  /** A topic's limit may have been lowered meanwhile: what no longer fits becomes a dead letter without its bytes. */
  async #passOneByOne(topic: TopicDefinition, messages: readonly BusMessage[]): Promise<void> {
    for (const message of messages) {
      try {
        await this.#bus.produce(topic, [message]);
      } catch (error) {
        if (errorCode(error) !== 'BUS_MESSAGE_TOO_LARGE') throw error;
        this.#options.counters.add('bus', 'spool-too-large');
        const rest = {
          ...message,
          value: Buffer.from(`${message.value.byteLength} bytes`),
          topic: topic.name,
        };
        await this.#bus.deadLetter(rest, {
          stage: 'bus',
          code: 'BUS_MESSAGE_TOO_LARGE',
          message: describeError(error),
        });
      }
    }
  }

  async deadLetter(message: BusMessage & { topic?: string }, reason: DeadLetterReason): Promise<void> {
    await this.#take(TOPICS.deadLetters, [makeDeadLetter(message, reason)], async () => {
      await this.#bus.deadLetter(message, reason);
      return [];
    });
  }

  /** While there is room on this disk nobody need slow down for brokers that are away. */
  congested(): boolean {
    return this.#clearing === undefined && this.#spool.congested();
  }

  consume(options: ConsumeOptions): Consumer {
    return this.#bus.consume(options);
  }

  read(options: Parameters<Bus['read']>[0]): ReturnType<Bus['read']> {
    return this.#bus.read(options);
  }

  offsetsAt(topic: TopicDefinition, timestamp: number): Promise<readonly number[]> {
    return this.#bus.offsetsAt(topic, timestamp);
  }

  seek(options: Parameters<Bus['seek']>[0]): Promise<void> {
    return this.#bus.seek(options);
  }

  lag(group: string): Promise<Readonly<Record<string, number>>> {
    return this.#bus.lag(group);
  }

  bounds(topic: TopicDefinition): ReturnType<Bus['bounds']> {
    return this.#bus.bounds(topic);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** What is spooled stays on the disk for the next run. */
  async #close(): Promise<void> {
    await this.#clearing;
    await Promise.all(this.#drains.map((drain) => drain.stop()));
    await this.#bus.close();
    await this.#spool.close();
  }
}
