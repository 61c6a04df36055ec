// Loads rules and pipelines into what the detector works with, and into the lists that people read.

import { compileRules } from '../detect/sigma/compile-rules.ts';
import { loadPipelines } from '../detect/sigma/load-pipelines.ts';
import { loadRules } from '../detect/sigma/load-rules.ts';
import { assembleDetectorRules } from '../detect/worker/assemble-rules.ts';
import type { DetectorRules } from '../detect/worker/route-matches.ts';
import { describePlace, PicketError } from '../platform/core/errors.ts';
import type { RuleView } from './api/contract.ts';

/** A rule or pipeline that is not in force, with the place of the fault in words. */
export interface RefusedRule {
  readonly code: string;
  readonly message: string;
  readonly place: string;
}

export interface Detection {
  readonly rules: DetectorRules;
  readonly views: readonly RuleView[];
  readonly refused: readonly RefusedRule[];
}

/**
 * A rule or pipeline that cannot be used is refused with its reason and the rest work.
 * @throws PicketError LOGSOURCES_MISSING when the pipelines folder says nothing of logsources
 */
export function loadDetection(options: { folders: readonly string[]; pipelines: string }): Detection {
  const loaded = loadRules({ folders: options.folders });
  const { pipelines, routes, refused: refusedPipelines } = loadPipelines(options.pipelines);
  if (!routes) {
    throw new PicketError({
      code: 'LOGSOURCES_MISSING',
      message: 'no logsources.yaml among the pipelines',
      place: { file: options.pipelines },
    });
  }
  const { engine, refused: refusedRules } = compileRules({ rules: loaded.rules, pipelines, routes });
  const { rules, refused: refusedCorrelations } = assembleDetectorRules({
    engine,
    correlations: loaded.correlations,
    pipelines,
  });
  const views = [...loaded.rules, ...loaded.correlations].map(({ rule, pack }): RuleView => {
    const kind =
      'correlation' in rule || loaded.correlations.some((correlation) => correlation.rule === rule)
        ? 'correlation'
        : 'plain';
    const { id, title, level, status, tags, place } = rule;
    return {
      id,
      name: title,
      level,
      kind,
      tags: [...tags],
      pack,
      file: place.file ?? '',
      ...(status === undefined ? {} : { status }),
    };
  });
  return {
    rules,
    views,
    refused: [
      ...[...loaded.refused, ...refusedPipelines, ...refusedRules].map(({ code, message, place }) => ({
        code,
        message,
        place: describePlace(place),
      })),
      ...refusedCorrelations.map(({ code, message, place }) => ({ code, message, place })),
    ],
  };
}
