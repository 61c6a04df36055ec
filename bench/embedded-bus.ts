// The embedded bus against raw SQLite that stores the same bytes in the same transaction sizes, each commit on disk.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Bus, BusMessage } from '../platform/bus/bus.ts';
import { openBus } from '../platform/bus/open-bus.ts';
import { systemClock } from '../platform/core/clock.ts';
import type { TopicDefinition } from '../platform/core/topics.ts';

export const description =
  'embedded bus: durable append, read and consume of 700-byte messages against raw SQLite (WAL, synchronous=FULL)';

const BODY_BYTES = 700;
const BATCHES = [
  { size: 10, messages: 10_000 },
  { size: 100, messages: 50_000 },
  { size: 1_000, messages: 100_000 },
] as const;
const ROUNDS = 3;
const PAGE = 500;

interface Rates {
  append: number;
  read: number;
}

export async function run({ progress }: { progress: (line: string) => void }) {
  const table: Record<string, string | number>[] = [];
  const figures: Record<string, number | string> = {};
  for (const { size, messages } of BATCHES) {
    const bus: Rates[] = [];
    const raw: Rates[] = [];
    const consumed: number[] = [];
    // Turn about, so that what else the machine does hits both.
    for (let round = 0; round < ROUNDS; round++) {
      progress(`batches of ${size}, round ${round + 1} of ${ROUNDS}`);
      raw.push(await inFolder((folder) => measureRaw({ folder, size, messages })));
      const measured = await inFolder((folder) => measureBus({ folder, size, messages }));
      bus.push(measured.rates);
      consumed.push(measured.consume);
    }
    const append = ratio(bus, raw, ({ append: rate }) => rate);
    const read = ratio(bus, raw, ({ read: rate }) => rate);
    const consume = round2(median(consumed) / median(raw.map((one) => one.read)));
    table.push({
      batch: size,
      'bus append/s': Math.round(median(bus.map((one) => one.append))),
      'raw append/s': Math.round(median(raw.map((one) => one.append))),
      'append ratio': append,
      'bus read/s': Math.round(median(bus.map((one) => one.read))),
      'raw read/s': Math.round(median(raw.map((one) => one.read))),
      'read ratio': read,
      'consume ratio': consume,
    });
    figures[`append_ratio_${size}`] = append;
    figures[`read_ratio_${size}`] = read;
    figures[`consume_ratio_${size}`] = consume;
  }
  progress('single messages, 200 in flight');
  const alone = await inFolder(measureSingles);
  table.push({
    batch: 'singles, 200 in flight',
    'bus append/s': Math.round(alone.bus),
    'raw append/s': Math.round(alone.raw),
    'append ratio': round2(alone.bus / alone.raw),
  });
  figures['group_commit_ratio'] = round2(alone.bus / alone.raw);
  progress('how long a commit of 10 holds the event loop');
  const held = await inFolder(measureHeld);
  table.push({
    batch: 'loop held, ms a commit of 10',
    'bus append/s': held.bus,
    'raw append/s': held.raw,
    'append ratio': round2(held.bus / held.raw),
  });
  figures['loop_held_ratio'] = round2(held.bus / held.raw);
  return { table, figures };
}

const topic: TopicDefinition = {
  name: 'bench',
  partitions: 1,
  retention_ms: 3_600_000,
  retention_bytes: 8 * 1024 ** 3,
};
const headers = {
  id: 'Zm9vYmFyYmF6cXV4MTIzNA',
  dataset: 'kubernetes.audit',
  jurisdiction: 'eu-fr',
  tenant: 'demo',
};

function makeBatch(size: number): BusMessage[] {
  return Array.from({ length: size }, (_, at) => ({
    key: `source-${at % 7}`,
    value: Buffer.alloc(BODY_BYTES, at % 251),
    headers,
  }));
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'picket-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function openRaw(folder: string) {
  const database = new DatabaseSync(join(folder, 'raw.sqlite'));
  database.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA page_size=8192');
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=512');
  database.exec('CREATE TABLE message (id INTEGER PRIMARY KEY, timestamp INTEGER, meta TEXT, value BLOB)');
  const insert = database.prepare('INSERT INTO message VALUES (?, ?, ?, ?)');
  let id = 0;
  const append = (batch: readonly { meta: string; value: Uint8Array }[]): void => {
    database.exec('BEGIN');
    for (const { meta, value } of batch) insert.run(id++, Date.now(), meta, value);
    database.exec('COMMIT');
  };
  return { database, append };
}

/** The same bytes: key and headers are text already. */
function makeRawBatch(size: number): { meta: string; value: Uint8Array }[] {
  return makeBatch(size).map(({ key, headers: own, value }) => ({ meta: JSON.stringify([key, own]), value }));
}

async function measureRaw(options: { folder: string; size: number; messages: number }): Promise<Rates> {
  const { database, append } = openRaw(options.folder);
  const batch = makeRawBatch(options.size);
  const seconds = await timed(async () => {
    for (let at = 0; at < options.messages; at += options.size) append(batch);
  });
  const select = database.prepare(
    'SELECT id, timestamp, meta, value FROM message WHERE id >= ? ORDER BY id LIMIT ?',
  );
  let read = 0;
  const readSeconds = await timed(async () => {
    for (let at = 0; at < options.messages; at += PAGE) read += select.all(at, PAGE).length;
  });
  database.close();
  return { append: options.messages / seconds, read: read / readSeconds };
}

async function measureBus(options: { folder: string; size: number; messages: number }) {
  const bus = await openBus({ engine: 'embedded', folder: options.folder, clock: systemClock });
  await bus.ensureTopics([topic]);
  const batch = makeBatch(options.size);
  const seconds = await timed(async () => {
    // Two in flight: while one group is synced the next is made ready, as receivers do.
    let before: Promise<unknown> = Promise.resolve();
    for (let at = 0; at < options.messages; at += options.size) {
      const now = bus.produce(topic, batch);
      await before;
      before = now;
    }
    await before;
  });
  let read = 0;
  const readSeconds = await timed(async () => {
    while (read < options.messages) {
      read += (await bus.read({ topic, partition: 0, offset: read, max_records: PAGE })).length;
    }
  });
  const consumeSeconds = await timed(() => consumeAll(bus, options.messages));
  await bus.close();
  const rates: Rates = { append: options.messages / seconds, read: read / readSeconds };
  return { rates, consume: options.messages / consumeSeconds };
}

async function consumeAll(bus: Bus, messages: number): Promise<void> {
  let seen = 0;
  const done = Promise.withResolvers<void>();
  const consumer = bus.consume({
    group: 'bench',
    topics: [topic],
    max_records: PAGE,
    handle: async ({ records }) => {
      seen += records.length;
      if (seen >= messages) done.resolve();
    },
  });
  await done.promise;
  await consumer.stop();
}

/** What group commit is for: many small producers at once, against one transaction each. */
async function measureSingles(folder: string): Promise<{ bus: number; raw: number }> {
  const messages = 4_000;
  const raw = openRaw(folder);
  const one = makeRawBatch(1);
  const rawSeconds = await timed(async () => {
    for (let at = 0; at < messages; at++) raw.append(one);
  });
  raw.database.close();
  const bus = await openBus({ engine: 'embedded', folder, clock: systemClock });
  await bus.ensureTopics([topic]);
  const single = makeBatch(1);
  const busSeconds = await timed(async () => {
    await Promise.all(
      Array.from({ length: 200 }, async () => {
        for (let at = 0; at < messages / 200; at++) await bus.produce(topic, single);
      }),
    );
  });
  await bus.close();
  return { bus: messages / busSeconds, raw: messages / rawSeconds };
}

/** Milliseconds of event-loop work a commit of ten, by the process's own count of active time. */
async function measureHeld(folder: string): Promise<{ bus: number; raw: number }> {
  const commits = 300;
  const raw = openRaw(folder);
  const batch = makeRawBatch(10);
  const rawSeconds = await timed(async () => {
    for (let at = 0; at < commits; at++) raw.append(batch);
  });
  raw.database.close();
  const bus = await openBus({ engine: 'embedded', folder, clock: systemClock });
  await bus.ensureTopics([topic]);
  const messages = makeBatch(10);
  const before = performance.eventLoopUtilization();
  for (let at = 0; at < commits; at++) await bus.produce(topic, messages);
  const { active } = performance.eventLoopUtilization(before);
  await bus.close();
  return { bus: round2(active / commits), raw: round2((rawSeconds * 1_000) / commits) };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}

function ratio(bus: readonly Rates[], raw: readonly Rates[], pick: (rates: Rates) => number): number {
  return round2(median(bus.map(pick)) / median(raw.map(pick)));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
