// Backtests of rules over stored events.
import type { Api } from '../../api.ts';
import type { ApiDeps } from '../../deps.ts';
import { BacktestRequest } from '../../rule-contract.ts';
import { streamLines } from '../../stream-lines.ts';

export function backtestRoutes(api: Api, { backtests, clock }: ApiDeps): void {
  api.post(
    '/rules/backtest',
    {
      schema: {
        summary: 'Run rules over stored events; the answer is lines of progress and then one of the result',
        description:
          'Each line is a JSON object: `progress`, and last `result` or `problem`. Closing the connection cancels.',
        tags: ['rules'],
        body: BacktestRequest,
        produces: ['application/x-ndjson'],
      },
    },
    (request, reply) =>
      streamLines({ request, reply, clock, work: (hooks) => backtests.run(request.body, hooks) }),
  );
}
