// Runs the processes of one round beside each other until all events are through, and says what it took.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { measureTree } from '../process-tree/measure-tree.ts';
import type { Progress, RoleName, WorkerMessage, WorkerTask } from './task.ts';

export interface RoleUse {
  readonly role: RoleName;
  /** Of all processes of the role, to its last event. */
  readonly cpu_s: number;
  readonly wall_s: number;
  /** Events a second and CPU seconds a million once a fifth was done: joining and compiling are over then. */
  readonly steady_rate: number;
  readonly steady_cpu_million: number;
  readonly signals: number;
  readonly refused: number;
  readonly faults: number;
}

export interface RoundUse {
  /** From the word to begin until every role has done every event. */
  readonly wall_s: number;
  readonly roles: readonly RoleUse[];
  /** CPU seconds of the servers meanwhile. */
  readonly broker_cpu_s: number;
  readonly elasticsearch_cpu_s: number;
}

const WARM_SHARE = 0.2;
/** Nothing more done for so long: the round is given up. */
const STUCK_MS = 120_000;

interface Worker {
  readonly task: WorkerTask;
  readonly child: ChildProcess;
  last: Progress | undefined;
}

/** What the processes of one role have done together. */
interface Track {
  readonly role: RoleName;
  readonly workers: Worker[];
  warm: { done: number; cpu_s: number; at: number } | undefined;
  ended: { done: number; cpu_s: number; at: number } | undefined;
}

/** @throws Error when a process ends early or nothing moves any more */
export async function runWorkers(options: {
  tasks: readonly WorkerTask[];
  events: number;
  servers: { broker: number; elasticsearch: number };
  /** Where CPU profiles of the workers go, if anywhere. */
  profile: string | undefined;
}): Promise<RoundUse> {
  const { tasks, events, servers, profile } = options;
  const workers = tasks.map((task): Worker => ({ task, child: startWorker(task, profile), last: undefined }));
  try {
    await Promise.all(workers.map(({ child }) => awaitReady(child)));
    const broker = measureTree(servers.broker).cpu_s;
    const elasticsearch = measureTree(servers.elasticsearch).cpu_s;
    const began = performance.now();
    const tracks = await follow({ workers, events });
    const use = {
      broker_cpu_s: measureTree(servers.broker).cpu_s - broker,
      elasticsearch_cpu_s: measureTree(servers.elasticsearch).cpu_s - elasticsearch,
    };
    const roles = tracks.map((track) => describe(track, began));
    return { wall_s: Math.max(...roles.map(({ wall_s }) => wall_s)), roles, ...use };
  } finally {
    await Promise.all(workers.map(({ child }) => endWorker(child)));
  }
}

function startWorker(task: WorkerTask, profile: string | undefined): ChildProcess {
  return fork(join(import.meta.dirname, 'worker.ts'), [JSON.stringify(task)], {
    execArgv: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profile, task.role)}`],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

async function awaitReady(child: ChildProcess): Promise<void> {
  const early = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the bench ended before it was ready (${code})`);
  });
  early.catch(() => undefined);
  await Promise.race([once(child, 'message'), early]);
}

function follow(options: { workers: readonly Worker[]; events: number }): Promise<Track[]> {
  const { workers, events } = options;
  const roles = [...new Set(workers.map(({ task }) => task.role))];
  const tracks = roles.map(
    (role): Track => ({
      role,
      workers: workers.filter(({ task }) => task.role === role),
      warm: undefined,
      ended: undefined,
    }),
  );
  return new Promise((resolve, reject) => {
    let best = 0;
    let moved = performance.now();
    const stuck = setInterval(() => {
      if (performance.now() - moved > STUCK_MS) end(() => reject(new Error(`stuck after ${best} events`)));
    }, 1_000);
    const end = (settle: () => void): void => {
      clearInterval(stuck);
      for (const { child } of workers) child.removeAllListeners('message').removeAllListeners('exit');
      settle();
    };
    for (const worker of workers) {
      worker.child.on('exit', (code) => end(() => reject(new Error(`${worker.task.role} ended (${code})`))));
      worker.child.on('message', (message: WorkerMessage) => {
        if (message.kind !== 'progress') return;
        worker.last = message;
        for (const track of tracks) note(track, events);
        const done = tracks.reduce((all, track) => all + sum(track, 'done'), 0);
        if (done > best) [best, moved] = [done, performance.now()];
        if (tracks.every(({ ended }) => ended !== undefined)) end(() => resolve(tracks));
      });
      worker.child.send('begin');
    }
  });
}

function note(track: Track, events: number): void {
  const now = { done: sum(track, 'done'), cpu_s: sum(track, 'cpu_s'), at: performance.now() };
  if (now.done >= events * WARM_SHARE) track.warm ??= now;
  // Signals that are found are worked by whoever has their key.
  if (now.done >= events && sum(track, 'correlated') >= sum(track, 'signals')) track.ended ??= now;
}

function sum({ workers }: Track, name: Exclude<keyof Progress, 'kind'>): number {
  return workers.reduce((all, { last }) => all + (last?.[name] ?? 0), 0);
}

function describe(track: Track, began: number): RoleUse {
  const { role, warm, ended } = track;
  if (!warm || !ended) throw new Error(`${role} did not end`);
  const events = ended.done - warm.done;
  return {
    role,
    cpu_s: ended.cpu_s,
    wall_s: (ended.at - began) / 1_000,
    steady_rate: events / ((ended.at - warm.at) / 1_000),
    steady_cpu_million: ((ended.cpu_s - warm.cpu_s) / events) * 1e6,
    signals: sum(track, 'signals'),
    refused: sum(track, 'refused'),
    faults: sum(track, 'faults'),
  };
}

async function endWorker(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  if (child.connected) child.send('end');
  const late = setTimeout(() => child.kill('SIGKILL'), 30_000);
  await gone;
  clearTimeout(late);
}
