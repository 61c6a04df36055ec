// Backtests: progress and result as lines of JSON; the client cancels by going away.
import type { ServerResponse } from 'node:http';
import type { Api } from '../../api.ts';
import type { ApiDeps } from '../../deps.ts';
import { toProblem } from '../../problem.ts';
import { type BacktestLine, BacktestRequest } from '../../rule-contract.ts';

/** Between two lines of progress. */
const PROGRESS_MS = 250;

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
    async (request, reply) => {
      const stop = new AbortController();
      reply.raw.once('close', () => stop.abort());
      reply.hijack();
      const response = reply.raw;
      let told = Number.NEGATIVE_INFINITY;
      try {
        const result = await backtests.run(request.body, {
          signal: stop.signal,
          onProgress: ({ reached, ...progress }) => {
            if (clock.monotonic() - told < PROGRESS_MS) return;
            told = clock.monotonic();
            write(response, { progress: { ...progress, ...(reached === undefined ? {} : { reached }) } });
          },
        });
        write(response, { result });
      } catch (error) {
        const { code, title, status, place } = toProblem(error);
        if (status >= 500 && !stop.signal.aborted) request.log.error({ err: error }, 'backtest failed');
        // Before the first line the status can still say it.
        if (!response.headersSent) response.statusCode = status;
        write(response, { problem: { code, title, ...(place === undefined ? {} : { place }) } });
      }
      response.end();
    },
  );
}

function write(response: ServerResponse, line: BacktestLine): void {
  if (response.destroyed) return;
  if (!response.headersSent) {
    response.writeHead(response.statusCode, {
      'content-type': 'application/x-ndjson; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
  }
  response.write(`${JSON.stringify(line)}\n`);
}
