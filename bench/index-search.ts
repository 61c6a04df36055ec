// The product's embedded index against its bounds in the same run: a raw SQLite insert, and JSON.parse over everything.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openEmbeddedIndex } from '../platform/index/embedded/index.ts';
import { makeBenchEvent, toIndexDocument } from './index-events.ts';
import { fiveQuestions } from './search-engines/five-questions.ts';

export const description =
  'embedded index: append against raw SQLite, five searches against a full scan by JSON.parse (PICKET_BENCH_EVENTS, default 200,000)';

const BATCH = 1000;
const STEP_MS = 60;

/** Ratios: `append` of raw SQLite's rate (1 is as fast), searches of the scan's time (below 1 is faster). */
export async function run({ progress }: { progress: (line: string) => void }): Promise<{
  table: Record<string, string | number>[];
  figures: Record<string, number | string>;
}> {
  const count = Number(process.env['PICKET_BENCH_EVENTS'] ?? 200_000);
  const folder = mkdtempSync(join(tmpdir(), 'picket-bench-index-search-'));
  const table: Record<string, string | number>[] = [];
  const figures: Record<string, number | string> = { events: count };
  const index = await openEmbeddedIndex({ folder: join(folder, 'index') });
  const raw = new DatabaseSync(join(folder, 'raw.sqlite'));
  try {
    raw.exec(
      'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE events (id TEXT PRIMARY KEY, time INTEGER, body BLOB) WITHOUT ROWID',
    );
    const insert = raw.prepare('INSERT INTO events VALUES (?, ?, ?)');
    let rawMs = 0;
    let indexMs = 0;
    for (let start = 0; start < count; start += BATCH) {
      const documents = Array.from({ length: Math.min(BATCH, count - start) }, (_, n) =>
        toIndexDocument(makeBenchEvent(start + n, STEP_MS)),
      );
      let begin = performance.now();
      raw.exec('BEGIN');
      for (const { id, timestamp, body } of documents) insert.run(id, Date.parse(timestamp), body);
      raw.exec('COMMIT');
      rawMs += performance.now() - begin;
      begin = performance.now();
      await index.write(documents);
      indexMs += performance.now() - begin;
      if ((start / BATCH) % 50 === 0) progress(`${start} of ${count} appended`);
    }
    figures['append_of_raw_sqlite'] = round(rawMs / indexMs);
    table.push({
      what: 'append',
      'index, ms': round(indexMs),
      'bound, ms': round(rawMs),
      ratio: round(rawMs / indexMs),
    });

    progress('full scan with JSON.parse');
    const begin = performance.now();
    for (const row of raw.prepare('SELECT body FROM events').iterate()) {
      JSON.parse(Buffer.from(row['body'] as Uint8Array).toString('utf8'));
    }
    const scanMs = performance.now() - begin;
    const questions = fiveQuestions(index, { count, step_ms: STEP_MS });
    for (const [what, ask] of Object.entries(questions)) {
      const samples: number[] = [];
      for (let round = 0; round < 5; round++) {
        const start = performance.now();
        await ask(round);
        samples.push(performance.now() - start);
      }
      const median = samples.sort((a, b) => a - b)[2] as number;
      table.push({
        what,
        'index, ms': round(median),
        'bound, ms': round(scanMs),
        ratio: round(median / scanMs),
      });
      figures[`${what}_of_scan`] = round(median / scanMs);
    }
  } finally {
    raw.close();
    await index.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return { table, figures };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
