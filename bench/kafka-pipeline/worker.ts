// A process of the pipeline bench: prepares its role, begins when told, says how far it is, ends when told.
import { Counters } from '../../platform/core/counters.ts';
import { type BareCount, startBareParse, startBareWrite } from './start-bare.ts';
import { prepareDetector, prepareIndexWriter } from './start-role.ts';
import type { Progress, WorkerMessage, WorkerTask } from './task.ts';

const TELL_MS = 50;

interface Prepared {
  /** Begins to consume, and gives how to stop. */
  begin(): Promise<() => Promise<void>>;
  read(): Omit<Progress, 'kind' | 'cpu_s'>;
}

async function prepare(task: WorkerTask): Promise<Prepared> {
  const counters = new Counters();
  const count: BareCount = { done: 0, refused: 0, faults: 0 };
  switch (task.role) {
    case 'index': {
      const start = await prepareIndexWriter(task, counters);
      const total = (reason: string): number => counters.total('index', reason);
      return {
        begin: async () => start(),
        read: () => ({
          done: total('created') + total('duplicate') + total('rejected'),
          signals: 0,
          correlated: 0,
          refused: 0,
          faults: total('duplicate') + total('rejected'),
        }),
      };
    }
    case 'detect': {
      const start = await prepareDetector(task, counters);
      const total = (reason: string): number => counters.total('detect', reason);
      return {
        begin: async () => start(),
        read: () => ({
          done: total('worked'),
          signals: total('signals') + total('signals-handed-on'),
          correlated: total('correlated'),
          refused: 0,
          faults: total('dead-lettered'),
        }),
      };
    }
    case 'bare-write':
    case 'bare-parse': {
      const start = task.role === 'bare-write' ? startBareWrite : startBareParse;
      return {
        begin: () => start(task, count),
        read: () => ({ ...count, signals: 0, correlated: 0 }),
      };
    }
  }
}

function tell(message: WorkerMessage): void {
  process.send?.(message);
}

const prepared = await prepare(JSON.parse(process.argv[2] ?? '') as WorkerTask);
const told = new Promise<void>((resolve) => process.once('message', () => resolve()));
tell({ kind: 'ready' });
await told;
const before = process.cpuUsage();
const stopped = new Promise<void>((resolve) => process.once('message', () => resolve()));
const stop = await prepared.begin();
const telling = setInterval(() => {
  const { user, system } = process.cpuUsage(before);
  tell({ kind: 'progress', ...prepared.read(), cpu_s: (user + system) / 1e6 });
}, TELL_MS);
await stopped;
clearInterval(telling);
await stop();
process.disconnect();
