// Sends requests at a fixed pace, whether or not earlier ones were answered, and tells when each began and ended.
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchRequest } from './make-requests.ts';

export interface Answered {
  /** `performance.now()` as it was sent. */
  readonly began_ms: number;
  readonly took_ms: number;
  readonly probes: readonly number[];
}

/** In the order of the requests. @throws Error when one is not answered with 200 */
export async function sendAtRate(options: {
  url: string;
  requests: readonly BenchRequest[];
  per_second: number;
}): Promise<Answered[]> {
  const { url, requests, per_second } = options;
  const start = performance.now();
  const under_way: Promise<Answered>[] = [];
  for (const [at, request] of requests.entries()) {
    const due = start + (at * 1_000) / per_second;
    await sleep(Math.max(0, due - performance.now()));
    const sent = send(url, request);
    // Seen below; until then an early failure must not count as unhandled.
    sent.catch(() => undefined);
    under_way.push(sent);
  }
  return Promise.all(under_way);
}

async function send(url: string, request: BenchRequest): Promise<Answered> {
  const body = request.body(Date.now());
  const began_ms = performance.now();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${text}`);
  return { began_ms, took_ms: performance.now() - began_ms, probes: request.probes };
}
