// The idempotent producer: gathers what is handed in, sends one batch of a partition at a time, and tries again until a deadline.
import type { Clock } from '../../core/clock.ts';
import { PicketError } from '../../core/errors.ts';
import { keyOf } from './assign-partitions.ts';
import type { Connection } from './connection.ts';
import { describeFault, faultType, isLasting, SEQUENCE_LOST, TOO_LARGE } from './faults.ts';
import { PartitionQueue, type Sending } from './partition-queue.ts';
import { produceRecords } from './produce.ts';
import type { KafkaBusLimits } from './settings.ts';
import { findBroker, type WireBroker, type WireMessage } from './wire.ts';

/** Requests that one broker may hold at a time, each of other partitions: one is written while another is on its way. */
const REQUESTS_A_BROKER = 2;
/** How often deadlines are looked at. */
const DEADLINE_CHECK_MS = 250;

export interface ProducerOptions {
  /** A set of sockets of its own for each topic: one that is gone disturbs no other. */
  readonly connect: () => Connection;
  readonly clock: Clock;
  readonly limits: KafkaBusLimits;
  readonly compress: boolean;
}

export class Producer {
  readonly #options: ProducerOptions;
  readonly #queues = new Map<string, PartitionQueue>();
  readonly #closing = new AbortController();
  readonly #connections = new Map<string, Connection>();
  readonly #sending = new Map<string, number>();
  #queuedBytes = 0;
  #away: PicketError | undefined;
  #wake: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #wait: number;

  constructor(options: ProducerOptions) {
    this.#options = options;
    this.#wait = options.limits.retry_first_ms;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Why the cluster cannot be written to, since the last try failed; undefined while it can. */
  get away(): PicketError | undefined {
    return this.#away;
  }

  /** Resolves with each message's offset, when all are written everywhere they must be. @throws PicketError BUS_* */
  async append(options: {
    topic: string;
    partition: number;
    messages: readonly WireMessage[];
    bytes: number;
  }): Promise<readonly number[]> {
    const { topic, partition, messages, bytes } = options;
    const key = keyOf({ topic, partition });
    let queue = this.#queues.get(key);
    if (!queue) this.#queues.set(key, (queue = new PartitionQueue({ topic, partition })));
    this.#queuedBytes += bytes;
    try {
      const { limits, clock } = this.#options;
      const deadline = clock.monotonic() + limits.delivery_timeout_ms;
      const pieces = Math.min(messages.length, Math.ceil(bytes / limits.batch_bytes));
      const size = Math.ceil(messages.length / pieces);
      const added: { from: number; count: number; written: Promise<number | readonly number[]> }[] = [];
      for (let from = 0; from < messages.length; from += size) {
        const part = pieces === 1 ? messages : messages.slice(from, from + size);
        const written = queue.add({ messages: part, bytes: Math.ceil(bytes / pieces), deadline });
        added.push({ from, count: part.length, written });
      }
      this.#nudge();
      const offsets: number[] = [];
      const all = await Promise.all(added.map(({ written }) => written));
      for (const [at, { from, count }] of added.entries()) {
        const found = all[at] as number | readonly number[];
        for (let nth = 0; nth < count; nth++)
          offsets[from + nth] = typeof found === 'number' ? found + nth : (found[nth] as number);
      }
      return offsets;
    } finally {
      this.#queuedBytes -= bytes;
    }
  }

  #nudge(): void {
    if (this.#running) this.#wake?.();
    else this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const deadlines = setInterval(() => this.#expire(), DEADLINE_CHECK_MS);
    try {
      while (this.#busy() && !this.#closing.signal.aborted) {
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        // What is handed in within this turn of the loop travels together.
        await new Promise(setImmediate);
        const went = await this.#dispatch();
        if (went) await woken;
        else {
          await clock.sleep(this.#wait, this.#closing.signal).catch(() => {});
          this.#wait = Math.min(this.#wait * 2, this.#options.limits.retry_most_ms);
        }
      }
    } finally {
      clearInterval(deadlines);
      this.#wake = undefined;
      this.#running = undefined;
    }
  }

  /** While the cluster is away it is asked for again and again, also when nobody has anything to send: that is how it is found again. */
  #busy(): boolean {
    if (this.#away || this.#sending.size > 0) return true;
    for (const queue of this.#queues.values()) if (queue.wants || queue.sending) return true;
    return false;
  }

  #expire(): void {
    const now = this.#options.clock.monotonic();
    for (const queue of this.#queues.values()) {
      const error =
        queue.fault ??
        this.#away ??
        new PicketError({
          code: 'BUS_UNAVAILABLE',
          message: `${queue.topic}/${queue.partition}: the broker has not acknowledged in time`,
        });
      queue.expire(now, error);
    }
    if (this.#away === undefined) this.#wake?.();
  }

  /** False when the cluster cannot be reached: try again after a wait. */
  async #dispatch(): Promise<boolean> {
    const { limits } = this.#options;
    const wanting = [...this.#queues.values()].filter((queue) => queue.wants && !queue.sending);
    const topics = [...new Set(wanting.map(({ topic }) => topic))];
    if (topics.length === 0 && !this.#away) return true;
    let reached = true;
    const groups: { topic: string; leader: string; sendings: Sending[]; bytes: number; alone: boolean }[] =
      [];
    // Away, with nothing to send. The first topic serves to see whether the brokers are back.
    for (const topic of topics.length === 0 ? [...this.#connections.keys()].slice(0, 1) : topics) {
      try {
        const cluster = await this.#connectionOf(topic).use([topic]);
        if (topics.length === 0) this.#found();
        for (const queue of wanting) {
          if (queue.topic !== topic) continue;
          const [leader] = Object.keys(cluster.findLeaderForPartitions(topic, [queue.partition]));
          if (leader === undefined) continue;
          const { alone } = queue;
          let group = groups.find(
            (one) =>
              one.topic === topic &&
              one.leader === leader &&
              !one.alone &&
              !alone &&
              one.bytes < limits.request_bytes,
          );
          if (!group) {
            const begun = groups.filter((one) => one.topic === topic && one.leader === leader).length;
            if ((this.#sending.get(`${leader} ${topic}`) ?? 0) + begun >= REQUESTS_A_BROKER) continue;
            groups.push((group = { topic, leader, sendings: [], bytes: 0, alone }));
          }
          const sending = queue.take(limits.batch_bytes);
          if (!sending) continue;
          group.sendings.push(sending);
          group.bytes += sending.bytes;
        }
      } catch (error) {
        const about = wanting.filter((queue) => queue.topic === topic);
        if (!this.#judge(error, about)) reached = false;
      }
    }
    for (const one of groups) if (one.sendings.length > 0) void this.#send(one);
    return reached || this.#sending.size > 0;
  }

  /** True when the error was dealt with; false when it is the cluster that is away. */
  #judge(error: unknown, queues: readonly PartitionQueue[]): boolean {
    const fault = describeFault(error, queues[0]?.topic ?? 'Kafka');
    // The brokers are there: until its deadline it is looked for again whenever deadlines are.
    if (fault.code === 'BUS_TOPIC_MISSING') {
      for (const queue of queues) queue.fault = fault;
      this.#found();
      return true;
    }
    if (isLasting(error)) {
      for (const queue of queues) queue.refuse(fault);
      // Wrong credentials hold for all; a right that is missing, for this topic.
      if (fault.code === 'BUS_AUTHENTICATION') this.#away = fault;
      return fault.code !== 'BUS_AUTHENTICATION';
    }
    this.#away = fault;
    return false;
  }

  #connectionOf(topic: string): Connection {
    let connection = this.#connections.get(topic);
    if (!connection) this.#connections.set(topic, (connection = this.#options.connect()));
    return connection;
  }

  async #send(options: { topic: string; leader: string; sendings: readonly Sending[] }): Promise<void> {
    const { topic, leader, sendings } = options;
    const connection = this.#connectionOf(topic);
    const slot = `${leader} ${topic}`;
    this.#sending.set(slot, (this.#sending.get(slot) ?? 0) + 1);
    try {
      const cluster = await connection.use([topic]);
      const broker = await findBroker(cluster, leader);
      try {
        await this.#produce(broker, sendings);
        this.#found();
      } catch (error) {
        if (!this.#settle(error, sendings)) {
          connection.fail(cluster);
          throw error;
        }
      }
    } catch (error) {
      for (const one of sendings) one.queue.giveBack(one);
      this.#judge(
        error,
        sendings.map(({ queue }) => queue),
      );
      await this.#options.clock.sleep(this.#wait, this.#closing.signal).catch(() => {});
      this.#wait = Math.min(this.#wait * 2, this.#options.limits.retry_most_ms);
    } finally {
      const left = (this.#sending.get(slot) ?? 1) - 1;
      if (left > 0) this.#sending.set(slot, left);
      else this.#sending.delete(slot);
      this.#wake?.();
    }
  }

  #found(): void {
    this.#away = undefined;
    this.#wait = this.#options.limits.retry_first_ms;
  }

  async #produce(broker: WireBroker, sendings: readonly Sending[]): Promise<void> {
    // All that begins anew in this request begins under one new identity.
    const identity = sendings.some((one) => one.identity === undefined && !one.settled)
      ? await broker.initProducerId({ transactionTimeout: 60_000 })
      : undefined;
    // Given up meanwhile: under numbers that the next batch will have, the broker would take that for a repeat.
    const group = sendings.filter(({ settled }) => !settled);
    if (identity) {
      const { producerId, producerEpoch } = identity;
      for (const one of group) if (one.identity === undefined) one.begin({ producerId, producerEpoch });
    }
    const identities = Map.groupBy(group, (one) => one.identity?.producerId ?? '');
    for (const [producerId, list] of identities) {
      const written = await produceRecords({
        broker,
        producerId,
        producerEpoch: list[0]?.identity?.producerEpoch ?? 0,
        partitions: list.map(({ queue: { topic, partition }, firstSequence, messages }) => ({
          topic,
          partition,
          firstSequence,
          messages,
        })),
        compress: this.#options.compress,
        timeout_ms: this.#options.limits.delivery_timeout_ms,
        now: this.#options.clock.now(),
      });
      for (const { topic, partition, offset } of written) {
        const one = list.find(({ queue }) => queue.topic === topic && queue.partition === partition);
        one?.queue.acknowledge(one, offset);
      }
    }
  }

  /** True when what the broker refused was dealt with. kafkajs tells the first refusal of a request and not whose it is. */
  #settle(error: unknown, group: readonly Sending[]): boolean {
    const type = faultType(error) ?? '';
    const one = group[0];
    if (!TOO_LARGE.has(type) && !SEQUENCE_LOST.has(type) && !isLasting(error)) return false;
    const open = group.filter(({ queue, settled }) => !settled && queue.sending !== undefined);
    if (open.length > 1) {
      // Each alone from now on: the one that is refused then is known.
      for (const sending of open) sending.queue.giveBack(sending, { alone: true });
      return true;
    }
    const only = open[0] ?? one;
    if (!only) return true;
    if (SEQUENCE_LOST.has(type)) only.queue.forgetIdentity(only);
    else if (TOO_LARGE.has(type) && only.messages.length > 1) only.queue.split(only);
    else only.queue.reject(only, describeFault(error, `${only.queue.topic}/${only.queue.partition}`));
    return true;
  }

  /** Sends what is queued, as far as it can within the deadlines, then nothing more. */
  async close(): Promise<void> {
    while (this.#running && [...this.#queues.values()].some((queue) => queue.wants || queue.sending)) {
      await this.#options.clock.sleep(10);
    }
    this.#closing.abort();
    this.#wake?.();
    await this.#running;
    await Promise.all([...this.#connections.values()].map((connection) => connection.close()));
  }
}
