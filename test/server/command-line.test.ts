// The command line as a script meets it: help, exit codes, --json, and the commands that need no running site.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { makeFolder, runPicket } from './start-picket.ts';

const { folder, remove } = makeFolder();
afterAll(remove);

const RULE = `title: A shell from Word
id: 0a6c5c9e-2b52-4b5a-9a43-3b1de0d1a001
status: test
level: high
logsource: { category: process_creation, product: windows }
detection:
  selection:
    ParentImage|endswith: '\\winword.exe'
    Image|endswith: '\\cmd.exe'
  condition: selection
`;
const rules = join(folder, 'rules');
mkdirSync(rules);
writeFileSync(join(rules, 'shell.yml'), RULE);
const HIT = JSON.stringify({
  EventID: 1,
  Channel: 'Microsoft-Windows-Sysmon/Operational',
  ParentImage: 'C:\\Office\\WINWORD.EXE',
  Image: 'C:\\Windows\\cmd.exe',
});
const MISS = JSON.stringify({ EventID: 1, ParentImage: 'C:\\explorer.exe', Image: 'C:\\Windows\\cmd.exe' });

describe('the command line', () => {
  test('lists its commands, each with help of its own', async () => {
    const { code, stdout } = await runPicket(['--help']);
    expect(code).toBe(0);
    const commands = ['up', 'check', 'sign-in', 'sites', 'replay', 'search', 'eval', 'rules'];
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    const helps = await Promise.all(commands.map((command) => runPicket([command, '--help'])));
    for (const help of helps) {
      expect(help.code).toBe(0);
      expect(help.stdout).toContain('Usage: picket ');
    }
  }, 120_000);

  test('exits with 2 when the line itself is wrong', async () => {
    const wrong = [['frobnicate'], ['up', '--frobnicate'], ['eval'], ['replay']];
    const ends = await Promise.all(wrong.map((args) => runPicket(args)));
    for (const { code, stderr, stdout } of ends) {
      expect(code).toBe(2);
      expect(stderr).toContain('error:');
      expect(stdout).toBe('');
    }
  }, 120_000);

  test('exits with 3 and one sentence when no site runs, as JSON when asked', async () => {
    const plain = await runPicket(['search', 'x', '--data', folder]);
    expect(plain).toMatchObject({ code: 3, stdout: '' });
    expect(plain.stderr).toMatch(/^picket: no site runs from .* \[SITE_NOT_RUNNING\]\n$/);
    const json = await runPicket(['sites', '--data', folder, '--json']);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'SITE_NOT_RUNNING' } });
    const url = await runPicket(['sites', '--url', 'http://127.0.0.1:9']);
    expect(url).toMatchObject({ code: 3, stdout: '' });
    expect(url.stderr).toContain('[TOKEN_MISSING]');
  }, 120_000);

  test('picket check: 0 for a good file, 1 with every problem for a bad one', async () => {
    const good = join(folder, 'good.yaml');
    writeFileSync(
      good,
      'tenant: acme\nsite: { id: lyon, tier: edge, jurisdiction: eu-fr }\ndata: d\nlisten: { port: 0 }\n',
    );
    const bad = join(folder, 'bad.yaml');
    writeFileSync(bad, 'tenant: acme\nsite: { id: lyon, tier: edge }\ndata: d\nlisten: { prt: 0 }\n');
    expect(await runPicket(['check', good, '--json'])).toMatchObject({ code: 0, stderr: '' });
    const plain = await runPicket(['check', bad]);
    expect(plain.code).toBe(1);
    expect(plain.stdout).toContain('bad.yaml:4');
    const json = await runPicket(['check', bad, '--json']);
    const { problems } = JSON.parse(json.stdout) as { problems: { code: string; place: { path: string } }[] };
    expect(problems.map(({ place }) => place.path).sort()).toEqual([
      'listen.port',
      'listen.prt',
      'site.jurisdiction',
    ]);
  }, 120_000);
});

describe('picket eval', () => {
  test('with --correlate prints the alerts that stand after the last event, the same for every order', async () => {
    const correlated = join(folder, 'correlated');
    mkdirSync(correlated, { recursive: true });
    writeFileSync(
      join(correlated, 'rules.yml'),
      `title: Failed
name: failed
logsource: { product: test }
detection: { is: { action: failed }, condition: is }
---
title: Fewer Than Three
level: low
correlation: { type: event_count, rules: [failed], group-by: [user], timespan: 1h, condition: { lt: 3 } }
`,
    );
    const lines = ['08:10', '08:20', '09:05'].map(
      (time) => `{"@timestamp":"2026-11-26T${time}:00Z","action":"failed","user":"ann"}`,
    );
    const args = ['eval', '--rules', correlated, '--raw', '--correlate'];
    const ends = await Promise.all([
      runPicket([...args, '--json'], { input: lines.join('\n') }),
      runPicket(args, { input: [...lines].reverse().join('\n') }),
      runPicket([...args, '--as-of', '2026-11-26T10:00:00Z'], { input: lines.join('\n') }),
      runPicket([...args, '--as-of', 'soon'], { input: '' }),
    ]);
    const alerts = ends.map(({ stdout }) =>
      stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { id: string; count: number; events: { sequence: number }[] }),
    );
    expect(alerts[0]).toHaveLength(1);
    expect(alerts[0]?.[0]).toMatchObject({
      rule: { name: 'Fewer Than Three', level: 'low' },
      group: { 'picket.site.id': 'local', user: 'ann' },
      first: '2026-11-26T08:10:00.000Z',
      last: '2026-11-26T08:20:00.000Z',
      count: 2,
      events: [{ sequence: 1 }, { sequence: 2 }],
    });
    expect(JSON.parse(ends[0].stderr)).toMatchObject({ events: 3, alerts: 1, matches: 3, left_out: {} });
    expect(alerts[1]?.map(({ id }) => id)).toEqual(alerts[0]?.map(({ id }) => id));
    // A neighbour within the timespan: one alert that goes on.
    expect(alerts[2]?.map(({ count }) => count)).toEqual([3]);
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 2]);
    expect(ends[3].stderr).toContain('--as-of');
  }, 120_000);

  test('prints one alert a line with the line number from 1, and a summary with its keys', async () => {
    const input = `${MISS}\n${HIT}\n\nnot json\n${HIT}`;
    const { code, stdout, stderr } = await runPicket(['eval', '--rules', rules, '--raw', '--json'], {
      input,
    });
    expect(code).toBe(0);
    const alerts = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { rule: object; event: { sequence: number } });
    expect(alerts.map(({ event }) => event.sequence)).toEqual([2, 5]);
    expect(alerts[0]?.rule).toMatchObject({
      id: '0a6c5c9e-2b52-4b5a-9a43-3b1de0d1a001',
      name: 'A shell from Word',
    });
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      events: 3,
      alerts: 2,
      rules_loaded: 1,
      rules_refused: [],
      lines_refused: 1,
      lines_refused_first: [{ line: 4, code: 'JSON_INVALID' }],
      seconds_to_load: expect.any(Number) as number,
      seconds_to_evaluate: expect.any(Number) as number,
    });
  }, 60_000);

  test('normalises first with --source', async () => {
    const input = `${HIT}\n`;
    const { code, stderr } = await runPicket(['eval', '--rules', rules, '--source', 'windows', '--json'], {
      input,
    });
    expect(code).toBe(0);
    expect(JSON.parse(stderr)).toMatchObject({ rules_loaded: 1 });
    const recording = readFileSync(
      join(import.meta.dirname, '..', '..', 'demo', 'recordings', 'falco.ndjson'),
    );
    const own = join(import.meta.dirname, '..', '..', 'rules', 'sigma');
    const falco = await runPicket(['eval', '--rules', own, '--source', 'falco', '--json'], {
      input: recording,
    });
    expect(JSON.parse(falco.stderr)).toMatchObject({ events: 19, lines_refused: 0 });
    expect(falco.stdout.trimEnd().split('\n').length).toBeGreaterThan(0);
  }, 60_000);

  test('a broken rule is refused with its place and stops no other; --strict makes it an exit code', async () => {
    const mixed = join(folder, 'mixed');
    mkdirSync(mixed);
    writeFileSync(join(mixed, 'good.yml'), RULE);
    writeFileSync(join(mixed, 'bad.yml'), RULE.replace('condition: selection', 'condition: selection and ('));
    const args = ['eval', '--rules', mixed, '--raw', '--json'];
    const { code, stdout, stderr } = await runPicket(args, { input: `${HIT}\n` });
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const { rules_refused } = JSON.parse(stderr) as { rules_refused: { file: string; line: number }[] };
    expect(rules_refused).toHaveLength(1);
    expect(rules_refused[0]?.file).toContain('bad.yml');
    expect((await runPicket([...args, '--strict'], { input: '' })).code).toBe(1);
  }, 60_000);

  test('takes a large input whole, with all alerts in order', async () => {
    const lines = Array.from({ length: 40_000 }, (_, at) => (at % 4 === 0 ? HIT : MISS));
    const { stdout, stderr } = await runPicket(['eval', '--rules', rules, '--raw', '--json'], {
      input: `${lines.join('\n')}\n`,
    });
    const sequences = stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: { sequence: number } }).event.sequence);
    expect(sequences).toEqual(Array.from({ length: 10_000 }, (_, at) => at * 4 + 1));
    expect(JSON.parse(stderr)).toMatchObject({ events: 40_000, alerts: 10_000 });
  }, 120_000);

  test('a folder of rules that is not there is a failure, not a run without rules', async () => {
    const end = await runPicket(['eval', '--rules', join(rules, 'none'), '--raw'], { input: '{}\n' });
    expect(end).toMatchObject({ code: 3, stdout: '' });
    expect(end.stderr).toMatch(/^picket: .*none: .* \[RULES_UNREADABLE\]\n$/);
  }, 60_000);

  test.each([
    [['--raw', '--source', 'windows'], 'EVAL_MODE'],
    [[], 'EVAL_MODE'],
    [['--source', 'frobnicate'], 'FORMAT_UNKNOWN'],
  ])(
    'with %j it says %s',
    async (more, code) => {
      const end = await runPicket(['eval', '--rules', rules, ...more]);
      expect(end.code).toBe(2);
      expect(end.stderr).toContain(`[${code}]`);
    },
    60_000,
  );
});

describe('picket rules', () => {
  test('lint: 0 for our own rules and 1 with file and line for a broken one', async () => {
    const own = await runPicket(['rules', 'lint', '--json']);
    expect(JSON.parse(own.stdout)).toMatchObject({ errors: 0 });
    expect(own.code).toBe(0);
    const bad = join(folder, 'lint');
    mkdirSync(bad);
    writeFileSync(join(bad, 'bad.yml'), RULE.replace('level: high', 'level: loud'));
    const end = await runPicket(['rules', 'lint', bad]);
    expect(end.code).toBe(1);
    expect(end.stdout).toMatch(/bad\.yml:\d+/);
  }, 60_000);

  test('lint --fix mends in place, and --disable leaves a code out', async () => {
    const messy = join(folder, 'messy');
    mkdirSync(messy);
    const file = join(messy, 'a_messy_rule.yml');
    writeFileSync(file, RULE.replace('level: high', 'level: HIGH # why'));
    const shown = await runPicket(['rules', 'lint', messy, '--disable', 'LINT_LEVEL_CASE']);
    expect(shown.code).toBe(0);
    expect(shown.stdout).not.toContain('LINT_LEVEL_CASE');
    const fixed = await runPicket(['rules', 'lint', '--fix', '--json', messy]);
    expect(fixed.code).toBe(0);
    expect(JSON.parse(fixed.stdout)).toMatchObject({
      errors: 0,
      fixed: [{ code: 'LINT_LEVEL_CASE', place: { file, line: 4 } }],
    });
    expect(readFileSync(file, 'utf8')).toBe(RULE.replace('level: high', 'level: high # why'));
    expect(await runPicket(['rules', 'lint', '--disable', 'LINT_NOTHING'])).toMatchObject({ code: 2 });
  }, 120_000);

  test('test: our own rules pass, a rule without records does not', async () => {
    const own = await runPicket(['rules', 'test', '--json']);
    expect(JSON.parse(own.stdout)).toMatchObject({ failed: 0, refused: [] });
    expect(own.code).toBe(0);
    const end = await runPicket(['rules', 'test', rules, '--json']);
    expect(end.code).toBe(1);
    expect(JSON.parse(end.stdout)).toMatchObject({ passed: 0, failed: 1 });
  }, 60_000);
});
