// Signals through correlation on one core: half event_count, a quarter value_count, a quarter temporal_ordered, over a
// million keys after Zipf, some of them late by up to three days, committed durably at least every second.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileCorrelations } from '../detect/correlate/compile-correlations.ts';
import type { Correlation } from '../detect/correlate/correlation.ts';
import { type Correlator, openCorrelator } from '../detect/correlate/correlator.ts';
import type { Signal } from '../detect/correlate/signal.ts';
import { openSignalStore } from '../detect/correlate/store/open-store.ts';
import type { RuleInfo } from '../detect/match.ts';

/** A million keys unless PICKET_KEYS says otherwise: with one, every signal is of one key, as where a rule has no group-by. */
const KEYS = Number(process.env['PICKET_KEYS'] ?? 1_000_000);
const EXPONENT = 1.1;
const LATE = 0.05;
const LATEST_MS = 72 * 3_600_000;
const TIMESPAN_MS = 600_000;
const BATCH = 5_000;
/** What is held is durable within a second. */
const FLUSH_MS = 900;
const RULES = ['failed-logon', 'new-process', 'logon'];

function correlations(): Correlation[] {
  const info = (id: string): RuleInfo => ({
    id,
    name: id,
    level: 'medium',
    kind: 'correlation',
    version: '1',
    pack: 'bench',
    tags: [],
    scope: 'site',
  });
  const base = { group_by: ['user.name'], timespan_ms: TIMESPAN_MS, generate: false };
  return compileCorrelations({
    definitions: [
      {
        ...base,
        rule: info('count'),
        type: 'event_count',
        rules: [RULES[0] as string],
        bounds: [{ with: 'gte', value: 50 }],
      },
      {
        ...base,
        rule: info('values'),
        type: 'value_count',
        rules: [RULES[1] as string],
        fields: ['process.name'],
        bounds: [{ with: 'gte', value: 20 }],
      },
      {
        ...base,
        rule: info('ordered'),
        type: 'temporal_ordered',
        rules: [RULES[0] as string, RULES[2] as string],
      },
    ],
    plain: new Set(RULES),
    retention_ms: 30 * 86_400_000,
  }).correlations;
}

/** A linear congruential generator (Numerical Recipes), so that every run has the same signals. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Draws ranks with probability proportional to rank^-EXPONENT, by bisection of the cumulated weights. */
function zipf(draw: () => number): () => number {
  const cumulated = new Float64Array(KEYS);
  let sum = 0;
  for (let rank = 0; rank < KEYS; rank++) cumulated[rank] = sum += (rank + 1) ** -EXPONENT;
  return () => {
    const wanted = draw() * sum;
    let [low, high] = [0, KEYS - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulated[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

function* makeBatches(total: number, begins: number): Generator<Signal[]> {
  const [count, values, ordered] = correlations() as [Correlation, Correlation, Correlation];
  const draw = random(7);
  const rank = zipf(draw);
  for (let made = 0; made < total; ) {
    const batch: Signal[] = [];
    for (; batch.length < BATCH && made < total; made++) {
      const on = begins + Math.floor(made / 100);
      const t = draw() < LATE ? on - Math.floor(draw() * LATEST_MS) : on;
      const which = made % 4;
      const event = `${made.toString(36).padStart(10, '0')}AbCdEfGhIjKl`;
      batch.push({
        correlation: which < 2 ? count : which === 2 ? values : ordered,
        rule:
          which < 2 ? 'failed-logon' : which === 2 ? 'new-process' : draw() < 0.5 ? 'failed-logon' : 'logon',
        event,
        t,
        key: { 'picket.site.id': 'lyon', 'user.name': `user-${rank()}` },
        tenant: 'acme',
        site: 'lyon',
        source: '',
        values: which === 2 ? [`process-${Math.floor(draw() * 200)}.exe`] : [],
        numbers: [],
        describe: () =>
          `[{"rule":"failed-logon","body":{"timestamp":${t},"dataset":"windows.security","summary":"a failed logon of a user"}}]`,
      });
    }
    yield batch;
  }
}

export const description =
  'Signals a second through correlation, against only writing them down; memory; how soon a restart answers (PICKET_SIGNALS, PICKET_KEYS: how many)';

interface Outcome {
  per_s: number;
  cpu_us: number;
}

/** Hands batches to `work` and lets `flush` make them durable about every second; counts only their time. */
async function measure(
  total: number,
  work: (batch: Signal[]) => void,
  flush: () => Promise<void>,
): Promise<Outcome> {
  let [busy, cpu] = [0, 0];
  let flushed = performance.now();
  for (const batch of makeBatches(total, Date.UTC(2026, 10, 24))) {
    const before = process.cpuUsage();
    const started = performance.now();
    work(batch);
    if (performance.now() - flushed > FLUSH_MS) {
      await flush();
      flushed = performance.now();
    }
    busy += performance.now() - started;
    const used = process.cpuUsage(before);
    cpu += used.user + used.system;
  }
  const started = performance.now();
  await flush();
  busy += performance.now() - started;
  return { per_s: Math.round((total * 1000) / busy), cpu_us: Math.round((cpu / total) * 10) / 10 };
}

/** The bound: the same signals as JSON in one table of the same database, no more. */
async function writeDown(file: string, total: number): Promise<Outcome> {
  const store = openSignalStore({ file, memory_bytes: 64 * 1024 ** 2 });
  const insert = store.statement('INSERT INTO log (body) VALUES (?)');
  const outcome = await measure(
    total,
    (batch) => {
      store.begin();
      insert.run(
        JSON.stringify(
          batch.map(({ rule, event, t, key, values, describe }) => [rule, event, t, key, values, describe()]),
        ),
      );
    },
    async () => {
      store.commit();
      await store.flush();
    },
  );
  store.close();
  return outcome;
}

/** A million signals unless PICKET_SIGNALS says otherwise. */
export async function run({ progress }: { progress: (line: string) => void }): Promise<{
  table: Record<string, string | number>[];
  figures: Record<string, number | string>;
}> {
  const total = Number(process.env['PICKET_SIGNALS'] ?? 1_000_000);
  const folder = mkdtempSync(join(tmpdir(), 'picket-bench-correlate-'));
  try {
    progress(`writing ${total} signals down`);
    const bound = await writeDown(join(folder, 'log.sqlite'), total);
    progress(`${bound.per_s}/s; correlating them`);
    const open = (): Correlator =>
      openCorrelator({
        file: join(folder, 'signals.sqlite'),
        memory_bytes: 256 * 1024 ** 2,
        revision_wait_ms: 1_000,
        count: () => undefined,
      });
    const first = open();
    first.use(correlations());
    const own = await measure(
      total,
      (batch) => void first.work({ signals: batch, now: 0 }, { hold: true }),
      () => first.flush(),
    );
    globalThis.gc?.();
    const { heapUsed, rss } = process.memoryUsage();
    first.close();
    progress(`${own.per_s}/s; opening it again`);
    const [last] = makeBatches(1, Date.UTC(2026, 10, 25)).next().value ?? [];
    const started = performance.now();
    const again = open();
    again.use(correlations());
    again.work({ signals: last ? [last] : [], now: 0 });
    const restart_ms = Math.round(performance.now() - started);
    const alerts = again.tally().reduce((sum, one) => sum + one.alerts, 0);
    again.close();
    const figures = {
      signals: total,
      keys: KEYS,
      per_s: own.per_s,
      share_of_bound: Math.round((own.per_s / bound.per_s) * 1000) / 1000,
      bound_per_s: bound.per_s,
      cpu_us: own.cpu_us,
      heap_mb: Math.round(heapUsed / 1e6),
      rss_mb: Math.round(rss / 1e6),
      restart_ms,
      alerts,
    };
    return { table: Object.entries(figures).map(([what, value]) => ({ what, value })), figures };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
