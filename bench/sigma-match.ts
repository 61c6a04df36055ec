// Sigma matching against JSON.parse alone: SigmaHQ's rules over recorded Windows attacks, in one thread.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { compileRules } from '../detect/sigma/compile-rules.ts';
import { flattenRaw } from '../detect/sigma/flatten-raw.ts';
import { loadPipelines } from '../detect/sigma/load-pipelines.ts';
import { loadRules } from '../detect/sigma/load-rules.ts';
import type { JsonObject } from '../platform/core/event.ts';

export const description =
  'Sigma: parse and match SigmaHQ rules over real Windows events, as a share of JSON.parse alone (PICKET_CORPORA names the folder)';

const ROUNDS = 5;

/** @throws Error when the corpora are not there */
export async function run({ progress }: { progress: (line: string) => void }): Promise<{
  table: Record<string, string | number>[];
  figures: Record<string, number | string>;
}> {
  const corpora = process.env['PICKET_CORPORA'] ?? join(import.meta.dirname, '../../shared/corpora');
  if (!existsSync(corpora)) throw new Error(`no corpora in ${corpora}: set PICKET_CORPORA`);
  const { routes } = loadPipelines(join(import.meta.dirname, '../rules/pipelines'));
  if (!routes) throw new Error('rules/pipelines/logsources.yaml is missing');
  const loadStarted = performance.now();
  const { rules } = loadRules({ folders: [join(corpora, 'sigmahq/rules')] });
  const compileStarted = performance.now();
  const { engine } = compileRules({ rules, pipelines: [], routes, raw: true });
  const compiled = performance.now();
  progress(
    `${engine.rules.length} rules read in ${Math.round(compileStarted - loadStarted)} ms, compiled in ${Math.round(compiled - compileStarted)} ms`,
  );
  const bytes = gunzipSync(readFileSync(join(corpora, 'windows-events.jsonl.gz')));
  const lines = bytes.toString('utf8').split('\n').filter(Boolean);
  const buffers = lines.map((line) => Buffer.from(line));
  let parse_ms = Number.POSITIVE_INFINITY;
  let first_ms = 0;
  let match_ms = Number.POSITIVE_INFINITY;
  let parse_cpu_ms = Number.POSITIVE_INFINITY;
  let cpu_ms = Number.POSITIVE_INFINITY;
  let matches = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let started = performance.now();
    let cpu = process.cpuUsage();
    for (const line of lines) JSON.parse(line);
    parse_ms = Math.min(parse_ms, performance.now() - started);
    const parsed = process.cpuUsage(cpu);
    parse_cpu_ms = Math.min(parse_cpu_ms, (parsed.user + parsed.system) / 1_000);
    cpu = process.cpuUsage();
    started = performance.now();
    matches = 0;
    for (const line of buffers) {
      matches += engine.matchIndices(flattenRaw(JSON.parse(line.toString('utf8')) as JsonObject)).length;
    }
    const elapsed = performance.now() - started;
    const used = process.cpuUsage(cpu);
    if (round === 0) first_ms = elapsed;
    match_ms = Math.min(match_ms, elapsed);
    cpu_ms = Math.min(cpu_ms, (used.user + used.system) / 1_000);
    progress(`round ${round + 1}: ${Math.round(elapsed)} ms, ${matches} matches`);
    await new Promise(setImmediate);
  }
  const share = (ms: number): number => Number((parse_ms / ms).toFixed(3));
  return {
    table: [
      { what: 'JSON.parse alone, best', 'events/s': Math.round((lines.length / parse_ms) * 1_000), share: 1 },
      {
        what: 'decode, parse and match, first round',
        'events/s': Math.round((lines.length / first_ms) * 1_000),
        share: share(first_ms),
      },
      {
        what: 'decode, parse and match, best',
        'events/s': Math.round((lines.length / match_ms) * 1_000),
        share: share(match_ms),
      },
    ],
    figures: {
      rules: engine.rules.length,
      events: lines.length,
      matches,
      share_of_json_parse: share(match_ms),
      share_of_json_parse_first_round: share(first_ms),
      share_of_json_parse_cpu: Number((parse_cpu_ms / cpu_ms).toFixed(3)),
      read_rules_ms: Math.round(compileStarted - loadStarted),
      compile_rules_ms: Math.round(compiled - compileStarted),
    },
  };
}
