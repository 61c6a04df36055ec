// One real centre as a process, driven over its API and by the command line.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PicketEvent } from '../../platform/core/event.ts';
import { findFreePorts } from '../services/free-port.ts';
import { waitUntil } from '../services/wait-until.ts';
import { writeSite } from './site-files.ts';
import {
  clientOf,
  makeFolder,
  type RunningPicket,
  readAddress,
  runPicket,
  startPicket,
} from './start-picket.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FALCO = join(ROOT, 'demo', 'recordings', 'falco.ndjson');
const { folder, remove } = makeFolder();
let site: RunningPicket;
let data: string;

beforeAll(async () => {
  const [link] = await findFreePorts(1);
  const written = writeSite({ folder, tier: 'centre', more: { link: { port: link } } });
  data = written.data;
  site = await startPicket(['up', '--site', written.file]);
});
afterAll(async () => {
  await site?.stop();
  remove();
});

interface Asked {
  status: number;
  type: string;
  body: { code?: string; place?: string; title?: string; status?: number } & Record<string, unknown>;
  headers: Headers;
}

/** As the command line would ask, with its token; `init` overrides. */
async function ask(
  path: string,
  init: RequestInit & { json?: unknown; token?: string | null } = {},
): Promise<Asked> {
  const { json, token = readAddress(data).token, headers, ...rest } = init;
  const response = await fetch(new URL(path, site.url), {
    ...rest,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(headers as Record<string, string> | undefined),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    body: text.startsWith('{') ? (JSON.parse(text) as Asked['body']) : {},
    headers: response.headers,
  };
}

function expectProblem(asked: Asked, status: number, code: string): void {
  expect(asked.status).toBe(status);
  expect(asked.type).toContain('application/problem+json');
  expect(asked.body).toMatchObject({ status, code });
  expect(asked.body.title).toBeTruthy();
}

async function countEvents(): Promise<number> {
  return (await clientOf(data).call<{ count: number }>('POST', '/api/v1/search/count', {})).count;
}

describe('the command line against a running site', () => {
  test('replay feeds a recording in, once however often it is fed', async () => {
    for (let time = 0; time < 2; time++) {
      const end = await runPicket(['replay', FALCO, '--source', 'falco', '--data', data, '--json']);
      expect(end).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(end.stdout)).toEqual({ records: 19, accepted: 19, rejected: 0, events: 19 });
    }
    await waitUntil({ what: 'indexed', holds: async () => (await countEvents()) >= 19, timeout_ms: 20_000 });
    expect(await countEvents()).toBe(19);
  }, 60_000);

  test('replay puts what cannot be read to the dead letters and exits with 1; an unknown source is named', async () => {
    const broken = join(folder, 'broken.ndjson');
    writeFileSync(broken, '{"truncated":\n');
    const end = await runPicket(['replay', broken, '--source', 'falco', '--data', data, '--json']);
    expect(end.code).toBe(1);
    expect(JSON.parse(end.stdout)).toMatchObject({ rejected: 1, events: 0 });
    const { body } = await ask('/api/v1/dead-letters');
    expect(body['dead_letters']).toMatchObject([{ source: 'falco', stage: 'normalise', replayed: false }]);
    const unknown = await runPicket(['replay', broken, '--source', 'none', '--data', data]);
    expect(unknown.code).toBe(3);
    expect(unknown.stderr).toContain('it has: falco, kubernetes, trivy, ecs');
  }, 60_000);

  test('dead letters that are fed in again in vain, or cannot be, are told by number and exit code', async () => {
    const large = join(folder, 'large.ndjson');
    writeFileSync(large, `{"truncated":"${'x'.repeat(1_100_000)}\n`);
    await runPicket(['replay', large, '--source', 'ecs', '--data', data]);
    const first = await runPicket(['dead-letters', 'replay', '--data', data, '--json']);
    expect(first.code).toBe(1);
    expect(JSON.parse(first.stdout)).toMatchObject({
      replayed: 1,
      accepted: 0,
      rejected: 1,
      already: 0,
      failed: [{ code: 'DEAD_LETTER_NOT_REPLAYABLE', message: 'only the first part of the record was kept' }],
    });
    const none = await runPicket(['dead-letters', 'replay', '--code', 'NONE', '--data', data]);
    expect(none).toMatchObject({ code: 0, stdout: '0 replayed: 0 accepted, 0 rejected again\n' });
  }, 60_000);

  test('what was done by hand is listed with its actor', async () => {
    const { body } = await ask('/api/v1/audit?where=kind:%20dead-letters-replayed&limit=1');
    expect(body).toMatchObject({
      acts: [{ kind: 'dead-letters-replayed', actor: 'cli', about: { code: 'NONE' } }],
      total: 2,
    });
    const alert = await ask('/api/v1/alerts/none', { method: 'PATCH', json: { status: 'closed' } });
    expectProblem(alert, 404, 'ALERT_NOT_FOUND');
    const acts = (await ask('/api/v1/audit')).body['acts'] as { kind: string }[];
    expect(acts.some(({ kind }) => kind === 'records-replayed')).toBe(true);
    expect(acts.some(({ kind }) => kind === 'alert-status')).toBe(false);
  });

  test('search finds by KQL, one event a line with --json, and says where a query breaks', async () => {
    const end = await runPicket([
      'search',
      'event.dataset: falco*',
      '--data',
      data,
      '--json',
      '--limit',
      '5',
    ]);
    expect(end).toMatchObject({ code: 0, stderr: '' });
    const events = end.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as PicketEvent);
    expect(events).toHaveLength(5);
    for (const { event } of events) expect(event.module).toBe('falco');
    const none = await runPicket(['search', 'event.dataset: nothing', '--data', data, '--json']);
    expect(none).toMatchObject({ code: 0, stdout: '' });
    const wrong = await runPicket(['search', 'a: (b', '--data', data]);
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toContain('[KQL_SYNTAX]');
  }, 60_000);

  test('sites lists this one, and a new one gets a bundle', async () => {
    const list = await runPicket(['sites', '--data', data, '--json']);
    expect(JSON.parse(list.stdout)).toMatchObject({ sites: [{ id: 'centre', link: 'self' }] });
    const args = ['sites', 'new', 'paris', '--jurisdiction', 'eu-fr', '--data', data, '--json'];
    const invited = await runPicket(args);
    expect(invited).toMatchObject({ code: 0, stderr: '' });
    const { bundle } = JSON.parse(invited.stdout) as { bundle: string };
    expect(bundle.length).toBeGreaterThan(50);
  }, 60_000);

  test('a site is cut off by name, with who did it and why', async () => {
    await runPicket(['sites', 'new', 'nice', '--jurisdiction', 'eu-fr', '--data', data]);
    const args = ['sites', 'revoke', 'nice', '--data', data];
    expect((await runPicket(args)).code).toBe(2);
    const end = await runPicket([...args, '--reason', 'stolen']);
    expect(end).toMatchObject({ code: 0, stdout: 'nice is revoked\n' });
    const { body } = await ask('/api/v1/audit?where=kind:%20site-revoked');
    expect(body['acts']).toMatchObject([{ actor: 'cli', about: { site: 'nice' }, reason: 'stolen' }]);
    const unknown = await runPicket(['sites', 'revoke', 'none', '--reason', 'x', '--data', data]);
    expect(unknown).toMatchObject({ code: 3 });
    expect(unknown.stderr).toBe('picket: none is no child of this site [SITE_UNKNOWN]\n');
  }, 60_000);
});

describe('signing in', () => {
  const signIn = (token: string): Promise<Asked> =>
    ask('/api/v1/session', { method: 'POST', json: { token }, token: null });

  test('works once by its link, with a cookie that scripts and other sites do not get', async () => {
    const token = new URL(site.signIn).hash.replace('#token=', '');
    const first = await signIn(token);
    expect(first.status).toBe(200);
    const cookie = first.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^picket_session_centre=[\w-]{43}; /);
    for (const flag of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=']) expect(cookie).toContain(flag);
    expectProblem(await signIn(token), 401, 'SIGN_IN_INVALID');

    const session = { cookie: cookie.split(';')[0] as string };
    expect((await ask('/api/v1/session', { token: null, headers: session })).body).toMatchObject({
      actor: 'operator',
      site: { id: 'centre', tenant: 'acme' },
    });
    const change = (headers: Record<string, string>): Promise<Asked> =>
      ask('/api/v1/search/count', {
        method: 'POST',
        json: {},
        token: null,
        headers: { ...session, ...headers },
      });
    expectProblem(await change({ origin: 'https://evil.example' }), 403, 'FORBIDDEN');
    expectProblem(await change({ origin: 'null' }), 403, 'FORBIDDEN');
    expectProblem(await change({ 'sec-fetch-site': 'cross-site' }), 403, 'FORBIDDEN');
    expect((await change({ origin: site.url.replace(/\/$/, '') })).status).toBe(200);
    const out = await ask('/api/v1/session', {
      method: 'DELETE',
      token: null,
      headers: { ...session, origin: site.url.replace(/\/$/, '') },
    });
    expect(out.status).toBe(204);
    expectProblem(await ask('/api/v1/session', { token: null, headers: session }), 401, 'SIGN_IN_REQUIRED');
  });

  test('of two that use a link at once, one gets in', async () => {
    const { body } = await ask('/api/v1/sign-in-links', { method: 'POST' });
    const token = body['token'] as string;
    const both = await Promise.all([signIn(token), signIn(token)]);
    expect(both.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 401]);
  });

  test('a wrong token, or none, is 401 everywhere but at the door', async () => {
    expectProblem(await signIn('wrong'), 401, 'SIGN_IN_INVALID');
    expectProblem(await ask('/api/v1/sites', { token: 'wrong' }), 401, 'SIGN_IN_REQUIRED');
    expectProblem(await ask('/api/v1/sites', { token: null }), 401, 'SIGN_IN_REQUIRED');
    expectProblem(await ask('/api/v1/stream', { token: null }), 401, 'SIGN_IN_REQUIRED');
    // A session's cookie is no API token, and a token no cookie.
    const { token } = readAddress(data);
    const cookie = await ask('/api/v1/sites', {
      token: null,
      headers: { cookie: `picket_session_centre=${token}` },
    });
    expect(cookie).toMatchObject({ status: 401, body: { code: 'SIGN_IN_REQUIRED' } });
  });
});

describe('problems', () => {
  test('a query that is no KQL is 400 with the column', async () => {
    const asked = await ask('/api/v1/search', { method: 'POST', json: { query: 'a: b and' } });
    expectProblem(asked, 400, 'KQL_SYNTAX');
    expect(asked.body.place).toMatch(/\d/);
  });

  test('what is not there is 404', async () => {
    expectProblem(await ask('/api/v1/sites/none'), 404, 'NOT_FOUND');
    expectProblem(await ask('/api/v1/events/none'), 404, 'NOT_FOUND');
    expectProblem(await ask('/api/v1/alerts/none'), 404, 'ALERT_NOT_FOUND');
    expectProblem(await ask('/api/v1/incidents/none'), 404, 'INCIDENT_NOT_FOUND');
    expectProblem(await ask('/api/v1/runs/none'), 404, 'RUN_NOT_FOUND');
    expect((await ask('/api/v1/none')).status).toBe(404);
    expect((await ask('/api/v1/none')).type).toContain('application/problem+json');
  });

  const HOSTILE = [
    '..%2f..%2fetc%2fpasswd',
    '__proto__',
    'constructor',
    '%00',
    '%ff%fe',
    "'%20or%201=1--",
    'a'.repeat(500),
    '%F0%9F%92%A9',
    '%E2%80%AE',
    '-1',
    '*',
  ];

  test('hostile ids are never an error of ours', async () => {
    for (const id of HOSTILE) {
      for (const path of [
        'sites/ID',
        'sites/ID/posture',
        'events/ID',
        'alerts/ID',
        'incidents/ID',
        'runs/ID',
      ]) {
        const { status } = await ask(`/api/v1/${path.replace('ID', id)}`);
        expect(status, `${path} ${id}`).toBeLessThan(500);
      }
      const lift = await ask(`/api/v1/sites/${id}/changes/${id}/lift`, {
        method: 'POST',
        json: { reason: 'x' },
      });
      expect(lift.status, `lift ${id}`).toBeLessThan(500);
      const decision = await ask(`/api/v1/runs/${id}/decision`, {
        method: 'POST',
        json: { decision: 'approved' },
      });
      expect(decision.status, `decision ${id}`).toBeLessThan(500);
    }
  }, 60_000);

  test('hostile cursors, limits, queries and bodies are never an error of ours', async () => {
    const cursors = [
      'x',
      '{}',
      'null',
      '0',
      '__proto__',
      'eyJ9',
      Buffer.from('[1,2]').toString('base64url'),
      Buffer.from('{"a":{}}').toString('base64url'),
      'é',
      "' or 1=1",
    ];
    for (const cursor of cursors) {
      const search = await ask('/api/v1/search', { method: 'POST', json: { cursor } });
      expect(search.status, `search ${cursor}`).toBeLessThan(500);
      for (const list of ['alerts', 'incidents', 'runs']) {
        const { status } = await ask(`/api/v1/${list}?cursor=${encodeURIComponent(cursor)}`);
        expect(status, `${list} ${cursor}`).toBeLessThan(500);
      }
    }
    for (const limit of ['0', '-1', '1e9', 'NaN', '1.5', '', '9'.repeat(400), '__proto__']) {
      const { status } = await ask(`/api/v1/alerts?limit=${limit}`);
      expect(status, `limit ${limit}`).toBeLessThan(500);
    }
    const queries = [
      '(',
      '"',
      'a:',
      '*',
      'not',
      'a: {',
      '('.repeat(3_000),
      'a: *'.repeat(2_000),
      '__proto__: x',
      'a: b'.padEnd(9_999, ' '),
      '@timestamp > "x"',
      'source.ip: "1.2.3.4/99"',
      '\u0000',
    ];
    for (const query of queries) {
      const search = await ask('/api/v1/search', { method: 'POST', json: { query } });
      expect(search.status, `query ${query.slice(0, 40)}`).toBeLessThan(500);
      const list = await ask(`/api/v1/alerts?where=${encodeURIComponent(query)}`);
      expect(list.status, `where ${query.slice(0, 40)}`).toBeLessThan(500);
    }
    const bodies = [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{"__proto__":{"a":1}}',
      '['.repeat(20_000),
      '{"from":"yesterday"}',
      '{"limit":1e400}',
      '{"datasets":[1]}',
    ];
    for (const body of bodies) {
      const { status } = await ask('/api/v1/search', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      });
      expect(status, `body ${body.slice(0, 40)}`).toBeLessThan(500);
    }
    for (const body of [{ field: '__proto__' }, { field: 'a..b' }, { field: '*' }, { field: '\u0000' }]) {
      const { status } = await ask('/api/v1/search/top-values', { method: 'POST', json: body });
      expect(status, `body ${JSON.stringify(body)}`).toBeLessThan(500);
    }
    for (const more of [
      { from: '0001-01-01T00:00:00Z' },
      { from: '9999-12-31T23:59:59Z', to: '0001-01-01T00:00:00Z' },
    ]) {
      const { status } = await ask('/api/v1/search/histogram', {
        method: 'POST',
        json: { ...more, interval_ms: 1_000 },
      });
      expect(status, `histogram ${JSON.stringify(more)}`).toBeLessThan(500);
    }
    const records = [{ bytes: '!', ordinal: 0, received: '9999-12-31T23:59:59Z' }];
    const replay = await ask('/api/v1/replay', { method: 'POST', json: { source: 'ecs', records } });
    expect(replay.status).toBeLessThan(500);
    const shift = [
      {
        bytes: Buffer.from('{"@timestamp":"2026-11-23T08:00:00Z"}').toString('base64'),
        ordinal: 0,
        shift_ms: Number.MAX_SAFE_INTEGER,
      },
    ];
    const shifted = await ask('/api/v1/replay', { method: 'POST', json: { source: 'ecs', records: shift } });
    expect(shifted.status).toBeLessThan(500);
    expect((await fetch(new URL('/livez', site.url))).status).toBe(200);
  }, 60_000);
});

describe('the description of the API', () => {
  test('is OpenAPI 3.1 that names every route, with references that lead somewhere', async () => {
    const { body } = await ask('/openapi.json', { token: null });
    expect(body['openapi']).toMatch(/^3\.1\./);
    expect(body['info']).toMatchObject({ title: 'Picket' });
    const paths = body['paths'] as Record<string, Record<string, { responses?: object; summary?: string }>>;
    const routes = join(ROOT, 'server', 'api', 'routes');
    const files = readdirSync(routes, { recursive: true, encoding: 'utf8' });
    const declared = files
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) =>
        [
          ...readFileSync(join(routes, name), 'utf8').matchAll(
            /api\.(get|post|patch|delete|put)\(\s*'([^']+)'/g,
          ),
        ].map(([, method, path]) => `${method} /api/v1${path?.replace(/:(\w+)/g, '{$1}')}`),
      );
    expect(declared.length).toBeGreaterThan(30);
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual(declared.sort());
    for (const [path, operations] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        expect(operation.summary, `${method} ${path}`).toBeTruthy();
        expect(Object.keys(operation.responses ?? {}), `${method} ${path}`).not.toEqual([]);
      }
    }
    const text = JSON.stringify(body);
    for (const [, pointer] of text.matchAll(/"\$ref":"#([^"]+)"/g)) {
      const found = (pointer as string)
        .split('/')
        .slice(1)
        .reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], body);
      expect(found, `reference ${pointer}`).toBeDefined();
    }
  });
});

describe('live changes', () => {
  async function read(after: string | undefined, wanted: number): Promise<{ id: number; change: object }[]> {
    const stop = new AbortController();
    const response = await fetch(new URL('/api/v1/stream', site.url), {
      headers: {
        authorization: `Bearer ${readAddress(data).token}`,
        ...(after === undefined ? {} : { 'last-event-id': after }),
      },
      signal: AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)]),
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    let text = '';
    const decoder = new TextDecoder();
    const found: { id: number; change: object }[] = [];
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(piece, { stream: true });
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const id = /^id: (\d+)$/m.exec(event)?.[1];
        const body = /^data: (.+)$/m.exec(event)?.[1];
        if (id !== undefined && body !== undefined)
          found.push({ id: Number(id), change: JSON.parse(body) as object });
      }
      if (found.length >= wanted) break;
    }
    stop.abort();
    return found;
  }

  test('resume after Last-Event-ID, in order and without credentials', async () => {
    for (const id of ['s1', 's2', 's3']) {
      const json = { id, tier: 'edge', jurisdiction: 'eu-fr' };
      expect((await ask('/api/v1/sites', { method: 'POST', json })).status).toBe(201);
    }
    const all = await read('1', 3);
    const ids = all.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(JSON.stringify(all)).not.toMatch(/sessions|api-tokens|enrolment/);
    const [, second, third] = all.slice(-3);
    const after = await read(String(second?.id), 1);
    expect(after[0]).toEqual(third);
  }, 60_000);

  test('a Last-Event-ID that is none starts with what comes now', async () => {
    const reading = read('drop table', 1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await ask('/api/v1/sites', { method: 'POST', json: { id: 's4', tier: 'edge', jurisdiction: 'eu-fr' } });
    expect((await reading)[0]?.change).toMatchObject({ collection: 'sites', id: 's4' });
  }, 60_000);
});
