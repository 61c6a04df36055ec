// Loads rules and pipelines into what the detector works with, and into the lists that people read.
import { basename, relative } from 'node:path';
import { compileRules } from '../detect/sigma/compile-rules.ts';
import type { SigmaEngine } from '../detect/sigma/engine/engine.ts';
import { loadRoutedPipelines } from '../detect/sigma/load-pipelines.ts';
import { type LoadedRules, loadRules, type RuleGates } from '../detect/sigma/load-rules.ts';
import type { LogsourceRoutes } from '../detect/sigma/logsource-routes.ts';
import type { Pipeline } from '../detect/sigma/pipelines/pipeline.ts';
import type { Problem } from '../detect/sigma/problem.ts';
import type { CorrelationRule, SigmaRule } from '../detect/sigma/rule.ts';
import { assembleDetectorRules } from '../detect/worker/assemble-rules.ts';
import type { DetectorRules } from '../detect/worker/route-matches.ts';
import { describePlace } from '../platform/core/errors.ts';
import type { RefusedRule, RuleView } from './api/rule-contract.ts';
import { PROGRAM_FOLDER } from './content-path.ts';

/** A folder of rules, and what people call it. */
export interface RuleFolder {
  readonly folder: string;
  readonly name: string;
}

export interface Detection {
  readonly rules: DetectorRules;
  readonly engine: SigmaEngine;
  readonly loaded: LoadedRules;
  readonly folders: readonly RuleFolder[];
  readonly pipelines: readonly Pipeline[];
  readonly routes: LogsourceRoutes;
  readonly views: readonly RuleView[];
  readonly gated: readonly RuleView[];
  readonly refused: readonly RefusedRule[];
}

/** Content folders as packs: named by their path in the program, or by their last part. */
export function nameFolders(folders: readonly string[]): RuleFolder[] {
  return folders.map((folder) => {
    const inside = relative(PROGRAM_FOLDER, folder);
    return { folder, name: inside.startsWith('..') ? basename(folder) : inside };
  });
}

/**
 * A rule or pipeline that cannot be used is refused with its reason and the rest work.
 * @throws PicketError LOGSOURCES_MISSING when the pipelines folder says nothing of logsources
 */
export function loadDetection(options: {
  folders: readonly RuleFolder[];
  pipelines: string;
  gates?: RuleGates | undefined;
  /** When filters among the rules are judged to be expired. */
  now: Date;
  /** Folders that were not read, and why. */
  refused?: readonly Problem[] | undefined;
}): Detection {
  const loaded = loadRules({
    folders: options.folders.map(({ folder }) => folder),
    now: options.now,
    ...(options.gates ? { gates: options.gates } : {}),
  });
  const { pipelines, routes, refused } = loadRoutedPipelines(options.pipelines);
  const packNames = new Map(
    loaded.packs.map(({ folder, hash }) => [
      hash,
      options.folders.find((one) => one.folder === folder)?.name ?? basename(folder),
    ]),
  );
  const view = ({ rule, pack }: { rule: SigmaRule | CorrelationRule; pack: string }): RuleView =>
    viewRule(rule, { pack, name: packNames.get(pack) ?? '' });
  const compiled = compileDetection({ loaded, pipelines, routes });
  return {
    ...compiled,
    loaded,
    folders: options.folders,
    pipelines,
    routes,
    views: [...loaded.rules, ...loaded.correlations].map(view),
    gated: loaded.gated.map(view),
    refused: [
      ...[...(options.refused ?? []), ...loaded.refused, ...refused].map(describeProblem),
      ...compiled.refused,
    ],
  };
}

/** The rules as a detector takes them, and what of them could not be compiled. */
export function compileDetection(options: {
  loaded: Pick<LoadedRules, 'rules' | 'correlations'>;
  pipelines: readonly Pipeline[];
  routes: LogsourceRoutes;
}): { rules: DetectorRules; engine: SigmaEngine; refused: RefusedRule[] } {
  const { loaded, pipelines, routes } = options;
  const { engine, refused } = compileRules({ rules: loaded.rules, pipelines, routes });
  engine.openLines();
  const assembled = assembleDetectorRules({ engine, correlations: loaded.correlations, pipelines });
  return {
    rules: assembled.rules,
    engine,
    refused: [
      ...refused.map(describeProblem),
      ...assembled.refused.map(({ code, message, place }) => ({ code, message, place })),
    ],
  };
}

export function describeProblem({ code, message, place }: Problem): RefusedRule {
  return { code, message, place: describePlace(place) };
}

function viewRule(rule: SigmaRule | CorrelationRule, pack: { pack: string; name: string }): RuleView {
  const { id, title, level, status, tags, place, version, kind, picket } = rule;
  return {
    id,
    name: title,
    level,
    kind: kind === 'correlation' ? 'correlation' : 'plain',
    scope: picket.scope,
    tags: [...tags],
    version,
    pack: pack.pack,
    pack_name: pack.name,
    file: place.file ?? '',
    ...(status === undefined ? {} : { status }),
  };
}
