// What waits for one partition, in order, and the one batch that is on its way, with the sequence that lets the broker drop repeats.
import type { PicketError } from '../../core/errors.ts';
import type { WireMessage } from './wire.ts';

/** Under what a producer numbers its batches (KIP-98). */
export interface Identity {
  readonly producerId: string;
  readonly producerEpoch: number;
}

/** What one call handed in. */
interface Entry {
  readonly messages: readonly WireMessage[];
  readonly bytes: number;
  /** By the monotonic clock. */
  readonly deadline: number;
  /** With the offset of the first message when the rest follows it, else with each one's. */
  readonly resolve: (offsets: number | readonly number[]) => void;
  readonly reject: (error: PicketError) => void;
}

/** A batch: the messages of one or more entries, or a part of one that was too large in one piece. */
export class Sending {
  readonly queue: PartitionQueue;
  readonly entries: readonly Entry[];
  readonly messages: readonly WireMessage[];
  readonly bytes: number;
  identity: Identity | undefined;
  firstSequence = 0;
  settled = false;

  constructor(options: {
    queue: PartitionQueue;
    entries: readonly Entry[];
    messages: readonly WireMessage[];
    bytes: number;
  }) {
    this.queue = options.queue;
    this.entries = options.entries;
    this.messages = options.messages;
    this.bytes = options.bytes;
  }

  /** The first batch under an identity is number 0. */
  begin(identity: Identity): void {
    this.identity = identity;
    this.firstSequence = 0;
    this.queue.identity = identity;
    this.queue.sequence = 0;
  }
}

/** Numbers are 31 bits; an identity that would pass that is left for a new one. */
const LAST_SEQUENCE = 2 ** 31 - 1;

export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  identity: Identity | undefined;
  sequence = 0;
  sending: Sending | undefined;
  /** The next request may hold nothing but this partition. */
  alone = false;
  /** Why it cannot be sent now, where that is its topic's own matter. */
  fault: PicketError | undefined;
  #waiting: Entry[] = [];
  /** Batches that were tried and are to go again before anything else, unchanged. */
  #again: Sending[] = [];
  /** Entries that are sent message by message. */
  readonly #split = new Map<Entry, number[]>();

  constructor(options: { topic: string; partition: number }) {
    this.topic = options.topic;
    this.partition = options.partition;
  }

  get wants(): boolean {
    return this.#waiting.length > 0 || this.#again.length > 0;
  }

  add(options: {
    messages: readonly WireMessage[];
    bytes: number;
    deadline: number;
  }): Promise<number | readonly number[]> {
    return new Promise((resolve, reject) => {
      const { messages, bytes, deadline } = options;
      this.#waiting.push({ messages, bytes, deadline, resolve, reject });
    });
  }

  /** The next batch: what was tried before, else as many entries as fit. */
  take(batch_bytes: number): Sending | undefined {
    const sending = this.#again.shift() ?? this.#gather(batch_bytes);
    if (!sending) return undefined;
    if (sending.identity === undefined && this.identity !== undefined) {
      if (this.sequence + sending.messages.length > LAST_SEQUENCE) this.identity = undefined;
      sending.identity = this.identity;
      sending.firstSequence = this.sequence;
    }
    this.sending = sending;
    this.alone = false;
    this.fault = undefined;
    return sending;
  }

  #gather(batch_bytes: number): Sending | undefined {
    let bytes = 0;
    let count = 0;
    for (const entry of this.#waiting) {
      if (count > 0 && bytes + entry.bytes > batch_bytes) break;
      bytes += entry.bytes;
      count++;
    }
    const entries = this.#waiting.splice(0, count);
    const [only] = entries;
    if (!only) return undefined;
    const messages = entries.length === 1 ? only.messages : entries.flatMap((entry) => entry.messages);
    return new Sending({ queue: this, entries, messages, bytes });
  }

  acknowledge(sending: Sending, firstOffset: number): void {
    if (sending.settled) return;
    this.#leave(sending);
    if (sending.identity === this.identity) this.sequence = sending.firstSequence + sending.messages.length;
    let offset = firstOffset;
    for (const entry of sending.entries) {
      const offsets = this.#split.get(entry);
      if (!offsets) {
        entry.resolve(offset);
        offset += entry.messages.length;
        continue;
      }
      offsets.push(firstOffset);
      if (offsets.length < entry.messages.length) continue;
      this.#split.delete(entry);
      entry.resolve(offsets);
    }
  }

  /** The batch goes again as it is, before anything else. */
  giveBack(sending: Sending, options: { alone?: boolean } = {}): void {
    if (sending.settled || this.sending !== sending) return;
    this.sending = undefined;
    this.#again.unshift(sending);
    if (options.alone) this.alone = true;
  }

  /** The broker does not know our numbers any more: the same batch as the first of a new identity. */
  forgetIdentity(sending: Sending): void {
    this.identity = undefined;
    sending.identity = undefined;
    this.giveBack(sending);
  }

  /** Each message by itself: the broker counts the whole batch against its limit. Nothing of it was written, so its numbers are free. */
  split(sending: Sending): void {
    if (sending.settled || this.sending !== sending) return;
    this.#leave(sending);
    const parts: Sending[] = [];
    for (const entry of sending.entries) {
      this.#split.set(entry, []);
      for (const message of entry.messages)
        parts.push(new Sending({ queue: this, entries: [entry], messages: [message], bytes: sending.bytes }));
    }
    this.#again.unshift(...parts);
  }

  reject(sending: Sending, error: PicketError): void {
    if (sending.settled) return;
    this.#leave(sending);
    for (const entry of sending.entries) {
      this.#split.delete(entry);
      entry.reject(error);
    }
    const failed = new Set(sending.entries);
    this.#again = this.#again.filter(({ entries }) => !entries.some((entry) => failed.has(entry)));
  }

  /** Refuses everything that waits. */
  refuse(error: PicketError): void {
    for (const sending of this.#again.splice(0)) this.reject(sending, error);
    for (const entry of this.#waiting.splice(0)) entry.reject(error);
  }

  /** Fails what has waited too long. What was tried may have been written: its numbers are never used again. */
  expire(now: number, error: PicketError): void {
    const late = (entry: Entry): boolean => entry.deadline <= now;
    if (this.sending?.entries.some(late)) {
      this.identity = undefined;
      this.reject(this.sending, error);
    }
    for (const sending of this.#again.filter(({ entries }) => entries.some(late))) {
      this.identity = undefined;
      this.reject(sending, error);
    }
    if (!this.#waiting.some(late)) return;
    for (const entry of this.#waiting.filter(late)) entry.reject(error);
    this.#waiting = this.#waiting.filter((entry) => !late(entry));
  }

  #leave(sending: Sending): void {
    sending.settled = true;
    if (this.sending === sending) this.sending = undefined;
  }
}
