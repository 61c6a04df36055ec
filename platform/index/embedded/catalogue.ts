// Keeps the list of segments and of each dataset's period, and a bounded number of segment files open.
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeError, PicketError } from '../../core/errors.ts';
import { type Period, periodBounds, periodOf, type SegmentRoute, segmentName } from '../segment-name.ts';
import { Segment } from './segment.ts';

export interface SegmentEntry {
  readonly name: string;
  readonly tenant: string;
  readonly dataset: string;
  readonly jurisdiction: string;
  readonly period: string;
  /** Times that may be in it, ms since the epoch, `to` exclusive. */
  readonly from: number;
  readonly to: number;
}

/** Segment files open at once; each holds up to 1 MiB of page cache and three descriptors. */
const MAX_OPEN = 32;

/** The folder of an embedded index. One process owns it. */
export class Catalogue {
  readonly #folder: string;
  readonly #database: DatabaseSync;
  readonly #defaultPeriod: Period;
  readonly #entries = new Map<string, SegmentEntry>();
  readonly #periods = new Map<string, Period>();
  /** In order of last use, the oldest first. */
  readonly #open = new Map<string, Segment>();

  /** @throws PicketError INDEX_FOLDER_IN_USE, INDEX_FOLDER_UNUSABLE */
  constructor(options: { folder: string; period: Period }) {
    this.#folder = options.folder;
    this.#defaultPeriod = options.period;
    try {
      mkdirSync(join(options.folder, 'segments'), { recursive: true });
      this.#database = new DatabaseSync(join(options.folder, 'catalogue.sqlite'));
      // An exclusive lock, held as long as this process lives, keeps a second owner out.
      this.#database.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;
        BEGIN EXCLUSIVE;
        CREATE TABLE IF NOT EXISTS periods (tenant TEXT, dataset TEXT, period TEXT NOT NULL, PRIMARY KEY (tenant, dataset));
        CREATE TABLE IF NOT EXISTS segments (name TEXT PRIMARY KEY, tenant TEXT NOT NULL, dataset TEXT NOT NULL, jurisdiction TEXT NOT NULL, period TEXT NOT NULL);
        COMMIT;`);
    } catch (error) {
      const inUse = /locked|busy/i.test(describeError(error));
      throw new PicketError({
        code: inUse ? 'INDEX_FOLDER_IN_USE' : 'INDEX_FOLDER_UNUSABLE',
        message: inUse
          ? 'another process owns this index folder'
          : `cannot use the index folder: ${describeError(error)}`,
        place: { file: options.folder },
        cause: error,
      });
    }
    for (const row of this.#database.prepare('SELECT * FROM periods').all()) {
      this.#periods.set(`${String(row['tenant'])}\n${String(row['dataset'])}`, row['period'] as Period);
    }
    for (const row of this.#database.prepare('SELECT * FROM segments').all()) {
      this.#remember(row as unknown as SegmentEntry);
    }
  }

  #remember(entry: Omit<SegmentEntry, 'from' | 'to'>): void {
    const bounds = periodBounds(entry.period) ?? { from: -Infinity, to: Infinity };
    this.#entries.set(entry.name, { ...entry, ...bounds });
  }

  /** Every segment, or those of a scope. */
  entries(): SegmentEntry[] {
    return [...this.#entries.values()];
  }

  /** The name of the segment for a route, made and recorded when it is new. @throws PicketError INDEX_ROUTE_INVALID */
  place(route: SegmentRoute): string {
    const { tenant, dataset, jurisdiction } = route;
    const key = `${tenant}\n${dataset}`;
    const period = this.#periods.get(key) ?? this.#defaultPeriod;
    const name = segmentName(route, period);
    if (this.#entries.has(name)) return name;
    const text = periodOf(period, route.time, route.judgement);
    // Two statements, each whole by itself: a period without a segment only fixes what it would be anyway.
    this.#database.prepare('INSERT OR IGNORE INTO periods VALUES (?, ?, ?)').run(tenant, dataset, period);
    this.#database
      .prepare('INSERT INTO segments VALUES (?, ?, ?, ?, ?)')
      .run(name, tenant, dataset, jurisdiction, text);
    this.#periods.set(key, period);
    this.#remember({ name, tenant, dataset, jurisdiction, period: text });
    return name;
  }

  /** The name of the segment that a route leads to, if that segment is there; nothing is made. */
  find(route: SegmentRoute): string | undefined {
    const period = this.#periods.get(`${route.tenant}\n${route.dataset}`);
    if (period === undefined) return undefined;
    const name = segmentName(route, period);
    return this.#entries.has(name) ? name : undefined;
  }

  /** The segment, opened if need be; undefined once it was dropped. Use it before the next await: it may be closed then. */
  segment(name: string): Segment | undefined {
    if (!this.#entries.has(name)) return undefined;
    let segment = this.#open.get(name);
    if (segment) this.#open.delete(name);
    else {
      segment = new Segment(this.#file(name));
      if (this.#open.size >= MAX_OPEN) {
        const [oldest, idle] = this.#open.entries().next().value as [string, Segment];
        this.#open.delete(oldest);
        idle.close();
      }
    }
    this.#open.set(name, segment);
    return segment;
  }

  #file(name: string): string {
    return join(this.#folder, 'segments', `${name}.sqlite`);
  }

  /** Bytes of a segment's files. */
  bytes(name: string): number {
    return ['', '-wal'].reduce((sum, end) => {
      return sum + (statSync(this.#file(name) + end, { throwIfNoEntry: false })?.size ?? 0);
    }, 0);
  }

  /** Deletes a segment with its files; false when there is none. */
  drop(name: string): boolean {
    if (!this.#entries.delete(name)) return false;
    this.#open.get(name)?.close();
    this.#open.delete(name);
    for (const end of ['-wal', '-shm', '']) rmSync(this.#file(name) + end, { force: true });
    this.#database.prepare('DELETE FROM segments WHERE name = ?').run(name);
    return true;
  }

  close(): void {
    for (const segment of this.#open.values()) segment.close();
    this.#open.clear();
    this.#database.close();
  }
}
