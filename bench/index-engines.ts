// Measures candidates for the embedded index on the same events: append, kill -9, five searches, disk and memory (docs/decisions/0002).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine } from './index-candidates.ts';
import { BENCH_START, type BenchEvent, makeBenchEvent } from './index-events.ts';

export const description =
  'embedded index candidates side by side (PICKET_BENCH_EVENTS, default 1,000,000; PICKET_BENCH_ENGINES, comma-separated)';

export const ENGINES = ['none', 'picket', 'sqlite-fts5', 'duckdb', 'duckdb-unique', 'parquet-mix'] as const;
export type EngineName = (typeof ENGINES)[number];

/** Events per durable commit: what a site at 1,000 events a second writes each second. */
const BATCH = 1000;
const STEP_MS = 60;

type Row = Record<string, string | number>;

/** Runs every chosen engine in a process of its own; a killed writer must keep what it acknowledged. */
export async function run({ progress }: { progress: (line: string) => void }): Promise<{
  table: Row[];
  figures: Record<string, number | string>;
}> {
  const count = Number(process.env['PICKET_BENCH_EVENTS'] ?? 1_000_000);
  const engines = (process.env['PICKET_BENCH_ENGINES'] ?? ENGINES.join(',')).split(',');
  const table: Row[] = [];
  for (const engine of engines) {
    const folder = mkdtempSync(join(tmpdir(), 'picket-bench-index-'));
    try {
      progress(`${engine}: append ${count} events`);
      const row = await runChild({ engine, count, folder, progress });
      progress(`${engine}: kill -9 while appending`);
      const kill = await killChild({ engine, folder: join(folder, 'kill') });
      table.push({ engine, ...row, ...kill });
      progress(JSON.stringify(table.at(-1)));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const figures: Record<string, number | string> = { events: count };
  for (const row of table) {
    figures[`${row['engine']}_append_per_s`] = row['append_per_s'] ?? 0;
    figures[`${row['engine']}_bytes_per_event`] = row['bytes_per_event'] ?? 0;
  }
  return { table, figures };
}

function child(args: readonly string[]) {
  return spawn(process.execPath, ['--no-warnings', fileURLToPath(import.meta.url), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function runChild(options: {
  engine: string;
  count: number;
  folder: string;
  progress: (line: string) => void;
}): Promise<Row> {
  const process = child(['measure', options.engine, String(options.count), options.folder]);
  let row: Row | undefined;
  let rest = '';
  for await (const chunk of process.stdout) {
    rest += String(chunk);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.startsWith('{')) row = JSON.parse(line) as Row;
      else options.progress(`${options.engine}: ${line}`);
    }
  }
  return row ?? { error: 'the measuring process ended early' };
}

/** Kills the writer after some acknowledged batches, opens the data again and counts. */
async function killChild(options: { engine: string; folder: string }): Promise<Row> {
  const writer = child(['write', options.engine, '1000000', options.folder]);
  let acknowledged = 0;
  for await (const chunk of writer.stdout) {
    for (const line of String(chunk).split('\n'))
      if (line !== '') acknowledged = Math.max(acknowledged, Number(line));
    if (acknowledged >= 20 * BATCH) {
      writer.kill('SIGKILL');
      break;
    }
  }
  if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
  const begin = performance.now();
  const engine = await openEngine(options.engine as EngineName, options.folder);
  const kept = await engine.count();
  const reopen_ms = Math.round(performance.now() - begin);
  await engine.close();
  return { kill9: kept >= acknowledged ? 'kept' : `lost ${acknowledged - kept}`, reopen_ms };
}

function diskBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

async function append(options: {
  engine: EngineName;
  count: number;
  folder: string;
  acknowledged: (count: number) => void;
}) {
  const engine = await openEngine(options.engine, options.folder);
  let cost = 0;
  let made = 0;
  for (let at = 0; at < options.count; at += BATCH) {
    const batch: BenchEvent[] = [];
    for (let n = at; n < Math.min(at + BATCH, options.count); n++) batch.push(makeBenchEvent(n, STEP_MS));
    made += batch.reduce((sum, event) => sum + event.body.length, 0);
    const begin = performance.now();
    await engine.append(batch);
    cost += performance.now() - begin;
    options.acknowledged(at + batch.length);
  }
  return { engine, cost, made };
}

async function measure(name: EngineName, count: number, folder: string): Promise<void> {
  const { engine, cost, made } = await append({
    engine: name,
    count,
    folder,
    acknowledged: (done) => {
      if (done % 1_000_000 === 0) console.log(`${done} appended`);
    },
  });
  const rss = Math.round(process.resourceUsage().maxRSS / 1024);
  const end = BENCH_START + count * STEP_MS;
  const wanted = makeBenchEvent(Math.floor(count / 3), STEP_MS);
  const timings: Row = {};
  const time = async (label: string, question: () => Promise<number>): Promise<void> => {
    const samples: number[] = [];
    let answer = 0;
    for (let round = 0; round < 3; round++) {
      const begin = performance.now();
      answer = await question();
      samples.push(performance.now() - begin);
    }
    timings[`${label}_ms`] = Math.round((samples.sort((a, b) => a - b)[1] as number) * 10) / 10;
    timings[`${label}_n`] = answer;
    console.log(`${label} ${timings[`${label}_ms`]} ms (${answer})`);
  };
  await time('address', () => engine.byAddress(wanted.source));
  await time('text', () => engine.byText('mimikatz'));
  await time('histogram', () => engine.histogram(end - 86_400_000, end));
  await time('top', () => engine.topUsers());
  await time('latest', () => engine.latest('windows.sysmon', 'ws-7.corp.example'));
  await engine.close();
  console.log(
    JSON.stringify({
      append_per_s: Math.round((count / cost) * 1000),
      append_s: Math.round(cost / 100) / 10,
      raw_bytes_per_event: Math.round(made / count),
      bytes_per_event: Math.round(diskBytes(folder) / count),
      rss_append_mib: rss,
      rss_all_mib: Math.round(process.resourceUsage().maxRSS / 1024),
      ...timings,
    }),
  );
}

const [mode, engine, count, folder] = process.argv.slice(2);
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (mode === 'measure') await measure(engine as EngineName, Number(count), folder as string);
  else if (mode === 'write') {
    await append({
      engine: engine as EngineName,
      count: Number(count),
      folder: folder as string,
      acknowledged: (done) => console.log(done),
    });
  } else {
    const { table } = await run({ progress: (line) => console.log(line) });
    console.table(table);
  }
}
