// The residency report, as JSON and as a page for auditors.
import { z } from 'zod';
import { buildResidencyReport, ResidencyReport } from '../../../report/residency/build-report.ts';
import { renderResidencyReport } from '../../../report/residency/render-html.ts';
import type { Api } from '../api.ts';
import { ReportQuery } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';

export function reportRoutes(api: Api, { records, clock }: ApiDeps): void {
  const build = (query: z.infer<typeof ReportQuery>): Promise<ResidencyReport> =>
    buildResidencyReport({ records, from: query.from, to: query.to, now: clock.now() });

  api.get(
    '/reports/residency',
    {
      schema: {
        summary: 'What stayed and what left, by jurisdiction',
        tags: ['reports'],
        querystring: ReportQuery,
        response: { 200: ResidencyReport },
      },
    },
    (request) => build(request.query),
  );

  api.get(
    '/reports/residency.html',
    {
      schema: {
        summary: 'The residency report as a page',
        tags: ['reports'],
        querystring: ReportQuery.extend({ language: z.enum(['en', 'zh']).default('en') }),
      },
    },
    async (request, reply) => {
      const { language, ...query } = request.query;
      const html = renderResidencyReport(await build(query), language);
      return reply
        .header(
          'content-security-policy',
          "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
        )
        .type('text/html; charset=utf-8')
        .send(html);
    },
  );
}
