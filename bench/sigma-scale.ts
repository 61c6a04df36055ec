// How Sigma's engine grows: time and memory to compile, memory after millions of events, time an event with ten times the rules.

import type { LoadedRule } from '../detect/sigma/compile-rules.ts';
import { loadRules } from '../detect/sigma/load-rules.ts';
import type { DetectionNode, SigmaValue } from '../detect/sigma/rule.ts';
import { contentHash } from '../platform/core/canonical-json.ts';
import { makeLines, STREAMS } from './sigma-streams/make-streams.ts';
import { compileSigmaHq, findCorpora, readSigmaHqRules } from './sigma-streams/sigmahq.ts';

export const description =
  'Sigma: compiling all of SigmaHQ, memory after two and ten million events, from 100 to 30,000 rules (PICKET_CORPORA names the folder)';

const MILLION = 1_000_000;
const BATCH = 50_000;

/** @throws Error when the corpora are not there */
export async function run({ progress }: { progress: (line: string) => void }): Promise<{
  table: Record<string, string | number>[];
  figures: Record<string, number | string>;
}> {
  const table: Record<string, string | number>[] = [];
  const figures: Record<string, number | string> = {};
  const note = (what: string, value: number, key: string): void => {
    table.push({ what, value });
    figures[key] = value;
    progress(`${what}: ${value}`);
  };

  compileSigmaHq([]);
  const before = usedMegabytes();
  let started = performance.now();
  const { rules } = loadRules({ folders: [`${findCorpora()}/sigmahq`] });
  note('rules read', rules.length, 'rules');
  note('reading them, ms', Math.round(performance.now() - started), 'read_ms');
  started = performance.now();
  const engine = compileSigmaHq(rules);
  note('compiling them, the scanner included, ms', Math.round(performance.now() - started), 'compile_ms');
  note('memory of rules and engine, MB', Math.round(usedMegabytes() - before), 'memory_mb');

  const [stream] = STREAMS;
  if (!stream) throw new Error('no stream');
  let matched = 0;
  let seed = 0;
  const after: number[] = [];
  for (let events = 0; events < 10 * MILLION; events += BATCH) {
    engine.matchLines(makeLines(stream, BATCH, ++seed), (line) => (matched += line?.matched.length ?? 0));
    if (events + BATCH === 2 * MILLION || events + BATCH === 10 * MILLION) {
      after.push(usedMegabytes());
      progress(
        `${(events + BATCH) / MILLION} million events, ${matched} matches, ${Math.round(after.at(-1) ?? 0)} MB`,
      );
    }
  }
  const [two = 1, ten = 1] = after;
  note('memory after 10 million events over that after 2', Number((ten / two).toFixed(3)), 'memory_growth');

  const windows = readSigmaHqRules();
  const bytes = makeLines(stream, 20_000, 1);
  const perEvent: number[] = [];
  for (const count of [100, 1_000, 3_000, 10_000, 30_000]) {
    const many = compileSigmaHq(multiply(windows, count));
    const best = Math.min(...[1, 2, 3].map(() => timeOf(() => many.matchLines(bytes, () => undefined))));
    perEvent.push(best / 20);
    note(`microseconds an event with ${count} rules`, Number((best / 20).toFixed(2)), `us_with_${count}`);
    await new Promise(setImmediate);
  }
  note('30,000 rules over 100', Number(((perEvent.at(-1) ?? 0) / (perEvent[0] ?? 1)).toFixed(1)), 'growth');
  return { table, figures };
}

function usedMegabytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

function timeOf(work: () => void): number {
  const used = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(used);
  return (user + system) / 1_000;
}

/** So many rules: the given ones, then copies of them whose texts ask for something else. */
function multiply(rules: readonly LoadedRule[], count: number): LoadedRule[] {
  const step = Math.max(1, Math.floor(rules.length / count));
  return Array.from({ length: count }, (_, at) => {
    const turn = Math.floor(at / rules.length);
    const loaded = rules[(at * step) % rules.length] as LoadedRule;
    if (turn === 0) return loaded;
    const { rule, pack } = loaded;
    const selections = new Map([...rule.selections].map(([name, node]) => [name, change(node, turn)]));
    return { rule: { ...rule, id: contentHash(`${rule.id} ${turn}`), selections }, pack };
  });
}

function change(node: DetectionNode, turn: number): DetectionNode {
  if (node.kind === 'group') return { ...node, of: node.of.map((part) => change(part, turn)) };
  return { ...node, values: node.values.map((value) => changeValue(value, turn)) };
}

function changeValue(value: SigmaValue, turn: number): SigmaValue {
  if (value.type === 'any') return { ...value, of: value.of.map((one) => changeValue(one, turn)) };
  if (value.type !== 'text') return value;
  let done = false;
  const text = value.text.map((part) => {
    if (done || typeof part !== 'string' || part.length < 4) return part;
    done = true;
    return `${part.slice(0, 3)}${turn}${part.slice(3)}`;
  });
  return { ...value, text };
}
