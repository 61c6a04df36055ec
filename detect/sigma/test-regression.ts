// Runs SigmaHQ's regression tests, and vectors of the same as lines of JSON, over raw events as evtx_dump writes them.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { describeError, type Place } from '../../platform/core/errors.ts';
import type { JsonObject } from '../../platform/core/event.ts';
import { applyFilters } from './apply-filters.ts';
import { compileRules, type LoadedRule } from './compile-rules.ts';
import { flattenRaw } from './flatten-raw.ts';
import type { LogsourceRoutes } from './logsource-routes.ts';
import { parseRuleFile } from './parse-file.ts';
import { parsePipeline } from './pipelines/pipeline.ts';
import { type Problem, sigmaError, toProblem } from './problem.ts';
import { type RegressionCase, readRegression } from './regression-info.ts';
import type { RuleTestResult } from './test-rules.ts';

export interface RegressionResult extends RuleTestResult {
  /** More matches than the test says, which SigmaHQ's own runner only warns of. */
  readonly warnings: readonly Problem[];
}

/** Tests a rule by the tests that it names. Never throws. */
export function testRegression(options: {
  loaded: LoadedRule;
  /** `regression_tests_path` of the rule. */
  path: string;
  routes: LogsourceRoutes;
}): RegressionResult {
  const { loaded, path, routes } = options;
  const { rule } = loaded;
  const about = { id: rule.id, title: rule.title };
  try {
    const cases = readRegression({ rule: rule.id, ruleFile: rule.place.file ?? '', path });
    return runCases({ loaded, cases, routes });
  } catch (error) {
    return resultOf(loaded, { events: 0, failures: [toProblem(error, rule.place, about)], warnings: [] });
  }
}

const Vector = z.looseObject({
  rule_id: z.string(),
  match_count: z.number().int().min(0).optional(),
  events: z.array(z.record(z.string(), z.unknown())).min(1),
});

/** Tests rules by a file with a vector a line: `rule_id`, `match_count`, `events`. Never throws for what is in the file. */
export function testVectors(options: {
  rules: readonly LoadedRule[];
  file: string;
  routes: LogsourceRoutes;
}): { results: RegressionResult[]; refused: Problem[] } {
  const { rules, file, routes } = options;
  const byId = new Map(rules.map((loaded) => [loaded.rule.id, loaded]));
  const results: RegressionResult[] = [];
  const refused: Problem[] = [];
  for (const [at, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (line.trim() === '') continue;
    const place: Place = { file, line: at + 1 };
    try {
      const { rule_id, match_count: matchCount, events } = Vector.parse(JSON.parse(line));
      const loaded = byId.get(rule_id);
      if (!loaded) throw sigmaError('RULE_NOT_FOUND', `no rule ${rule_id} in the folders`, place);
      const vector = { name: 'vector', file, place, events, matchCount, pipelines: [], filters: [] };
      results.push(runCases({ loaded, cases: [vector], routes }));
    } catch (error) {
      const isOurs = error instanceof Error && 'code' in error;
      refused.push(
        toProblem(isOurs ? error : sigmaError('REGRESSION_VECTOR', describeError(error), place), place),
      );
    }
  }
  return { results, refused };
}

/** @throws PicketError for a pipeline or filter that cannot be read */
function runCases(options: {
  loaded: LoadedRule;
  cases: readonly RegressionCase[];
  routes: LogsourceRoutes;
}): RegressionResult {
  const { loaded, cases, routes } = options;
  const about = { id: loaded.rule.id, title: loaded.rule.title };
  const failures: Problem[] = [];
  const warnings: Problem[] = [];
  let events = 0;
  for (const one of cases) {
    const { engine, refused } = compileRules({
      rules: [{ ...loaded, rule: filterRule(loaded, one) }],
      pipelines: one.pipelines.map((file) => parsePipeline({ text: readFileSync(file, 'utf8'), file })),
      routes,
      raw: true,
    });
    failures.push(...refused);
    if (refused.length > 0) continue;
    events += one.events.length;
    const found = one.events.filter(
      (event) => engine.match(flattenRaw(event as JsonObject)).length > 0,
    ).length;
    const wanted = one.matchCount ?? 1;
    const say = (code: string, message: string): Problem => ({
      code,
      message: `${one.name}: ${message}`,
      place: one.place,
      rule: about,
    });
    if (found < wanted)
      failures.push(
        say('REGRESSION_FEWER', `${found} of ${one.events.length} events match, wanted are ${wanted}`),
      );
    else if (one.matchCount !== undefined && found > wanted)
      warnings.push(
        say('REGRESSION_MORE', `${found} of ${one.events.length} events match, said are ${wanted}`),
      );
  }
  return resultOf(loaded, { events, failures, warnings });
}

function filterRule({ rule }: LoadedRule, { filters }: RegressionCase): LoadedRule['rule'] {
  const parsed = filters.flatMap((file) => parseRuleFile({ text: readFileSync(file, 'utf8'), file }).filters);
  return applyFilters({ rules: [rule], filters: parsed }).rules[0] ?? rule;
}

function resultOf(
  { rule }: LoadedRule,
  found: { events: number; failures: Problem[]; warnings: Problem[] },
): RegressionResult {
  return {
    rule: { id: rule.id, title: rule.title, file: rule.place.file ?? '' },
    matching: found.events,
    others: 0,
    failures: found.failures,
    warnings: found.warnings,
  };
}
