// SigmaHQ's rules and recorded Windows events, from the folder that PICKET_CORPORA names.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { compileRules, type LoadedRule } from '../../detect/sigma/compile-rules.ts';
import type { SigmaEngine } from '../../detect/sigma/engine/engine.ts';
import { loadRoutedPipelines } from '../../detect/sigma/load-pipelines.ts';
import { loadRules } from '../../detect/sigma/load-rules.ts';

const PIPELINES = join(import.meta.dirname, '../../rules/pipelines');

/** @throws Error when the corpora are not there */
export function findCorpora(): string {
  const corpora = process.env['PICKET_CORPORA'] ?? join(import.meta.dirname, '../../../shared/corpora');
  if (!existsSync(corpora)) throw new Error(`no corpora in ${corpora}: set PICKET_CORPORA`);
  return corpora;
}

/** The rules under SigmaHQ's `rules/`. */
export function readSigmaHqRules(): LoadedRule[] {
  return loadRules({ folders: [join(findCorpora(), 'sigmahq/rules')] }).rules;
}

/** `ecs`: for normalised events, through our pipelines; else for raw ones. */
export function compileSigmaHq(rules: readonly LoadedRule[], ecs = false): SigmaEngine {
  const { pipelines, routes } = loadRoutedPipelines(PIPELINES);
  const { engine } = compileRules({ rules, pipelines: ecs ? pipelines : [], routes, raw: !ecs });
  engine.openLines();
  return engine;
}

/** NDJSON of the recorded events. */
export function readWindowsEvents(): Buffer {
  return gunzipSync(readFileSync(join(findCorpora(), 'windows-events.jsonl.gz')));
}
