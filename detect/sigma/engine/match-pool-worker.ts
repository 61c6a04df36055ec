// One thread of a pool: compiles the rules, then matches the blocks of lines that it is sent.
import { parentPort, workerData } from 'node:worker_threads';
import { describeError, errorCode } from '../../../platform/core/errors.ts';
import { compileRules } from '../compile-rules.ts';
import { loadRoutedPipelines } from '../load-pipelines.ts';
import { loadRules } from '../load-rules.ts';
import type { BlockResult, PoolReady, PoolRules } from './match-pool.ts';

const { folders, pipelines: folder, raw } = workerData as PoolRules;
const loaded = loadRules({ folders });
const { pipelines, routes, refused } = loadRoutedPipelines(folder);
const compiled = compileRules({ rules: loaded.rules, pipelines: raw ? [] : pipelines, routes, raw });
const { engine } = compiled;
engine.openLines();

parentPort?.on('message', ({ id, block }: { id: number; block: Uint8Array }) => {
  const result = matchBlock(block);
  parentPort?.postMessage({ id, result }, [result.matches.buffer as ArrayBuffer]);
});
const ready: PoolReady = {
  rules: engine.rules.map(({ info: { id, name, level } }) => ({ id, name, level })),
  refused: [...loaded.refused, ...refused, ...compiled.refused],
};
parentPort?.postMessage(ready, []);

function matchBlock(block: Uint8Array): BlockResult {
  const matches: number[] = [];
  const faults: { line: number; code: string; message: string }[] = [];
  let lines = 0;
  let events = 0;
  engine.matchLines(block, (found) => {
    const line = lines++;
    if (found === undefined) return;
    if (found.fault === undefined) {
      events++;
      for (const rule of found.matched) matches.push(line, rule);
      return;
    }
    const code = found.fault instanceof SyntaxError ? 'JSON_INVALID' : errorCode(found.fault);
    faults.push({ line, code, message: describeError(found.fault) });
  });
  return { lines, events, matches: Int32Array.from(matches), faults };
}
