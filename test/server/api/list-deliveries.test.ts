// A message that no receiver took is found by its state, with the last fault.
import fastify from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { expect, test } from 'vitest';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { startDeliverer } from '../../../respond/notify/deliver.ts';
import type { Api } from '../../../server/api/api.ts';
import type { DeliveryList } from '../../../server/api/contract.ts';
import type { ApiDeps } from '../../../server/api/deps.ts';
import { operationRoutes } from '../../../server/api/routes/operations.ts';
import { makeFolder, openStores, removeFolder } from '../../respond/open-stores.ts';
import { findFreePorts } from '../../services/free-port.ts';
import { waitUntil } from '../../services/wait-until.ts';

test('a dead delivery is listed with its last error', async () => {
  const folder = makeFolder();
  const stores = await openStores(folder);
  const { records, bus } = stores;
  const [port] = await findFreePorts(1);
  const counters = new Counters();
  const secret = `whsec_${Buffer.alloc(32).toString('base64')}`;
  const deliverer = startDeliverer({
    records,
    notifiers: [{ id: 'chat', type: 'webhook', url: `http://127.0.0.1:${port}/`, secret, timeout_ms: 1_000 }],
    fetch: globalThis.fetch,
    clock: systemClock,
    counters,
    logger: silentLogger,
    retrySchedule: [],
  });
  const app = fastify() as unknown as Api;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  operationRoutes(app, { bus, records, counters, clock: systemClock } as unknown as ApiDeps);
  try {
    await deliverer.enqueue({ key: 'run:step', type: 'incident.notified', text: 'look', data: {} });
    await waitUntil({
      what: 'dead',
      holds: () => counters.total('notify', 'dead') === 1,
      timeout_ms: 10_000,
    });
    const list = async (state: string): Promise<{ total: number; deliveries: unknown[] }> =>
      (await app.inject(`/deliveries?where=state:${state}`)).json<ReturnType<typeof DeliveryList.parse>>();
    expect(await list('dead')).toMatchObject({
      total: 1,
      deliveries: [{ notifier: 'chat', state: 'dead', last_error: expect.stringContaining('ECONNREFUSED') }],
    });
    expect(await list('pending')).toMatchObject({ total: 0, deliveries: [] });
  } finally {
    await deliverer.stop();
    await app.close();
    await stores.close();
    removeFolder(folder);
  }
});
