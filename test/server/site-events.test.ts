// A running centre tells what strangers do to it: the event is searchable, a rule makes an alert of it.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Alert } from '../../platform/core/alert.ts';
import type { PicketEvent } from '../../platform/core/event.ts';
import { readSecretFile } from '../../platform/identity/secret-files.ts';
import { connectLink } from '../../platform/link/link-connection.ts';
import { ROUTES } from '../../platform/link/protocol.ts';
import { findFreePorts } from '../services/free-port.ts';
import { waitUntil } from '../services/wait-until.ts';
import { writeSite } from './site-files.ts';
import { clientOf, makeFolder, type RunningPicket, startPicket } from './start-picket.ts';

const { folder, remove } = makeFolder();
let site: RunningPicket;
let data: string;
let link = 0;

beforeAll(async () => {
  [link = 0] = await findFreePorts(1);
  const written = writeSite({ folder, tier: 'centre', more: { link: { port: link } } });
  data = written.data;
  site = await startPicket(['up', '--site', written.file]);
});
afterAll(async () => {
  await site?.stop();
  remove();
});

test('a stranger who tries to enrol becomes an event, and the event an alert with its guide', async () => {
  const ca = (await readSecretFile(join(data, 'authority', 'ca.cert.pem')))?.toString('utf8') ?? '';
  const signal = AbortSignal.timeout(30_000);
  const stranger = await connectLink({ url: `https://127.0.0.1:${link}`, ca, signal });
  await expect(
    stranger.request({ path: ROUTES.enrol, body: Buffer.from('{"token":"guess"}'), signal }),
  ).rejects.toMatchObject({ code: 'LINK_MESSAGE_INVALID' });
  stranger.close();
  const api = clientOf(data);
  const find = async (): Promise<PicketEvent[]> => {
    const body = { query: 'event.dataset: picket.site and event.action: enrolment-refused' };
    return (await api.call<{ events: PicketEvent[] }>('POST', '/api/v1/search', body)).events;
  };
  await waitUntil({
    what: 'the event is found',
    holds: async () => (await find()).length > 0,
    timeout_ms: 20_000,
  });
  expect(await find()).toMatchObject([
    {
      source: { ip: '127.0.0.1' },
      error: { code: 'LINK_MESSAGE_INVALID' },
      picket: { class: 'operational', source: { id: 'picket' } },
      site_event: { count: 1 },
    },
  ]);
  const alerts = async (): Promise<Alert[]> =>
    (await api.call<{ alerts: Alert[] }>('GET', '/api/v1/alerts')).alerts;
  await waitUntil({
    what: 'the alert is there',
    holds: async () => (await alerts()).some(({ rule }) => rule.name === 'Enrolment Refused'),
    timeout_ms: 20_000,
  });
  const [alert] = await alerts();
  expect(alert).toMatchObject({ class: 'operational', rule: { level: 'low' } });
  expect(alert?.rule.guide).toContain('Search `event.dataset: picket.site');
}, 60_000);
