// What the rules in force cover.
import { EVERYTHING } from '../../../../platform/core/expression/expression.ts';
import type { SiteRecord } from '../../../../platform/core/site.ts';
import { loadResidencyPolicies } from '../../../../platform/residency/load-policies.ts';
import { listDatasets, measureCoverage } from '../../../rules/measure-coverage.ts';
import type { Api } from '../../api.ts';
import { CoverageQuery, CoverageView } from '../../coverage-contract.ts';
import type { ApiDeps } from '../../deps.ts';

const MOST_SITES = 10_000;

export function coverageRoutes(api: Api, deps: ApiDeps): void {
  const { ruleDesk, index, records, config, residencyFolder } = deps;
  api.get(
    '/rules/coverage',
    {
      schema: {
        summary: 'ATT&CK coverage, what feeds which rules, and sites where fleet rules are blind',
        tags: ['rules'],
        querystring: CoverageQuery,
        response: { 200: CoverageView },
      },
    },
    async (request) => {
      const { records: sites } = await records.query<SiteRecord>('sites', {
        where: EVERYTHING,
        limit: MOST_SITES,
      });
      return measureCoverage({
        detection: ruleDesk.detection(),
        datasets: await listDatasets(config, index),
        sites: sites.map(({ value }) => value).filter(({ id }) => id !== config.site.id),
        policies: loadResidencyPolicies(residencyFolder),
        jurisdiction: config.site.jurisdiction,
        domain: request.query.domain,
        name: `Picket ${config.site.id}`,
      });
    },
  );
}
