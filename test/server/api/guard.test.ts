// No way of writing an address leads past the guard.

import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import cookie from '@fastify/cookie';
import fastify from 'fastify';
import { afterEach, expect, test } from 'vitest';
import type { Api } from '../../../server/api/api.ts';
import type { ApiDeps } from '../../../server/api/deps.ts';
import { registerGuard } from '../../../server/api/guard.ts';
import { sendProblem } from '../../../server/api/problem.ts';

const endings: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

async function listen(): Promise<number> {
  const app = fastify({ forceCloseConnections: true });
  app.setErrorHandler(sendProblem);
  await app.register(cookie);
  registerGuard(app as unknown as Api, {
    config: { site: { id: 'centre' } } as ApiDeps['config'],
    access: {
      identify: () => Promise.resolve(undefined),
      createSignInToken: () => Promise.resolve(''),
      createApiToken: () => Promise.resolve(''),
      signIn: () => Promise.reject(new Error('not asked')),
      signOut: () => Promise.resolve(),
      retire: () => Promise.resolve(),
    },
  });
  await app.register(
    (api, _, done) => {
      api.get('/alerts', () => ({ reached: true }));
      api.post('/sites', () => ({ reached: true }));
      api.post('/session', () => ({ open: true }));
      done();
    },
    { prefix: '/api/v1' },
  );
  await app.listen({ port: 0, host: '127.0.0.1' });
  endings.push(() => app.close());
  return (app.server.address() as AddressInfo).port;
}

/** Sends the request line as it is: clients would tidy it. */
function ask(port: number, requestLine: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`${requestLine} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`),
    );
    let text = '';
    socket.on('data', (part) => (text += part.toString('utf8')));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

test.each([
  'GET /api/v1/alerts',
  'HEAD /api/v1/alerts',
  'GET /%61pi/v1/alerts',
  'GET /%61%70%69/v1/alerts?x=/api/v1/session',
  'GET http://elsewhere/api/v1/alerts',
  'GET https://elsewhere/%61pi/v1/alerts',
  'POST /%61pi/v1/sites',
  'POST http://elsewhere/api/v1/sites',
  'GET /api/v1/nothing',
])('"%s" without sign-in is refused', async (line) => {
  const answer = await ask(await listen(), line);
  expect(answer).not.toContain('reached');
  expect(answer).toMatch(/^HTTP\/1\.1 401 /);
});

test('signing in needs no one, however it is written', async () => {
  const port = await listen();
  expect(await ask(port, 'POST /api/v1/session')).toContain('open');
  expect(await ask(port, 'POST /%61pi/v1/session')).toContain('open');
});
