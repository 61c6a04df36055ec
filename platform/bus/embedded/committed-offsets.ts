// Where each consumer group stands: kept in memory, written with the next transaction.
import type { DatabaseSync } from 'node:sqlite';
import type { PartitionLog } from './partition-log.ts';

interface Entry {
  readonly group: string;
  readonly topicId: number;
  readonly partition: number;
  next: number;
}

export class CommittedOffsets {
  readonly #database: DatabaseSync;
  readonly #entries = new Map<string, Entry>();
  #dirty = new Set<Entry>();
  /** Written in the transaction under way; dirty again if it fails. */
  #written = new Set<Entry>();

  constructor(database: DatabaseSync) {
    this.#database = database;
    const rows = database.prepare('SELECT group_name, topic_id, partition, next FROM committed').all();
    for (const row of rows) {
      const entry: Entry = {
        group: String(row['group_name']),
        topicId: Number(row['topic_id']),
        partition: Number(row['partition']),
        next: Number(row['next']),
      };
      this.#entries.set(keyOf(entry.group, entry.topicId, entry.partition), entry);
    }
  }

  get(group: string, log: PartitionLog): number | undefined {
    return this.#entries.get(keyOf(group, log.topicId, log.partition))?.next;
  }

  set(group: string, log: PartitionLog, next: number): void {
    const key = keyOf(group, log.topicId, log.partition);
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { group, topicId: log.topicId, partition: log.partition, next };
      this.#entries.set(key, entry);
    }
    entry.next = next;
    this.#dirty.add(entry);
  }

  get dirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** Inside a transaction. */
  write(): void {
    if (this.#dirty.size === 0) return;
    const put = this.#database.prepare(
      'INSERT INTO committed VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next',
    );
    for (const entry of this.#dirty) put.run(entry.group, entry.topicId, entry.partition, entry.next);
    for (const entry of this.#dirty) this.#written.add(entry);
    this.#dirty = new Set();
  }

  /** The transaction that `write` was part of is on disk. */
  settle(): void {
    this.#written = new Set();
  }

  /** It was rolled back. */
  restore(): void {
    for (const entry of this.#written) this.#dirty.add(entry);
    this.#written = new Set();
  }
}

function keyOf(group: string, topicId: number, partition: number): string {
  return `${topicId}/${partition}/${group}`;
}
