// The five searches on the embedded index and on Elasticsearch, side by side: warm, once cold, with what each takes of disk and memory.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { install } from '../test/services/install.ts';
import { dropPageCache, type EngineName, startEngine } from './search-engines/engines.ts';
import { QUESTION_NAMES } from './search-engines/five-questions.ts';

export const description =
  'five searches, embedded index beside Elasticsearch: warm p50 and p99, cold, disk, memory (PICKET_BENCH_EVENTS, default 10,000,000; PICKET_BENCH_RUNS, default 200; PICKET_BENCH_KEEP names a folder whose data are used again)';

const COUNT = Number(process.env['PICKET_BENCH_EVENTS'] ?? 10_000_000);
const RUNS = Number(process.env['PICKET_BENCH_RUNS'] ?? 200);
/** The data are kept here, by count and engine, and used again. */
const KEEP = process.env['PICKET_BENCH_KEEP'];
const STEP_MS = 60;
const WARM_UP = 10;
/** A question that takes seconds is asked fewer times: the table says how many. */
const MOST_MS = Number(process.env['PICKET_BENCH_MOST_MS'] ?? 300_000);
const ENGINES: readonly EngineName[] = ['embedded', 'elasticsearch'];

interface Loaded {
  readonly events_per_s: number;
  readonly cpu_s_a_million: number;
}

interface Asked {
  readonly p50: number;
  readonly p99: number;
  readonly runs: number;
  readonly answer: number;
  cold_ms: number;
}

interface Figures {
  readonly loaded: Loaded;
  readonly questions: ReadonlyMap<string, Asked>;
  readonly disk_bytes: number;
  readonly rss_mib: number;
  readonly anonymous_mib: number;
  readonly ours_mib: number;
  readonly cold: boolean;
}

export async function run({ progress }: { progress: (line: string) => void }): Promise<{
  table: Record<string, string | number>[];
  figures: Record<string, number | string>;
}> {
  await install(['elasticsearch']);
  const folder = KEEP ?? mkdtempSync(join(tmpdir(), 'picket-search-engines-'));
  try {
    const measured = new Map<EngineName, Figures>();
    for (const name of ENGINES) measured.set(name, await measure({ name, folder, progress }));
    return report(measured);
  } finally {
    if (KEEP === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(options: {
  name: EngineName;
  folder: string;
  progress: (line: string) => void;
}): Promise<Figures> {
  const { name, folder, progress } = options;
  const data = join(folder, String(COUNT), name);
  mkdirSync(data, { recursive: true });
  const start = () => startEngine({ name, folder: data, count: COUNT, step_ms: STEP_MS });
  const loaded = await load({ name, data, start, progress });
  const disk_bytes = diskBytes(data);
  const questions = new Map<string, Asked>();
  let engine = await start();
  let weight: ReturnType<typeof engine.weigh>;
  try {
    for (const question of QUESTION_NAMES) {
      const { times_ms, answer } = await engine.ask({
        question,
        warm_up: WARM_UP,
        runs: RUNS,
        most_ms: MOST_MS,
      });
      const sorted = times_ms.toSorted((a, b) => a - b);
      const at = (rank: number): number =>
        sorted[Math.max(0, Math.ceil(rank * sorted.length) - 1)] ?? Number.NaN;
      questions.set(question, {
        p50: at(0.5),
        p99: at(0.99),
        runs: sorted.length,
        answer,
        cold_ms: Number.NaN,
      });
      progress(
        `${name}, ${question}: p50 ${at(0.5).toFixed(1)} ms, p99 ${at(0.99).toFixed(1)} ms of ${sorted.length}`,
      );
    }
    weight = engine.weigh();
  } finally {
    await engine.stop();
  }
  let cold = true;
  for (const [question, asked] of questions) {
    cold = dropPageCache() && cold;
    engine = await start();
    try {
      const { times_ms } = await engine.ask({ question, warm_up: 0, runs: 1, most_ms: MOST_MS });
      asked.cold_ms = times_ms[0] ?? Number.NaN;
      progress(`${name}, ${question}, opened anew: ${asked.cold_ms.toFixed(1)} ms`);
    } finally {
      await engine.stop();
    }
  }
  return {
    loaded,
    questions,
    disk_bytes,
    rss_mib: weight.engine.rss_mib,
    anonymous_mib: weight.engine.anonymous_mib,
    ours_mib: weight.ours.rss_mib,
    cold,
  };
}

/** Fills the folder, unless that was done before; a run that was cut short begins again, and what is there counts as duplicate. */
async function load(options: {
  name: EngineName;
  data: string;
  start: () => ReturnType<typeof startEngine>;
  progress: (line: string) => void;
}): Promise<Loaded> {
  const { name, data, start, progress } = options;
  const note = `${data}.json`;
  if (existsSync(note)) return JSON.parse(readFileSync(note, 'utf8')) as Loaded;
  const engine = await start();
  try {
    const { seconds, cpu_s } = await engine.load((done) => progress(`${name}: ${done} of ${COUNT} events`));
    const loaded = {
      events_per_s: Math.round(COUNT / seconds),
      cpu_s_a_million: Math.round((cpu_s / COUNT) * 1e6),
    };
    writeFileSync(note, JSON.stringify(loaded));
    return loaded;
  } finally {
    await engine.stop();
  }
}

function diskBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function report(measured: ReadonlyMap<EngineName, Figures>) {
  const table: Record<string, string | number>[] = [];
  const figures: Record<string, number | string> = { events: COUNT };
  const row = (what: string, read: (figures: Figures) => string | number): void => {
    table.push({ what, ...Object.fromEntries([...measured].map(([name, one]) => [name, read(one)])) });
  };
  for (const question of QUESTION_NAMES) {
    row(question, ({ questions }) => {
      const { p50, p99, cold_ms, runs, answer } = questions.get(question) as Asked;
      const few = runs < RUNS ? ` (${runs} runs)` : '';
      return `p50 ${round(p50)}, p99 ${round(p99)}, cold ${round(cold_ms)} ms${few}; ${answer} found`;
    });
    for (const [name, { questions }] of measured) {
      const { p50, p99, cold_ms, runs } = questions.get(question) as Asked;
      figures[`${name}_${question}_p50_ms`] = round(p50);
      figures[`${name}_${question}_p99_ms`] = round(p99);
      figures[`${name}_${question}_cold_ms`] = round(cold_ms);
      if (runs < RUNS) figures[`${name}_${question}_runs`] = runs;
    }
  }
  row('bytes an event on disk', ({ disk_bytes }) => Math.round(disk_bytes / COUNT));
  row(
    'memory, MiB',
    ({ rss_mib, anonymous_mib }) => `${Math.round(rss_mib)}, of it anonymous ${Math.round(anonymous_mib)}`,
  );
  row('memory of our process, MiB', ({ ours_mib }) => Math.round(ours_mib));
  row('written, events/s', ({ loaded }) => loaded.events_per_s);
  row('CPU s a million written', ({ loaded }) => loaded.cpu_s_a_million);
  for (const [name, one] of measured) {
    figures[`${name}_bytes_an_event`] = Math.round(one.disk_bytes / COUNT);
    figures[`${name}_rss_mib`] = Math.round(one.rss_mib);
    figures[`${name}_anonymous_mib`] = Math.round(one.anonymous_mib);
    figures[`${name}_written_per_s`] = one.loaded.events_per_s;
    figures[`${name}_write_cpu_s_a_million`] = one.loaded.cpu_s_a_million;
  }
  figures['page_cache_dropped'] = [...measured.values()].every(({ cold }) => cold)
    ? 'yes'
    : 'no: not allowed here';
  return { table, figures };
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
