// The rules of one real site as a process: backtests, reloads and tuning over its API and by the command line.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  BacktestLine,
  BacktestView,
  ExplainView,
  ReloadView,
  RuleList,
} from '../../server/api/rule-contract.ts';
import { waitUntil } from '../services/wait-until.ts';
import { writeSite } from './site-files.ts';
import { clientOf, makeFolder, type RunningPicket, runPicket, startPicket } from './start-picket.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FALCO = join(ROOT, 'demo', 'recordings', 'falco.ndjson');
const RECORDS = readFileSync(FALCO, 'utf8').trimEnd().split('\n').length;
const { folder, remove } = makeFolder();
const own = join(folder, 'rules');
let site: RunningPicket;
let data: string;

/** A rule over Falco's own rule name. */
const shellRule = (more: { title?: string; level?: string; rule?: string } = {}): string => `
title: ${more.title ?? 'A shell in a container'}
id: 5d1c6f6e-7f0e-4c6f-9f0a-6b1d8b5b0001
name: shell_in_container
status: test
level: ${more.level ?? 'medium'}
logsource: { product: falco }
detection:
  selection:
    rule.name|contains: '${more.rule ?? 'shell'}'
  condition: selection
`;

beforeAll(async () => {
  mkdirSync(own);
  writeFileSync(join(own, 'shell.yml'), shellRule());
  const written = writeSite({ folder, tier: 'centre', more: { content: { rules: [own] } } });
  data = written.data;
  site = await startPicket(['up', '--site', written.file]);
  await runPicket(['replay', FALCO, '--source', 'falco', '--data', data]);
  await waitUntil({
    what: 'indexed',
    holds: async () =>
      (await clientOf(data).call<{ count: number }>('POST', '/api/v1/search/count', {})).count >= RECORDS,
    timeout_ms: 20_000,
  });
}, 90_000);
afterAll(async () => {
  await site?.stop();
  remove();
});

const picket = (...args: string[]): ReturnType<typeof runPicket> => runPicket([...args, '--data', data]);

describe('picket rules backtest', () => {
  test('runs the rules in force over the index, progress on stderr and one result on stdout', async () => {
    const end = await picket('rules', 'backtest', '--since', '2020-01-01T00:00:00Z', '--json');
    expect(end.code).toBe(0);
    const result = JSON.parse(end.stdout) as BacktestView;
    const shells = readFileSync(FALCO, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { rule: string }).rule)
      .filter((rule) => /shell/i.test(rule)).length;
    expect(shells).toBeGreaterThan(0);
    expect(result).toMatchObject({ complete: true, matches: shells, refused: [], unanswered: [] });
    // The query left the other records out.
    expect(result.events).toBe(shells);
    const [rule] = result.rules;
    expect(rule).toMatchObject({ name: 'A shell in a container', matches: shells });
    expect(rule?.alerts).toBeGreaterThan(0);
    expect(rule?.samples[0]).toMatchObject({ site: 'centre' });
    expect(end.stderr).toContain('events looked at');
  }, 60_000);

  test('gives as many alerts as the running detector made', async () => {
    const end = await picket('rules', 'backtest', '--since', '2020-01-01T00:00:00Z', '--json');
    const wanted = (JSON.parse(end.stdout) as BacktestView).rules[0]?.alerts;
    expect(wanted).toBeGreaterThan(0);
    const count = async (): Promise<number> =>
      (await clientOf(data).call<{ total: number }>('GET', '/api/v1/alerts')).total;
    await waitUntil({
      what: 'alerts',
      holds: async () => (await count()) >= (wanted ?? 0),
      timeout_ms: 20_000,
    });
    expect(await count()).toBe(wanted);
  }, 60_000);

  test('runs a draft that is not installed, refuses what of it cannot be read, and installs nothing', async () => {
    const draft = join(folder, 'draft');
    mkdirSync(draft);
    writeFileSync(
      join(draft, 'all.yml'),
      shellRule({ title: 'Everything', rule: '' }).replace('0001', '0002'),
    );
    writeFileSync(join(draft, 'broken.yml'), shellRule().replace('condition: selection', 'condition: none'));
    const end = await picket(
      'rules',
      'backtest',
      '--since',
      '2020-01-01T00:00:00Z',
      '--rules',
      draft,
      '--json',
    );
    expect(end.code).toBe(1);
    const result = JSON.parse(end.stdout) as BacktestView;
    expect(result.rules).toMatchObject([{ name: 'Everything', matches: RECORDS }]);
    expect(result.refused).toHaveLength(1);
    expect(result.refused[0]?.place).toContain('broken.yml');
    const list = await clientOf(data).call<RuleList>('GET', '/api/v1/rules');
    expect(list.rules.map(({ name }) => name)).toEqual(['A shell in a container']);
    const people = await picket('rules', 'backtest', '--since', '2020-01-01T00:00:00Z', '--rules', draft);
    expect(people.stdout).toContain(`${RECORDS} matches`);
  }, 60_000);

  test('says what is wrong with what it is asked', async () => {
    const none = await picket('rules', 'backtest', '--since', '7d', '--id', 'nothing');
    expect(none.code).toBe(3);
    expect(none.stderr).toContain('[RULE_NOT_FOUND]');
    const until = await picket('rules', 'backtest', '--since', '7d', '--until', '8d');
    expect(until.stderr).toContain('[TIME_INVALID]');
    const samples = await picket('rules', 'backtest', '--since', '7d', '--samples', '101');
    expect(samples.stderr).toContain('[SAMPLES_INVALID]');
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    expect((await picket('rules', 'backtest', '--since', '7d', '--rules', empty)).stderr).toContain(
      '[DRAFT_EMPTY]',
    );
  }, 60_000);

  test('refuses a third at once, and gives the place back when a client goes away', async () => {
    const request = {
      from: '2020-01-01T00:00:00Z',
      drafts: [{ name: 'a.yml', text: shellRule({ rule: '' }) }],
    };
    const client = clientOf(data);
    const codes = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const stop = new AbortController();
        for await (const line of client.stream<BacktestLine>(
          '/api/v1/rules/backtest',
          request,
          stop.signal,
        )) {
          if ('problem' in line) return line.problem.code;
          if ('result' in line) return 'done';
          break;
        }
        return 'left';
      }),
    );
    expect(codes).toContain('BACKTEST_BUSY');
    await waitUntil({
      what: 'free again',
      holds: async () => {
        for await (const line of client.stream<BacktestLine>('/api/v1/rules/backtest', request))
          if ('result' in line) return true;
        return false;
      },
      timeout_ms: 20_000,
    });
  }, 60_000);
});

describe('picket rules explain', () => {
  test('explains a rule in force on an event of the index, by id and by name, and as JSON', async () => {
    const found = await picket('search', 'rule.name: *shell*', '--limit', '1', '--json');
    const event = JSON.parse(found.stdout) as { event: { id: string } };
    for (const rule of ['shell_in_container', '5d1c6f6e-7f0e-4c6f-9f0a-6b1d8b5b0001']) {
      const end = await picket('rules', 'explain', rule, event.event.id);
      expect(end).toMatchObject({ code: 0, stderr: '' });
      expect(end.stdout).toContain('A shell in a container');
      expect(end.stdout).toMatch(/\[x\] rule\.name: the event has ".*shell.*"/i);
      expect(end.stdout).toContain('[x] contains "shell"');
    }
    const file = join(folder, 'event.json');
    writeFileSync(file, found.stdout);
    const json = await picket('rules', 'explain', 'shell_in_container', file, '--json');
    expect((JSON.parse(json.stdout) as ExplainView).explanations).toMatchObject([
      { matches: true, fed: true },
    ]);
  }, 60_000);

  test('works without a site when both are files, and says by its exit code that nothing matched', async () => {
    const record = readFileSync(FALCO, 'utf8').split('\n')[0] as string;
    const rule = join(own, 'shell.yml');
    const file = join(folder, 'record.json');
    writeFileSync(file, record);
    const args = ['rules', 'explain', rule, file, '--source', 'falco', '--data', join(folder, 'nowhere')];
    const end = await runPicket(args);
    expect(end.stderr).toBe('');
    expect(end.code).toBe(/shell/i.test((JSON.parse(record) as { rule: string }).rule) ? 0 : 1);
    const piped = await runPicket(['rules', 'explain', rule, '-', '--raw'], {
      input: '{"rule": {"name": "a shell"}}',
    });
    expect(piped.code).toBe(0);
    const miss = await runPicket(['rules', 'explain', rule, '-', '--raw'], { input: '{"rule": {}}' });
    expect(miss.code).toBe(1);
    expect(miss.stdout).toContain('the event has nothing');
  }, 60_000);

  test('says what is not there', async () => {
    expect((await picket('rules', 'explain', 'none', 'none')).stderr).toContain('[NOT_FOUND]');
    const file = join(folder, 'any.json');
    writeFileSync(file, '{"a": 1}');
    expect((await picket('rules', 'explain', 'none', file)).stderr).toContain('[RULE_NOT_FOUND]');
    writeFileSync(file, 'nothing');
    expect((await picket('rules', 'explain', 'none', file)).stderr).toContain('[EVENT_INVALID]');
  }, 60_000);
});

describe('a reload', () => {
  test('takes new, changed and removed rules into force, and keeps the rest', async () => {
    writeFileSync(join(own, 'shell.yml'), shellRule({ level: 'high' }));
    writeFileSync(join(own, 'more.yml'), shellRule({ title: 'More' }).replace('0001', '0003'));
    const end = await picket('rules', 'reload', '--json');
    expect(end).toMatchObject({ code: 0, stderr: '' });
    const done = JSON.parse(end.stdout) as ReloadView;
    expect(done).toMatchObject({ rules: 2, removed: [], refused: [] });
    expect(done.added).toEqual(['5d1c6f6e-7f0e-4c6f-9f0a-6b1d8b5b0003']);
    expect(done.changed).toEqual(['5d1c6f6e-7f0e-4c6f-9f0a-6b1d8b5b0001']);
    rmSync(join(own, 'more.yml'));
    const list = await picket('rules', 'list');
    expect(list.stdout).toContain('More');
    // By signal, as an operator's tools do.
    site.child.kill('SIGHUP');
    await waitUntil({
      what: 'reloaded by SIGHUP',
      holds: async () => (await clientOf(data).call<RuleList>('GET', '/api/v1/rules')).rules.length === 1,
      timeout_ms: 20_000,
    });
  }, 60_000);

  test('says what it refused and exits with 1; what was good is in force', async () => {
    writeFileSync(join(own, 'broken.yml'), 'title: Broken\n');
    const end = await picket('rules', 'reload');
    expect(end.code).toBe(1);
    expect(end.stdout).toContain('broken.yml');
    expect(end.stdout).toContain('1 rules in force');
    rmSync(join(own, 'broken.yml'));
    expect((await picket('rules', 'reload')).code).toBe(0);
  }, 60_000);
});
