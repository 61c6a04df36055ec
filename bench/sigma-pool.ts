// How a pool of matching threads scales, against one engine on the thread that asks.
import { join } from 'node:path';
import { MatchPool } from '../detect/sigma/engine/match-pool.ts';
import { makeLines, STREAMS } from './sigma-streams/make-streams.ts';
import { compileSigmaHq, findCorpora, readSigmaHqRules } from './sigma-streams/sigmahq.ts';

export const description =
  'Sigma: one and two matching threads against one engine (PICKET_CORPORA names the folder)';

const EVENTS = 200_000;
const BLOCK_EVENTS = 2_000;
const ROUNDS = 3;

/** @throws Error when the corpora are not there */
export async function run({ progress }: { progress: (line: string) => void }): Promise<{
  table: Record<string, string | number>[];
  figures: Record<string, number | string>;
}> {
  const [stream] = STREAMS;
  if (!stream) throw new Error('no stream');
  const blocks = Array.from({ length: EVENTS / BLOCK_EVENTS }, (_, at) =>
    makeLines(stream, BLOCK_EVENTS, at),
  );
  const engine = compileSigmaHq(readSigmaHqRules());
  const alone = await best(async () => {
    for (const block of blocks) engine.matchLines(block, () => undefined);
  });
  const table: Record<string, string | number>[] = [];
  const figures: Record<string, number> = {};
  const note = (what: string, key: string, ms: number): void => {
    table.push({
      what,
      'events/s': Math.round((EVENTS / ms) * 1_000),
      'of one engine': Number((alone / ms).toFixed(2)),
    });
    figures[key] = Number((alone / ms).toFixed(2));
    progress(`${what}: ${Math.round((EVENTS / ms) * 1_000)} events/s`);
  };
  note('one engine', 'engine', alone);
  for (const threads of [1, 2]) {
    const rules = {
      folders: [join(findCorpora(), 'sigmahq/rules')],
      pipelines: join(import.meta.dirname, '../rules/pipelines'),
      raw: true,
    };
    const pool = await MatchPool.open({ threads, rules });
    const ms = await best(async () => {
      await Promise.all(blocks.map((block) => pool.match(new Uint8Array(block))));
    });
    await pool.close();
    note(`a pool of ${threads}`, `pool_of_${threads}`, ms);
  }
  return { table, figures };
}

async function best(work: () => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    await work();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}
