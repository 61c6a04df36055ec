// Runs the tests that stand beside rules: real records that must match and real records that must not.
import { existsSync, readFileSync } from 'node:fs';
import { describeError } from '../../platform/core/errors.ts';
import type { JsonObject } from '../../platform/core/event.ts';
import { compileRules, type LoadedRule } from './compile-rules.ts';
import { loadRules } from './load-rules.ts';
import type { LogsourceRoutes } from './logsource-routes.ts';
import { parseRuleFile } from './parse-file.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import { type Problem, toProblem } from './problem.ts';
import { testRegression } from './test-regression.ts';

/** Makes normalised events of one raw record of a source format; throws when the record is refused. */
export type NormaliseRecord = (format: string, record: Uint8Array) => readonly JsonObject[];

export interface RuleTestResult {
  readonly rule: { readonly id: string; readonly title: string; readonly file: string };
  /** Records that had to match, and records that had not to. */
  readonly matching: number;
  readonly others: number;
  /** Empty when the rule passed. */
  readonly failures: readonly Problem[];
}

/** `exec.yml` → `exec.match.ndjson`, `exec.nomatch.ndjson`; each line a raw record of the rule's `picket.test_source`. */
export function testFilesOf(ruleFile: string): { match: string; nomatch: string } {
  const base = ruleFile.replace(/\.ya?ml$/i, '');
  return { match: `${base}.match.ndjson`, nomatch: `${base}.nomatch.ndjson` };
}

/**
 * Tests every rule of the folders: by the regression tests that it names (`regression_tests_path`), else by the
 * files beside it. Both of these must be there with at least one record; at least one event of each matching
 * record must match, and none of the others. With `regressionOnly`, rules that name no regression tests are left
 * out and counted in `untested`. Never throws.
 */
export function testRules(options: {
  folders: readonly string[];
  pipelines: readonly Pipeline[];
  routes: LogsourceRoutes;
  normalise: NormaliseRecord;
  regressionOnly?: boolean;
}): {
  results: (RuleTestResult & { warnings?: readonly Problem[] })[];
  refused: Problem[];
  untested: number;
} {
  const { rules, refused } = loadRules({ folders: options.folders });
  const paths = readRegressionPaths(rules);
  const results = rules.flatMap((loaded) => {
    const path = paths.get(loaded.rule.id);
    if (path !== undefined) return [testRegression({ loaded, path, routes: options.routes })];
    return options.regressionOnly ? [] : [testRule(loaded, options)];
  });
  return { results, refused, untested: rules.length - results.length };
}

/** What rules say in `regression_tests_path`, by rule id; the typed rule does not carry it. */
function readRegressionPaths(rules: readonly LoadedRule[]): Map<string, string> {
  const paths = new Map<string, string>();
  const files = new Set(rules.flatMap(({ rule }) => rule.place.file ?? []));
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    // Most files have none and need not be parsed again.
    if (!text.includes('regression_tests_path')) continue;
    for (const { content } of parseRuleFile({ text, file }).documents) {
      const { id, regression_tests_path: path } = content;
      if (typeof id === 'string' && typeof path === 'string') paths.set(id, path);
    }
  }
  return paths;
}

function testRule(
  loaded: LoadedRule,
  options: { pipelines: readonly Pipeline[]; routes: LogsourceRoutes; normalise: NormaliseRecord },
): RuleTestResult {
  const { rule } = loaded;
  const file = rule.place.file ?? '';
  const failures: Problem[] = [];
  const fail = (code: string, message: string, place: Problem['place']): void => {
    failures.push({ code, message, place, rule: { id: rule.id, title: rule.title } });
  };
  const compiled = compileRules({ rules: [loaded], pipelines: options.pipelines, routes: options.routes });
  failures.push(...compiled.refused);
  const format = rule.picket.test_source;
  if (format === undefined) fail('RULE_TEST_SOURCE', '`picket.test_source` is missing', rule.place);
  const run = (path: string, wanted: boolean): number => {
    if (!existsSync(path)) {
      fail(
        'RULE_TEST_MISSING',
        `no ${wanted ? 'matching' : 'other'} records: ${path} is missing`,
        rule.place,
      );
      return 0;
    }
    let records = 0;
    for (const [at, line] of readFileSync(path, 'utf8').split('\n').entries()) {
      if (line.trim() === '' || format === undefined) continue;
      records++;
      const place = { file: path, line: at + 1 };
      try {
        const events = options.normalise(format, Buffer.from(line));
        const matched = events.some((event) => compiled.engine.match(event).length > 0);
        if (matched !== wanted) {
          fail(
            'RULE_TEST_FAILED',
            wanted ? 'the record must match and does not' : 'the record must not match and does',
            place,
          );
        }
      } catch (error) {
        failures.push(
          toProblem(error, place, { id: rule.id, title: `${rule.title}: ${describeError(error)}` }),
        );
      }
    }
    if (records === 0 && format !== undefined) fail('RULE_TEST_EMPTY', `no record in ${path}`, rule.place);
    return records;
  };
  const files = testFilesOf(file);
  return {
    rule: { id: rule.id, title: rule.title, file },
    matching: run(files.match, true),
    others: run(files.nomatch, false),
    failures,
  };
}
