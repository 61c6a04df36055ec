// Runs the tests that stand beside rules: real records that must match and real records that must not.
import { existsSync, readFileSync } from 'node:fs';
import { describeError } from '../../platform/core/errors.ts';
import type { JsonObject } from '../../platform/core/event.ts';
import { compileRules, type LoadedRule } from './compile-rules.ts';
import { loadRules } from './load-rules.ts';
import type { LogsourceRoutes } from './logsource-routes.ts';
import type { Pipeline } from './pipelines/pipeline.ts';
import { type Problem, toProblem } from './problem.ts';

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
 * Tests every rule of the folders. Both files must be there with at least one record; at least one event of
 * each matching record must match, and none of the others. Never throws.
 */
export function testRules(options: {
  folders: readonly string[];
  pipelines: readonly Pipeline[];
  routes: LogsourceRoutes;
  normalise: NormaliseRecord;
}): { results: RuleTestResult[]; refused: Problem[] } {
  const { rules, refused } = loadRules({ folders: options.folders });
  return { results: rules.map((loaded) => testRule(loaded, options)), refused };
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
