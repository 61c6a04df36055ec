// Signals through correlation on one core: half event_count, a quarter value_count, a quarter temporal_ordered, over a
// million keys after Zipf, some of them late by up to three days, committed durably at least every second.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileCorrelations } from '../detect/correlate/compile-correlations.ts';
import type { Correlation } from '../detect/correlate/correlation.ts';
import { openCorrelator } from '../detect/correlate/correlator.ts';
import type { Signal } from '../detect/correlate/signal.ts';
import type { RuleInfo } from '../detect/match.ts';

const KEYS = 1_000_000;
const EXPONENT = 1.1;
const LATE = 0.05;
const LATEST_MS = 72 * 3_600_000;
const TIMESPAN_MS = 600_000;
const BATCH = 5_000;
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

const total = Number(process.argv[2] ?? 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'picket-bench-correlate-'));
const file = join(folder, 'signals.sqlite');
const open = () =>
  openCorrelator({ file, memory_bytes: 256 * 1024 ** 2, revision_wait_ms: 1_000, count: () => undefined });
let correlator = open();
correlator.use(correlations());
let busy = 0;
let cpu = 0;
let flushed = performance.now();
let last: Signal[] = [];
const begins = Date.UTC(2026, 10, 24);
for (const batch of makeBatches(total, begins)) {
  const before = process.cpuUsage();
  const started = performance.now();
  correlator.work({ signals: batch, now: 0 });
  if (performance.now() - flushed > 900) {
    await correlator.flush();
    flushed = performance.now();
  }
  busy += performance.now() - started;
  const used = process.cpuUsage(before);
  cpu += (used.user + used.system) / 1_000;
  last = batch;
}
globalThis.gc?.();
const { heapUsed, external, rss } = process.memoryUsage();
correlator.close();
if (process.env.NOSTART) { process.stdout.write(JSON.stringify({ per_s: Math.round(total / (busy / 1000)), cpu_us: (cpu * 1000) / total, heap_mb: Math.round(heapUsed/1e6), rss_mb: Math.round(rss/1e6) })); process.exit(0); }
const started = performance.now();
correlator = open();
correlator.use(correlations());
correlator.work({ signals: [{ ...(last[0] as Signal), event: 'after-the-restart' }], now: 0 });
const restart_ms = performance.now() - started;
const alerts = correlator.current().length;
correlator.close();
rmSync(folder, { recursive: true });
process.stdout.write(
  `${JSON.stringify({ signals: total, per_s: Math.round(total / (busy / 1000)), cpu_us: (cpu * 1000) / total, heap_mb: Math.round(heapUsed / 1e6), external_mb: Math.round(external / 1e6), rss_mb: Math.round(rss / 1e6), restart_ms: Math.round(restart_ms), alerts })}\n`,
);
