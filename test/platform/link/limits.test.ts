// What a stranger and a child that misbehaves can take of a parent: a bounded share.
import { type ClientHttp2Session, connect } from 'node:http2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { PicketError } from '../../../platform/core/errors.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { type LinkServer, startLinkServer } from '../../../platform/link/link-server.ts';
import { describeProblem, Problem } from '../../../platform/link/protocol.ts';
import { CENTRE, openParent, type Parent } from './two-sites.ts';

let parent: Parent;
let server: LinkServer;
beforeAll(async () => {
  parent = await openParent();
  server = await startLinkServer({
    host: '127.0.0.1',
    port: 0,
    authority: parent.authority,
    bus: parent.bus,
    records: parent.records,
    residency: { jurisdiction: CENTRE.jurisdiction, policies: new Map() },
    clock: systemClock,
    counters: parent.counters,
    logger: silentLogger,
    stranger_ms: 2_000,
  });
});
afterAll(async () => {
  await server.close();
  await parent.close();
});

function call(): { session: ClientHttp2Session; closed: Promise<void> } {
  const session = connect(server.url, { ca: parent.authority.caCertificate });
  session.on('error', () => undefined);
  return { session, closed: new Promise((resolve) => session.once('close', () => resolve())) };
}

test('callers without a certificate are few at a time and do not stay, and one that asks is still answered', async () => {
  const callers = Array.from({ length: 80 }, call);
  await Promise.all(callers.map(({ closed }) => closed));
  expect(parent.counters.total('link', 'strangers-refused')).toBeGreaterThan(0);
  const { session } = call();
  const stream = session.request({ ':method': 'POST', ':path': '/link/v1/enrol' });
  stream.end('{}');
  const status = await new Promise((resolve) =>
    stream.once('response', (headers) => resolve(headers[':status'])),
  );
  expect(status).toBe(400);
  expect(session.remoteSettings.maxConcurrentStreams).toBe(16);
  session.destroy();
}, 30_000);

test("a problem's code is short and plain, since it becomes a counter's name", () => {
  const problem = { status: 400, code: 'BUS_FULL', detail: 'x' };
  expect(Problem.safeParse(problem).success).toBe(true);
  expect(Problem.safeParse({ ...problem, code: 'A'.repeat(65) }).success).toBe(false);
  expect(Problem.safeParse({ ...problem, code: 'not a code' }).success).toBe(false);
  const long = describeProblem(new PicketError({ code: 'BUS_FULL', message: 'x'.repeat(10_000) }));
  expect(Problem.safeParse(long).success).toBe(true);
});
