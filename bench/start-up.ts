// How long the demo takes from its command to "ready", on an empty and on a kept data folder, against Node alone.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const description =
  'start-up: picket up --demo --empty until ready, cold and warm data folder, against node doing nothing';

const ROUNDS = 3;
const NODE_ROUNDS = 10;
/** The demo takes ports from this one on; PICKET_BENCH_PORT moves it. */
const PORT = Number(process.env['PICKET_BENCH_PORT'] ?? 17_400);
const PROGRAM = join(import.meta.dirname, '..', 'server', 'picket.ts');
const READY_TIMEOUT_MS = 120_000;

export async function run({ progress }: { progress: (line: string) => void }) {
  const node: number[] = [];
  for (let round = 0; round < NODE_ROUNDS; round++) node.push(await timeNode());
  const version: number[] = [];
  const cold: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    progress(`round ${round + 1} of ${ROUNDS}`);
    version.push(await timeCommand([PROGRAM, '--version']));
    const folder = await mkdtemp(join(tmpdir(), 'picket-start-'));
    try {
      cold.push(await timeDemo(folder));
      warm.push(await timeDemo(folder));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const alone = median(node);
  const row = (what: string, times: readonly number[]) => ({
    what,
    'median ms': Math.round(median(times)),
    'least ms': Math.round(Math.min(...times)),
    'times node alone': round1(median(times) / alone),
  });
  return {
    table: [
      row('node -e 0', node),
      row('picket --version', version),
      row('picket up --demo --empty, cold', cold),
      row('picket up --demo --empty, warm', warm),
    ],
    figures: {
      node_ms: Math.round(alone),
      version_ms: Math.round(median(version)),
      cold_ms: Math.round(median(cold)),
      warm_ms: Math.round(median(warm)),
      version_ratio: round1(median(version) / alone),
      cold_ratio: round1(median(cold) / alone),
      warm_ratio: round1(median(warm) / alone),
    },
  };
}

const timeNode = (): Promise<number> => timeCommand(['-e', '0']);

async function timeCommand(command: readonly string[]): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, command, { stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`node ${command.join(' ')} ended with ${code}`);
  return performance.now() - began;
}

/** From the spawn to the line "ready"; the demo is ended after. */
async function timeDemo(folder: string): Promise<number> {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [PROGRAM, 'up', '--demo', '--no-page', '--empty', '--data', folder, '--port', String(PORT)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    await untilReady(child);
    return performance.now() - began;
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }
  }
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const late = setTimeout(
      () => reject(new Error(`not ready within ${READY_TIMEOUT_MS} ms; it said: ${said}`)),
      READY_TIMEOUT_MS,
    );
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
      if (!/^ready: /m.test(said)) return;
      clearTimeout(late);
      resolve();
    });
    child.once('exit', (code, signal) => {
      clearTimeout(late);
      reject(new Error(`ended before it was ready (${signal ?? code}); it said: ${said}`));
    });
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}
