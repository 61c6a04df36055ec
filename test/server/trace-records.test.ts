// A record followed through the logs of a real site, from its receipt to the alert that it is in.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Alert } from '../../platform/core/alert.ts';
import { traceIdOf } from '../../platform/core/trace-id.ts';
import { waitUntil } from '../services/wait-until.ts';
import { writeSite } from './site-files.ts';
import { clientOf, makeFolder, runPicket, startPicket } from './start-picket.ts';

const { folder, remove } = makeFolder();
afterAll(remove);
const FALCO = join(import.meta.dirname, '..', '..', 'demo', 'recordings', 'falco.ndjson');

test('one trace id stands in the log lines of every stage, up to the alert', {
  timeout: 90_000,
}, async () => {
  const log = join(folder, 'picket.log');
  const { file, data } = writeSite({ folder, tier: 'centre', more: { log: { level: 'debug', file: log } } });
  const site = await startPicket(['up', '--site', file]);
  try {
    await runPicket(['replay', FALCO, '--source', 'falco', '--data', data]);
    let alerts: Alert[] = [];
    await waitUntil({
      what: 'an alert',
      timeout_ms: 30_000,
      holds: async () => {
        ({ alerts } = await clientOf(data).call<{ alerts: Alert[] }>('GET', '/api/v1/alerts'));
        return alerts.length > 0;
      },
    });
    const [alert] = alerts as [Alert];
    const trace = traceIdOf(alert.events[0]?.id ?? '');
    const lines = (): Record<string, unknown>[] =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((line) => line['trace.id'] === trace);
    const said = (): Set<unknown> => new Set(lines().map(({ msg }) => msg));
    await waitUntil({ what: 'it is indexed', timeout_ms: 30_000, holds: () => said().has('created') });
    expect(said()).toEqual(new Set(['accepted', 'created', 'matched', 'in an alert']));
    expect(lines().find(({ msg }) => msg === 'in an alert')).toMatchObject({ rule: expect.any(String) });
  } finally {
    await site.stop();
  }
});
