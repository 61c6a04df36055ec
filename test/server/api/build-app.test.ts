// The app bounds what a stranger may hold, and names its own session cookie in its description.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { silentLogger } from '../../../platform/core/log.ts';
import { buildApp } from '../../../server/api/build-app.ts';
import type { ApiDeps } from '../../../server/api/deps.ts';

const pageFolder = mkdtempSync(join(tmpdir(), 'picket-page-'));
afterAll(() => rmSync(pageFolder, { recursive: true, force: true }));

const deps = {
  config: { site: { id: 'lyon' }, listen: {} },
  logger: silentLogger,
  version: '0',
  access: {},
  unready: () => [],
  ruleDesk: { exceptions: {}, tallies: {} },
  pageFolder,
} as unknown as ApiDeps;

test('a request that never ends is cut, and so is one whose headers never end', async () => {
  const app = await buildApp(deps);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { requestTimeout, headersTimeout } = app.server;
  await app.close();
  expect(requestTimeout).toBeGreaterThan(0);
  expect(requestTimeout).toBeLessThanOrEqual(60_000);
  expect(headersTimeout).toBeGreaterThan(0);
});

test('the description names the cookie of this site', async () => {
  const app = await buildApp(deps);
  const { components } = (await app.inject('/openapi.json')).json<{
    components: { securitySchemes: { session: { name: string } } };
  }>();
  await app.close();
  expect(components.securitySchemes.session.name).toBe('picket_session_lyon');
});
