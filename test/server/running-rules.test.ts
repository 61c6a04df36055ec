// The rules of one real site as a process: backtests, reloads and tuning over its API and by the command line.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Alert } from '../../platform/core/alert.ts';
import type { AlertList } from '../../server/api/contract.ts';
import type { CoverageView } from '../../server/api/coverage-contract.ts';
import type { ExceptionList, ExceptionPreview, ExceptionView } from '../../server/api/exception-contract.ts';
import type { PackChangeView, PackList, PackView } from '../../server/api/pack-contract.ts';
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
  writeFileSync(
    join(own, 'quiet.yml'),
    shellRule({ title: 'Quiet', level: 'informational' }).replace('0001', '0009'),
  );
  const written = writeSite({
    folder,
    tier: 'centre',
    more: { content: { rules: [own] }, detect: { exceptions: 'exceptions', gates: { level: 'low' } } },
  });
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

describe('exceptions', () => {
  const filterText = (
    more: { id?: string; value?: string; expires?: string; rules?: string } = {},
  ): string => `
title: The test pod
id: 20000000-0000-4000-8000-00000000000${more.id ?? '1'}
author: li
logsource: { product: falco }
filter:
  rules: ${more.rules ?? '[shell_in_container]'}
  selection: { rule.name|contains: '${more.value ?? 'shell'}' }
  condition: not selection
picket: { reason: It is ours${more.expires === '' ? '' : `, expires: ${more.expires ?? '2099-01-01'}`} }
`;
  const since = ['--since', '2020-01-01T00:00:00Z'];

  test('can be drafted from an alert, previewed over history, and come in force for what follows', async () => {
    const { alerts } = await clientOf(data).call<AlertList>('GET', '/api/v1/alerts');
    const [alert] = alerts as [Alert];
    const args = ['rules', 'exceptions', 'draft', alert.id, '--reason', 'A drill', '--expires', '2099-01-01'];
    const draft = await picket(...args);
    expect(draft).toMatchObject({ code: 0, stderr: '' });
    const file = join(folder, 'drill.yml');
    writeFileSync(file, draft.stdout);
    const preview = await picket('rules', 'exceptions', 'preview', file, ...since, '--json');
    expect(preview).toMatchObject({ code: 0, stderr: '' });
    const told = JSON.parse(preview.stdout) as ExceptionPreview;
    expect(told.hidden).toBe(alert.count);
    expect(told.alerts_before - told.alerts_after).toBe(1);
    expect(told.rules[0]?.samples.map(({ event }) => event)).toContain(alert.events[0]?.id);
    expect((await clientOf(data).call<ExceptionList>('GET', '/api/v1/rules/exceptions')).exceptions).toEqual(
      [],
    );

    const added = await picket('rules', 'exceptions', 'add', file, ...since, '--json');
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const { exception } = JSON.parse(added.stdout) as { exception: ExceptionView };
    expect(exception).toMatchObject({ state: 'active', reason: 'A drill', suppressed: 0, actor: 'cli' });
    // The same records again, as if they happened now: the engine matches, the exception hides.
    const again = join(folder, 'again.ndjson');
    const records = readFileSync(FALCO, 'utf8').trimEnd().split('\n');
    const renewed = records.map((line) => {
      const { uuid: _, ...record } = JSON.parse(line) as { uuid?: string };
      return JSON.stringify({ ...record, again: true });
    });
    writeFileSync(again, `${renewed.join('\n')}\n`);
    await picket('replay', again, '--source', 'falco');
    await waitUntil({
      what: 'suppressed',
      holds: async () => {
        const list = await clientOf(data).call<ExceptionList>('GET', '/api/v1/rules/exceptions');
        return list.exceptions[0]?.suppressed === alert.count;
      },
      timeout_ms: 20_000,
    });
    const show = await picket('rules', 'exceptions', 'show', exception.id);
    expect(show.stdout).toContain('A drill');
    expect(show.stdout).toContain(`hid ${alert.count} matches`);
    const list = await clientOf(data).call<RuleList>('GET', '/api/v1/rules');
    expect(list.rules[0]?.exceptions).toEqual([exception.id]);
    expect(list.rules[0]?.matches).toBeGreaterThan(0);
    const backtest = async (...more: string[]): Promise<BacktestView> =>
      JSON.parse((await picket('rules', 'backtest', ...since, '--json', ...more)).stdout) as BacktestView;
    expect((await backtest()).rules[0]?.suppressed_by).toEqual({ [exception.id]: alert.count * 2 });
    expect((await backtest('--no-exceptions')).suppressed).toBe(0);

    const removed = await picket('rules', 'exceptions', 'remove', exception.id);
    expect(removed).toMatchObject({ code: 0, stderr: '' });
    expect((await backtest()).suppressed).toBe(0);
    expect((await picket('rules', 'exceptions', 'remove', exception.id)).stderr).toContain(
      '[EXCEPTION_NOT_FOUND]',
    );
  }, 90_000);

  test('are refused with code and place when they could not work, or would never end', async () => {
    const file = join(folder, 'one.yml');
    const add = async (text: string, ...more: string[]): Promise<string> => {
      writeFileSync(file, text);
      const end = await picket('rules', 'exceptions', 'add', file, '--no-preview', ...more);
      expect(end.code).toBe(end.stderr === '' ? 0 : 3);
      return end.stderr;
    };
    expect(await add(filterText({ expires: '' }))).toContain('[EXCEPTION_ENDLESS]');
    expect(await add(filterText({ expires: '2020-01-01' }))).toContain('[EXCEPTION_EXPIRED]');
    expect(await add(filterText({ rules: '[nobody]' }))).toMatch(
      /exception:\d+.*\[SIGMA_FILTER_UNKNOWN_RULE\]/,
    );
    expect(await add('title: [')).toContain('[YAML_INVALID]');
    expect(await add(filterText({ expires: '' }), '--permanent')).toBe('');
    expect(await add(filterText())).toContain('[EXCEPTION_EXISTS]');
    expect((await picket('rules', 'exceptions', 'remove', '20000000-0000-4000-8000-000000000001')).code).toBe(
      0,
    );
  }, 60_000);

  test('of the configuration come by a reload, cannot be removed by the API, and are told when they ended', async () => {
    const inFolder = join(folder, 'exceptions');
    mkdirSync(inFolder);
    writeFileSync(join(inFolder, 'ours.yml'), filterText({ id: '2', value: 'nothing' }));
    writeFileSync(join(inFolder, 'old.yml'), filterText({ id: '3', expires: '2020-01-01' }));
    writeFileSync(join(inFolder, 'bad.yml'), filterText({ id: '4' }).replace('author: li\n', ''));
    expect((await picket('rules', 'reload')).code).toBe(0);
    const listed = await picket('rules', 'exceptions', '--json');
    expect(listed.code).toBe(1);
    const list = JSON.parse(listed.stdout) as ExceptionList;
    const states = list.exceptions.map(({ id, state }): [string, string] => [id.at(-1) ?? '', state]);
    expect(states.sort(([a], [b]) => (a < b ? -1 : 1))).toEqual([
      ['2', 'active'],
      ['3', 'expired'],
    ]);
    expect(list.refused).toMatchObject([{ code: 'EXCEPTION_INCOMPLETE' }]);
    expect(list.refused[0]?.place).toContain('bad.yml');
    expect(readFileSync(join(folder, 'picket.log'), 'utf8')).toContain('EXCEPTION_EXPIRED');
    const removed = await picket('rules', 'exceptions', 'remove', '20000000-0000-4000-8000-000000000002');
    expect(removed.stderr).toContain('[EXCEPTION_IN_FILE]');
    const people = await picket('rules', 'exceptions', 'list');
    expect(people.stdout).toContain('It is ours');
    rmSync(inFolder, { recursive: true });
    mkdirSync(inFolder);
    await picket('rules', 'reload');
  }, 60_000);
});

describe('packs', () => {
  const vendor = join(folder, 'vendor');
  const packRule = (id: number, title: string, rule: string): string =>
    shellRule({ title, rule, level: 'high' })
      .replace('0001', `010${id}`)
      .replace('shell_in_container', `vendor_${id}`)
      .replace('status: test', 'status: test\nlicense: MIT');
  const list = async (): Promise<PackView[]> =>
    (await clientOf(data).call<PackList>('GET', '/api/v1/rules/packs')).packs;
  const since = ['--since', '2020-01-01T00:00:00Z'];

  test('are added from a folder, pinned, listed with licence, and their rules come in force', async () => {
    mkdirSync(vendor);
    writeFileSync(join(vendor, 'one.yml'), packRule(1, 'Vendor one', 'shell'));
    writeFileSync(join(vendor, 'two.yml'), packRule(2, 'Vendor two', 'never there'));
    writeFileSync(join(vendor, 'LICENSE'), 'Detection Rule License (DRL) 1.1');
    const end = await picket('rules', 'add', vendor, ...since, '--json');
    expect(end.code).toBe(0);
    const added = JSON.parse(end.stdout) as PackChangeView;
    expect(added).toMatchObject({ name: 'vendor', applied: true, rules: 2, refused: [], skipped: 0 });
    expect(added.licence).toEqual({ id: 'DRL-1.1', file: 'LICENSE', rules: { MIT: 2 } });
    expect(added.changes.map(({ name, change }) => [name, change])).toEqual([
      ['Vendor one', 'new'],
      ['Vendor two', 'new'],
    ]);
    expect(added.changes[0]?.alerts).toBeGreaterThan(0);
    expect(added.changes[1]?.alerts).toBe(0);
    const rules = await clientOf(data).call<RuleList>('GET', '/api/v1/rules');
    const rule = rules.rules.find(({ name }) => name === 'Vendor one');
    expect(rule).toMatchObject({ pack: added.hash, pack_name: 'vendor' });
    const people = await picket('rules', 'packs');
    expect(people.code).toBe(0);
    expect(people.stdout).toMatch(/vendor +folder +2 +[0-9a-f]{16} +DRL-1\.1 +in force/);
    expect((await picket('rules', 'add', vendor)).stderr).toContain('[PACK_EXISTS]');
  }, 60_000);

  test('alerts name the rule, its version and the hash of its pack', async () => {
    const again = join(folder, 'for-packs.ndjson');
    const records = readFileSync(FALCO, 'utf8').trimEnd().split('\n');
    const renewed = records.map((line) => {
      const { uuid: _, ...record } = JSON.parse(line) as { uuid?: string };
      return JSON.stringify({ ...record, again: 'packs' });
    });
    writeFileSync(again, `${renewed.join('\n')}\n`);
    await picket('replay', again, '--source', 'falco');
    const where = encodeURIComponent('rule.name: "Vendor one"');
    await waitUntil({
      what: 'an alert of the pack',
      holds: async () =>
        (await clientOf(data).call<AlertList>('GET', `/api/v1/alerts?where=${where}`)).total > 0,
      timeout_ms: 20_000,
    });
    const { alerts } = await clientOf(data).call<AlertList>('GET', `/api/v1/alerts?where=${where}`);
    const rules = await clientOf(data).call<RuleList>('GET', '/api/v1/rules');
    const rule = rules.rules.find(({ name }) => name === 'Vendor one');
    const pin = (await list()).find(({ name }) => name === 'vendor');
    expect(alerts[0]?.rule).toMatchObject({ id: rule?.id, version: rule?.version, pack: pin?.hash });
  }, 60_000);

  test('show what an update changes and would raise, and change nothing before it is applied', async () => {
    const before = (await list()).find(({ name }) => name === 'vendor')?.hash;
    writeFileSync(join(vendor, 'one.yml'), packRule(1, 'Vendor one', 'never there'));
    writeFileSync(join(vendor, 'three.yml'), packRule(3, 'Vendor three', ''));
    rmSync(join(vendor, 'two.yml'));
    const shown = await picket('rules', 'update', 'vendor', ...since, '--json');
    const view = JSON.parse(shown.stdout) as PackChangeView;
    expect(view).toMatchObject({ applied: false, hash_before: before, unchanged: 0 });
    const change = (name: string) => view.changes.find((one) => one.name === name);
    expect(change('Vendor three')).toMatchObject({ change: 'new' });
    expect(change('Vendor three')?.alerts).toBeGreaterThan(0);
    expect(change('Vendor one')).toMatchObject({ change: 'changed', alerts: 0 });
    expect(change('Vendor one')?.alerts_before).toBeGreaterThan(0);
    expect(change('Vendor two')).toMatchObject({ change: 'gone' });
    expect((await list()).find(({ name }) => name === 'vendor')?.hash).toBe(before);
    const applied = await picket('rules', 'update', 'vendor', '--apply', '--no-history');
    expect(applied.stdout).toContain('in force');
    expect((await list()).find(({ name }) => name === 'vendor')?.hash).toBe(view.hash);
    const rules = await clientOf(data).call<RuleList>('GET', '/api/v1/rules');
    expect(rules.rules.map(({ name }) => name)).toContain('Vendor three');
    expect(rules.rules.map(({ name }) => name)).not.toContain('Vendor two');
  }, 60_000);

  test('whose folder was changed on disk are refused with both hashes, and the rest stays in force', async () => {
    const pin = (await list()).find(({ name }) => name === 'vendor');
    const place = join(data, 'packs', `vendor-${pin?.hash.slice(0, 16)}`);
    writeFileSync(join(place, 'slipped-in.yml'), packRule(4, 'Slipped in', ''));
    const reload = await picket('rules', 'reload');
    expect(reload.code).toBe(1);
    expect(reload.stdout).toContain('[PACK_CHANGED]');
    expect(reload.stdout).toContain(pin?.hash ?? 'no hash');
    const rules = await clientOf(data).call<RuleList>('GET', '/api/v1/rules');
    expect(rules.rules.map(({ name }) => name)).toEqual(['A shell in a container']);
    const packs = await picket('rules', 'packs');
    expect(packs.code).toBe(1);
    expect(packs.stdout).toContain('refused');
    await picket('rules', 'update', 'vendor', '--apply', '--no-history');
    expect((await picket('rules', 'packs')).code).toBe(0);
  }, 60_000);

  test('come from git with their commit, and go when they are removed', async () => {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
        cwd: vendor,
        encoding: 'utf8',
      });
    git('init', '--quiet', '--initial-branch=main');
    git('add', '.');
    git('commit', '--quiet', '-m', 'rules');
    expect((await picket('rules', 'remove', 'vendor')).code).toBe(0);
    const end = await picket(
      'rules',
      'add',
      `file://${vendor}`,
      '--name',
      'from-git',
      '--ref',
      'main',
      '--json',
    );
    expect(end.code).toBe(0);
    const commit = git('rev-parse', 'HEAD').trim();
    expect(JSON.parse(end.stdout)).toMatchObject({ name: 'from-git', commit, rules: 2 });
    expect((await list()).find(({ name }) => name === 'from-git')).toMatchObject({
      kind: 'git',
      ref: 'main',
      commit,
    });
    expect((await picket('rules', 'remove', 'from-git')).stdout).toContain('removed');
    expect((await list()).filter(({ kind }) => kind !== 'content')).toEqual([]);
    expect(readdirSync(join(data, 'packs'))).toEqual(['packs.json']);
    expect((await picket('rules', 'remove', 'from-git')).stderr).toContain('[PACK_NOT_FOUND]');
    expect((await picket('rules', 'add', 'ext::sh')).stderr).toMatch(/\[PACK_(ADDRESS|UNREADABLE)\]/);
    const empty = join(folder, 'no-rules');
    mkdirSync(empty);
    expect((await picket('rules', 'add', empty)).stderr).toContain('[PACK_EMPTY]');
  }, 60_000);
});

test('coverage writes a layer, names what nothing feeds, and exits with 1 for it', async () => {
  const unfed =
    shellRule({ title: 'Of a cloud' })
      .replace('0001', '0008')
      .replace('product: falco', 'product: aws, service: cloudtrail') + 'tags: [attack.t1059]\n';
  writeFileSync(join(own, 'unfed.yml'), unfed);
  await picket('rules', 'reload');
  const layer = join(folder, 'layer.json');
  const end = await picket('rules', 'coverage', '-o', layer, '--json');
  expect(end.code).toBe(1);
  const view = JSON.parse(end.stdout) as CoverageView;
  expect(view).toMatchObject({ rules: 2, fed: 1, gated: 1, untagged: 1, techniques: 0, blind: [] });
  expect(view.unfed).toMatchObject([{ name: 'Of a cloud', logsource: { product: 'aws' }, routed: true }]);
  expect(view.logsources.find(({ logsource }) => logsource.product === 'falco')?.fed_by).toContain(
    'falco.alerts (falco)',
  );
  expect(JSON.parse(readFileSync(layer, 'utf8'))).toEqual(view.layer);
  expect(view.layer).toMatchObject({ techniques: [{ techniqueID: 'T1059', score: 0 }] });
  rmSync(join(own, 'unfed.yml'));
  await picket('rules', 'reload');
  const people = await picket('rules', 'coverage');
  expect(people.code).toBe(0);
  expect(people.stdout).toContain('1 rules that a source can feed');
  const offline = await runPicket(['rules', 'coverage', '--rules', own, '--data', join(folder, 'nowhere')]);
  expect(JSON.parse(offline.stdout)).toMatchObject({
    domain: 'enterprise-attack',
    versions: { layer: '4.5' },
  });
}, 60_000);

test('what gates leave out is counted and listed, and not in force', async () => {
  const list = await picket('rules', 'list');
  expect(list.stdout).toContain('1 rules are left out by gates');
  expect(list.stdout).not.toContain('Quiet');
  expect((await picket('rules', 'list', '--gated')).stdout).toContain('Quiet');
}, 60_000);

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
