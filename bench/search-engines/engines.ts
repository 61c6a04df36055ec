// The two engines under the same five searches: how each is started over its data, filled, asked and weighed.
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Elasticsearch, startElasticsearch } from '../../test/services/elasticsearch.ts';
import { measureTree, type TreeUse } from '../process-tree/measure-tree.ts';
import type { AskerAnswer, AskerOrder, AskerTask } from './asker.ts';

export type EngineName = 'embedded' | 'elasticsearch';

export interface RunningEngine {
  /** Seconds of writing, and CPU seconds of all that wrote. */
  load(progress: (done: number) => void): Promise<{ seconds: number; cpu_s: number }>;
  ask(
    order: Omit<Extract<AskerOrder, { do: 'ask' }>, 'do'>,
  ): Promise<Extract<AskerAnswer, { kind: 'asked' }>>;
  /** Memory of what answers: our process; of Elasticsearch the node, and our process beside it. */
  weigh(): { engine: TreeUse; ours: TreeUse };
  stop(): Promise<void>;
}

/** Events of one write: what a site at 1,000 events a second writes each second. */
const BATCH = 1_000;

/** Starts an engine over the data in `folder`, which may be empty. */
export async function startEngine(options: {
  name: EngineName;
  folder: string;
  count: number;
  step_ms: number;
}): Promise<RunningEngine> {
  const { name, folder, count, step_ms } = options;
  if (name === 'embedded') {
    const asker = await startAsker({ folder, count, step_ms });
    const weigh = () => {
      const use = measureTree(asker.pid);
      return { engine: use, ours: use };
    };
    return {
      load: (progress) => asker.load({ in_flight: 1, progress }),
      ask: (order) => asker.ask(order),
      weigh,
      stop: () => asker.stop(),
    };
  }
  const node = await startElasticsearch({ data: folder, timeout_ms: 300_000 });
  try {
    const asker = await startAsker({ url: node.url, count, step_ms });
    return {
      async load(progress) {
        const before = measureTree(node.pid()).cpu_s;
        const { seconds, cpu_s } = await asker.load({ in_flight: 3, progress });
        await settle(node);
        return { seconds, cpu_s: cpu_s + measureTree(node.pid()).cpu_s - before };
      },
      ask: (order) => asker.ask(order),
      weigh: () => ({ engine: measureTree(node.pid()), ours: measureTree(asker.pid) }),
      async stop() {
        await asker.stop();
        await node.stop();
      },
    };
  } catch (error) {
    await node.stop();
    throw error;
  }
}

/** All is on disk and no merge is under way: the state in which data rests. */
async function settle({ url }: Elasticsearch): Promise<void> {
  await fetch(`${url}/_flush?wait_if_ongoing=true`, { method: 'POST' });
  for (;;) {
    const answer = await fetch(`${url}/_stats/merge?filter_path=_all.total.merges.current`);
    const { _all } = (await answer.json()) as { _all: { total: { merges: { current: number } } } };
    if (_all.total.merges.current === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  await fetch(`${url}/_flush?wait_if_ongoing=true`, { method: 'POST' });
}

/** Writes out and forgets the pages of files that nobody has open; false where this user may not. */
export function dropPageCache(): boolean {
  try {
    execFileSync('sh', ['-c', 'sync; echo 3 > /proc/sys/vm/drop_caches'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function startAsker(task: AskerTask) {
  const child = fork(join(import.meta.dirname, 'asker.ts'), [JSON.stringify(task)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await answerOf(child, 'ready');
  return {
    pid: child.pid ?? -1,
    load({ in_flight, progress }: { in_flight: number; progress: (done: number) => void }) {
      child.send({ do: 'load', batch: BATCH, in_flight } satisfies AskerOrder);
      return answerOf(child, 'loaded', progress);
    },
    ask(order: Omit<Extract<AskerOrder, { do: 'ask' }>, 'do'>) {
      child.send({ do: 'ask', ...order } satisfies AskerOrder);
      return answerOf(child, 'asked');
    },
    async stop(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

/** The next answer of a kind. @throws Error when the process ends before */
function answerOf<Kind extends AskerAnswer['kind']>(
  child: ChildProcess,
  kind: Kind,
  progress?: (done: number) => void,
): Promise<Extract<AskerAnswer, { kind: Kind }>> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      child.off('message', onMessage).off('exit', onExit);
      settle();
    };
    const onExit = (code: number | null): void =>
      end(() => reject(new Error(`the process with the index ended (${code})`)));
    const onMessage = (answer: AskerAnswer): void => {
      if (answer.kind === 'progress') progress?.(answer.done);
      if (answer.kind === kind) end(() => resolve(answer as Extract<AskerAnswer, { kind: Kind }>));
    };
    child.on('message', onMessage).on('exit', onExit);
  });
}
