// Rules written in a test, as an engine over raw events.
import { join } from 'node:path';
import { compileRules } from '../../../detect/sigma/compile-rules.ts';
import type { SigmaEngine } from '../../../detect/sigma/engine/engine.ts';
import { loadPipelines } from '../../../detect/sigma/load-pipelines.ts';
import type { LogsourceRoutes } from '../../../detect/sigma/logsource-routes.ts';
import { parseRuleFile } from '../../../detect/sigma/parse-file.ts';
import type { Pipeline } from '../../../detect/sigma/pipelines/pipeline.ts';
import type { Problem } from '../../../detect/sigma/problem.ts';
import type { SigmaRule } from '../../../detect/sigma/rule.ts';

export const PIPELINES_FOLDER = join(import.meta.dirname, '../../../rules/pipelines');

export function ourPipelines(): { pipelines: Pipeline[]; routes: LogsourceRoutes } {
  const { pipelines, routes, refused } = loadPipelines(PIPELINES_FOLDER);
  if (!routes || refused.length > 0) throw new Error(JSON.stringify(refused));
  return { pipelines, routes };
}

/** A whole rule around a `detection:` block (YAML, indented by two). */
export function ruleText(detection: string, logsource = 'product: anything'): string {
  return `title: Test\nid: 5f113a8f-8b61-41ca-b90f-d374fa7e4a39\nlogsource:\n  ${logsource}\nlevel: high\ndetection:\n${detection}\n`;
}

export function compileText(options: { text: string; pipelines?: readonly Pipeline[]; raw?: boolean }): {
  engine: SigmaEngine;
  rules: SigmaRule[];
  refused: Problem[];
} {
  const { rules, refused } = parseRuleFile({ text: options.text, file: 'test.yml' });
  const compiled = compileRules({
    rules: rules.map((rule) => ({ rule, pack: 'test' })),
    pipelines: options.pipelines ?? [],
    routes: ourPipelines().routes,
    raw: options.raw ?? true,
  });
  return { engine: compiled.engine, rules, refused: [...refused, ...compiled.refused] };
}

/** True when the detection matches the raw event. @throws Error when it is refused */
export function detects(detection: string, event: object): boolean {
  const { engine, refused } = compileText({ text: ruleText(detection) });
  if (refused.length > 0) throw new Error(JSON.stringify(refused));
  return engine.match(event).length > 0;
}
