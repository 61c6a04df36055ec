// Which rules can never match, since no configured source gives events of their logsource.
import { LogsourceRouter, type LogsourceRoutes } from './logsource-routes.ts';
import type { Logsource } from './rule.ts';

export interface UnfedRule {
  readonly id: string;
  readonly title: string;
  readonly logsource: Logsource;
}

/**
 * `datasets` are the `event.dataset` that the configured sources may give; `*` for a source that may give any
 * (`ecs`). A rule is fed when an event of one of them, whatever else it says, may feed its logsource (as the
 * pipelines left it). In the order of the rules.
 */
export function findUnfed(options: {
  rules: readonly UnfedRule[];
  datasets: readonly string[];
  routes: LogsourceRoutes;
}): UnfedRule[] {
  const { rules, datasets, routes } = options;
  if (datasets.includes('*')) return [];
  const router = new LogsourceRouter({ routes, raw: false });
  const fed = new Set<UnfedRule>();
  for (const dataset of datasets) {
    const key = router.keyOf({ event: { dataset } });
    router
      .select(
        key,
        rules.map(({ logsource }) => logsource),
      )
      .forEach((feeds, at) => {
        if (feeds) fed.add(rules[at] as UnfedRule);
      });
  }
  return rules.filter((rule) => !fed.has(rule)).map(({ id, title, logsource }) => ({ id, title, logsource }));
}
