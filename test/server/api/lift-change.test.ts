// Lifting a change keeps who did it and why, also when no incident stands behind the change.
import fastify from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { orderChange, type PostureDesk } from '../../../respond/posture/order-change.ts';
import type { Api } from '../../../server/api/api.ts';
import type { ApiDeps } from '../../../server/api/deps.ts';
import { sendProblem } from '../../../server/api/problem.ts';
import { changeRoutes } from '../../../server/api/routes/changes.ts';
import { makeClock, makeFolder, openStores, removeFolder, type Stores } from '../../respond/open-stores.ts';

const START = Date.parse('2026-11-23T08:00:00Z');
let folder: string;
let stores: Stores;
let app: Api;
let desk: PostureDesk;

beforeEach(async () => {
  folder = makeFolder();
  stores = await openStores(folder);
  const { records } = stores;
  const clock = makeClock(START);
  const sign: PostureDesk['authority']['sign'] = (context, payload) => ({
    context,
    key_id: 'test',
    payload: JSON.stringify(payload),
    signature: '',
  });
  desk = { records, clock, tenant: 'acme', authority: { sign } };
  app = fastify() as unknown as Api;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(sendProblem);
  app.addHook('onRequest', async (request) => {
    request.principal = { actor: 'ana', roles: [] };
  });
  changeRoutes(app, { records, clock, desk } as unknown as ApiDeps);
});
afterEach(async () => {
  await app.close();
  await stores.close();
  removeFolder(folder);
});

const lift = (id: string, reason: string) =>
  app.inject({ method: 'POST', url: `/sites/lyon/changes/${id}/lift`, payload: { reason } });

test('who lifted a change, when and why stands beside it and in the audit', async () => {
  const entry = {
    id: 'a',
    action: 'firewall-deny-address',
    parameters: { address: '203.0.113.7' },
    owner: { run: 'run-1' },
    reason: 'test',
    not_before: new Date(START).toISOString(),
    lease_end: new Date(START + 3_600_000).toISOString(),
  };
  const started = new Date(START).toISOString();
  await stores.records.create('runs', 'run-1', {
    started,
    steps: [{ output: { changes: [{ ...entry, site: 'lyon' }] } }],
  });
  await orderChange(desk, 'lyon', entry);
  expect((await lift('a', 'a false alarm')).statusCode).toBe(200);
  const { changes } = (await app.inject('/changes')).json<{ changes: unknown[] }>();
  const lifted = { actor: 'ana', at: started, reason: 'a false alarm' };
  expect(changes).toMatchObject([{ id: 'a', detail: 'lifted', lifted }]);
  const { records: acts } = await stores.records.query('audit', { limit: 10 });
  expect(acts.map(({ value }) => value)).toMatchObject([
    { kind: 'change-lifted', actor: 'ana', about: { site: 'lyon', change: 'a' } },
  ]);
});

test('a change that is not held is not noted as lifted', async () => {
  expect((await lift('none', 'x')).json()).toMatchObject({ status: 404, code: 'CHANGE_NOT_FOUND' });
  expect(await stores.records.count('audit')).toBe(0);
});
