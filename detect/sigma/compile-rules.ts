// Loaded rules and pipelines become an engine; a rule that cannot is refused with its reason and the rest go on.
import type { JsonObject } from '../../platform/core/event.ts';
import type { RuleInfo } from '../match.ts';
import { compileTree, NO_UNITS } from './engine/compile-units.ts';
import { type EngineRule, readObject, SigmaEngine } from './engine/engine.ts';
import { flattenRaw } from './flatten-raw.ts';
import { LogsourceRouter, type LogsourceRoutes } from './logsource-routes.ts';
import { mapRule } from './map-rule.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import { type Problem, toProblem } from './problem.ts';
import type { RuleHeader, SigmaRule } from './rule.ts';

/** A rule with the pack it came from. */
export interface LoadedRule<R extends RuleHeader = SigmaRule> {
  readonly rule: R;
  /** Content hash of its folder, hex. */
  readonly pack: string;
}

/** What matches and alerts carry of a rule. */
export function describeRule(
  { rule, pack }: LoadedRule<RuleHeader>,
  kind: 'plain' | 'correlation' = 'plain',
): RuleInfo {
  const { picket } = rule;
  return {
    id: rule.id,
    name: rule.title,
    level: rule.level,
    kind,
    version: rule.version,
    pack,
    tags: rule.tags,
    scope: picket.scope,
    ...(picket.guide === undefined ? {} : { guide: picket.guide }),
    ...(rule.falsepositives.length > 0 ? { falsepositives: rule.falsepositives } : {}),
    ...(picket.entity_fields.length > 0 ? { entity_fields: picket.entity_fields } : {}),
  };
}

/**
 * Compiles rules for normalised events (through `pipelines`), or with `raw` for events whose fields are the
 * rules' own (pipelines given are still applied). `unrouted` are rules whose logsource no route names.
 */
export function compileRules(options: {
  rules: readonly LoadedRule[];
  pipelines: readonly Pipeline[];
  routes: LogsourceRoutes;
  raw?: boolean;
}): { engine: SigmaEngine; refused: Problem[]; unrouted: RuleInfo[] } {
  const router = new LogsourceRouter({ routes: options.routes, raw: options.raw === true });
  const refused: Problem[] = [];
  const unrouted: RuleInfo[] = [];
  const rules: EngineRule[] = [];
  for (const loaded of options.rules) {
    const { rule } = loaded;
    try {
      const mapped = mapRule(rule, options.pipelines);
      compileTree(mapped.expression, NO_UNITS);
      const info = describeRule(loaded);
      rules.push({ mapped, info });
      if (!router.isRouted(mapped.logsource)) unrouted.push(info);
    } catch (error) {
      refused.push(toProblem(error, rule.place, { id: rule.id, title: rule.title }));
    }
  }
  const raw = { readEvent: readRaw, reshaped: ['Event'] };
  const engine = new SigmaEngine({ rules, router, ...(options.raw === true ? raw : {}) });
  return { engine, refused, unrouted };
}

function readRaw(text: string): JsonObject {
  return flattenRaw(readObject(text) as JsonObject);
}
