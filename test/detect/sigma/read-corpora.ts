// Reads the corpora that stand beside the checkout where the project is built; a fresh clone has none.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { LoadedRule } from '../../../detect/sigma/compile-rules.ts';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import type { JsonObject } from '../../../platform/core/event.ts';

export const CORPORA = join(import.meta.dirname, '../../../../shared/corpora');
export const HAS_CORPORA = existsSync(CORPORA);

/** SigmaHQ's folders; its main one first. */
export const SIGMAHQ_FOLDERS = [
  'rules',
  'rules-compliance',
  'rules-emerging-threats',
  'rules-placeholder',
  'rules-threat-hunting',
].map((folder) => join(CORPORA, 'sigmahq', folder));

/** @throws Error when a rule cannot be read: SigmaHQ's all can */
export function loadSigmaHq(folders: readonly string[] = SIGMAHQ_FOLDERS): LoadedRule[] {
  const { rules, refused } = loadRules({ folders });
  if (refused.length > 0) throw new Error(JSON.stringify(refused));
  return rules;
}

function readLines(text: string): JsonObject[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as JsonObject);
}

/** The recorded events of Security-Datasets, as they were shipped. */
export function readWindowsEvents(): JsonObject[] {
  return readLines(gunzipSync(readFileSync(join(CORPORA, 'windows-events.jsonl.gz'))).toString());
}

/** SigmaHQ's regression data: evtx_dump's JSON of events, and how often the rule matches. */
export interface Vector {
  readonly rule_id: string;
  readonly match_count: number;
  readonly events: readonly JsonObject[];
}

export function readVectors(): Vector[] {
  return readLines(readFileSync(join(CORPORA, 'sigma-regression.jsonl'), 'utf8')) as unknown as Vector[];
}
