// One topic partition on disk: a row of segments, appended at the end, read by offset or time, dropped whole.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { TopicDefinition } from '../../core/topics.ts';
import type { BusMessage, BusRecord } from '../bus.ts';
import { messageBytes } from '../measure-messages.ts';
import { createSegmentTable } from './schema.ts';

export interface Segment {
  readonly id: number;
  readonly base: number;
  next: number;
  first_time: number;
  last_time: number;
  bytes: number;
}

/** What retention took away. */
export interface DroppedSegment {
  readonly topic: string;
  readonly partition: number;
  readonly records: number;
  readonly bytes: number;
  readonly next: number;
  readonly reason: 'age' | 'bytes';
}

type Row = [position: number, timestamp: number, meta: string, value: Uint8Array];

/** All that writes here runs inside a transaction of the owner, who calls `reload` after a rollback and `markDurable` after fsync. */
export class PartitionLog {
  readonly topicId: number;
  readonly partition: number;
  topic: TopicDefinition;
  readonly #database: DatabaseSync;
  readonly #segmentBytes: number;
  readonly #inserts = new Map<number, StatementSync>();
  readonly #waiters = new Set<() => void>();
  #segments: Segment[] = [];
  #durable = 0;
  /** A segment was begun since the owner last looked: time to see to retention. */
  rolled = false;

  constructor(options: {
    database: DatabaseSync;
    topicId: number;
    topic: TopicDefinition;
    partition: number;
    segment_bytes: number;
  }) {
    this.#database = options.database;
    this.topicId = options.topicId;
    this.topic = options.topic;
    this.partition = options.partition;
    this.#segmentBytes = options.segment_bytes;
    this.reload();
    this.#durable = this.#segments.at(-1)?.next ?? 0;
  }

  /** Reads the segments again as the database has them. */
  reload(): void {
    const rows = this.#database
      .prepare(
        'SELECT id, base, next, first_time, last_time, bytes FROM segment WHERE topic_id = ? AND partition = ? ORDER BY base, id',
      )
      .all(this.topicId, this.partition);
    this.#segments = rows.map((row) => ({ ...row }) as unknown as Segment);
    this.#inserts.clear();
  }

  /** First offset still kept. */
  get first(): number {
    return this.#segments[0]?.base ?? 0;
  }

  /** The offset after the last that is on disk; readers see nothing from here on. */
  get next(): number {
    return this.#durable;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Appends in order; append times never fall within a partition. Returns the first offset. */
  append(messages: readonly BusMessage[], now: number): number {
    let segment = this.#segments.at(-1) ?? this.#addSegment(0, now);
    const firstOffset = segment.next;
    const time = Math.max(now, segment.last_time);
    let insert = this.#insertInto(segment);
    for (const message of messages) {
      if (segment.bytes >= this.#segmentBytes) {
        this.#store(segment);
        segment = this.#addSegment(segment.next, time);
        insert = this.#insertInto(segment);
      }
      insert.run(segment.next, time, JSON.stringify([message.key, message.headers]), message.value);
      if (segment.next === segment.base) segment.first_time = time;
      segment.next++;
      segment.last_time = time;
      segment.bytes += messageBytes(message);
    }
    this.#store(segment);
    return firstOffset;
  }

  #addSegment(base: number, time: number): Segment {
    const { lastInsertRowid } = this.#database
      .prepare(
        'INSERT INTO segment (topic_id, partition, base, next, first_time, last_time, bytes) VALUES (?, ?, ?, ?, ?, ?, 0)',
      )
      .run(this.topicId, this.partition, base, base, time, time);
    const id = Number(lastInsertRowid);
    this.#database.exec(createSegmentTable(id));
    const segment = { id, base, next: base, first_time: time, last_time: time, bytes: 0 };
    this.#segments.push(segment);
    this.rolled = true;
    return segment;
  }

  #insertInto(segment: Segment): StatementSync {
    let insert = this.#inserts.get(segment.id);
    if (!insert) {
      this.#inserts.clear();
      insert = this.#database.prepare(`INSERT INTO segment_${segment.id} VALUES (?, ?, ?, ?)`);
      this.#inserts.set(segment.id, insert);
    }
    return insert;
  }

  #store(segment: Segment): void {
    this.#database
      .prepare('UPDATE segment SET next = ?, first_time = ?, last_time = ?, bytes = ? WHERE id = ?')
      .run(segment.next, segment.first_time, segment.last_time, segment.bytes, segment.id);
  }

  /** From `offset` (or the first kept after it), at most so many records and bytes, but one when there is one. */
  read(options: { offset: number; max_records: number; max_bytes: number }): BusRecord[] {
    const records: BusRecord[] = [];
    let bytes = 0;
    for (const segment of this.#segments) {
      if (segment.next <= options.offset) continue;
      if (records.length >= options.max_records || segment.base >= this.#durable) break;
      const select = this.#database.prepare(
        `SELECT position, timestamp, meta, value FROM segment_${segment.id} WHERE position >= ? AND position < ? ORDER BY position LIMIT ?`,
      );
      select.setReturnArrays(true);
      // As many rows as the segment's mean size says will fit; a segment's own size bounds the worst case.
      const mean = Math.max(1, segment.bytes / (segment.next - segment.base));
      const fitting = Math.max(1, Math.ceil((options.max_bytes - bytes) / mean));
      const limit = Math.min(options.max_records - records.length, fitting);
      const rows = select.all(options.offset, this.#durable, limit) as unknown as Row[];
      for (const row of rows) {
        bytes += row[2].length + row[3].byteLength;
        if (records.length > 0 && bytes > options.max_bytes) return records;
        records.push(this.#record(row));
      }
      // The mean was too high: what is left of this segment comes before the next one.
      if (segment.next > (records.at(-1)?.offset ?? 0) + 1) return records;
    }
    return records;
  }

  #record(row: Row): BusRecord {
    const [key, headers] = JSON.parse(row[2]) as [string, Record<string, string>];
    const { topic, partition } = this;
    return { topic: topic.name, partition, offset: row[0], timestamp: row[1], key, headers, value: row[3] };
  }

  /** First offset appended at or after `time`; the next offset when there is none. */
  offsetAt(time: number): number {
    for (const segment of this.#segments) {
      if (segment.next === segment.base || segment.last_time < time) continue;
      const at = this.#database.prepare(`SELECT timestamp FROM segment_${segment.id} WHERE position = ?`);
      // Times never fall and offsets have no gaps, so halving finds it without an index.
      let low = segment.base;
      let high = segment.next - 1;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        const row = at.get(middle) as { timestamp: number };
        if (row.timestamp >= time) high = middle;
        else low = middle + 1;
      }
      return Math.min(low, this.#durable);
    }
    return this.#durable;
  }

  /** Why the oldest segment must go, undefined when it stays. */
  #overdue(total: number, now: number): 'age' | 'bytes' | undefined {
    const oldest = this.#segments[0];
    if (!oldest || oldest.next === oldest.base || oldest.next > this.#durable) return undefined;
    if (oldest.last_time < now - this.topic.retention_ms) return 'age';
    return total > this.topic.retention_bytes && this.#segments.length > 1 ? 'bytes' : undefined;
  }

  /** True when applyRetention would drop something. */
  exceedsRetention(now: number): boolean {
    const total = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
    return this.#overdue(total, now) !== undefined;
  }

  /** Drops whole segments past the topic's bounds; the newest only when all of it is too old (an empty one follows). */
  applyRetention(now: number): DroppedSegment[] {
    const dropped: DroppedSegment[] = [];
    let total = this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
    for (;;) {
      const oldest = this.#segments[0];
      const reason = this.#overdue(total, now);
      if (!oldest || !reason) break;
      if (this.#segments.length === 1) this.#addSegment(oldest.next, oldest.last_time);
      this.#database.exec(`DROP TABLE segment_${oldest.id}`);
      this.#database.prepare('DELETE FROM segment WHERE id = ?').run(oldest.id);
      this.#segments.shift();
      total -= oldest.bytes;
      dropped.push({
        topic: this.topic.name,
        partition: this.partition,
        records: oldest.next - oldest.base,
        bytes: oldest.bytes,
        next: oldest.next,
        reason,
      });
    }
    return dropped;
  }

  /** All that was appended is on disk now: shows it to readers and wakes those who wait. */
  markDurable(): void {
    const next = this.#segments.at(-1)?.next ?? 0;
    if (next === this.#durable) return;
    this.#durable = next;
    for (const wake of this.#waiters) wake();
  }

  /** Resolves when there is something at or after `offset`, or when `signal` aborts. */
  waitFor(offset: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted || this.#durable > offset) {
        resolve();
        return;
      }
      const done = (): void => {
        this.#waiters.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiters.add(done);
      signal.addEventListener('abort', done);
    });
  }
}
