// Answers with lines of JSON: progress as it comes, and last the result or the problem; the client cancels by going away.
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BacktestProgress } from '../../detect/history/run-backtest.ts';
import type { Clock } from '../../platform/core/clock.ts';
import { toProblem } from './problem.ts';

/** Between two lines of progress. */
const PROGRESS_MS = 250;

/** Takes the reply over; never throws. */
export async function streamLines<Result>(options: {
  request: FastifyRequest;
  reply: FastifyReply;
  clock: Clock;
  work: (hooks: { signal: AbortSignal; onProgress: (progress: BacktestProgress) => void }) => Promise<Result>;
}): Promise<void> {
  const { request, reply, clock, work } = options;
  const stop = new AbortController();
  reply.raw.once('close', () => stop.abort());
  reply.hijack();
  const response = reply.raw;
  let told = Number.NEGATIVE_INFINITY;
  try {
    const result = await work({
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
    if (status >= 500 && !stop.signal.aborted) request.log.error({ err: error }, 'request failed');
    // Before the first line the status can still say it.
    if (!response.headersSent) response.statusCode = status;
    write(response, { problem: { code, title, ...(place === undefined ? {} : { place }) } });
  }
  response.end();
}

function write(response: ServerResponse, line: object): void {
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
