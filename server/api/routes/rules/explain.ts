// Why a rule matches an event, or does not.

import { explainEvent } from '../../../rules/explain-event.ts';
import type { Api } from '../../api.ts';
import type { ApiDeps } from '../../deps.ts';
import { ExplainRequest, ExplainView } from '../../rule-contract.ts';

export function explainRoutes(api: Api, { ruleDesk, index, config }: ApiDeps): void {
  api.post(
    '/rules/explain',
    {
      schema: {
        summary: 'The condition of a rule as a tree, with what was true of an event and why',
        tags: ['rules'],
        body: ExplainRequest,
        response: { 200: ExplainView },
      },
    },
    (request) => explainEvent({ request: request.body, desk: ruleDesk, index, tenant: config.tenant }),
  );
}
