// Rules: what is in force, their reload, and backtests over stored events.

import { listRules } from '../../rules/list-rules.ts';
import type { Api } from '../api.ts';
import type { ApiDeps } from '../deps.ts';
import { ReloadView, RuleList } from '../rule-contract.ts';
import { backtestRoutes } from './rules/backtest.ts';
import { coverageRoutes } from './rules/coverage.ts';
import { exceptionRoutes } from './rules/exceptions.ts';
import { explainRoutes } from './rules/explain.ts';
import { packRoutes } from './rules/packs.ts';

export function ruleRoutes(api: Api, deps: ApiDeps): void {
  const { ruleDesk } = deps;

  api.get(
    '/rules',
    { schema: { summary: 'Rules in force and refused', tags: ['rules'], response: { 200: RuleList } } },
    () => listRules(ruleDesk),
  );

  api.post(
    '/rules/reload',
    {
      schema: {
        summary: 'Read rules, pipelines and packs again; no event is lost',
        tags: ['rules'],
        response: { 200: ReloadView },
      },
    },
    () => ruleDesk.reload(),
  );

  backtestRoutes(api, deps);
  explainRoutes(api, deps);
  exceptionRoutes(api, deps);
  packRoutes(api, deps);
  coverageRoutes(api, deps);
}
