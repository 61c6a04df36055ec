// SigmaHQ's regression tests as they are laid out in its repository, and its vectors with its rules as they are.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import { readSample } from '../../../detect/sigma/regression-info.ts';
import { testVectors } from '../../../detect/sigma/test-regression.ts';
import { testRules } from '../../../detect/sigma/test-rules.ts';
import { ourPipelines } from './compile-text.ts';

const { pipelines, routes } = ourPipelines();
const ID = '00000000-0000-4000-8000-000000000001';
const PATH = 'regression_data/rules/windows/a_rule/info.yml';
const RULE = `title: A rule
id: ${ID}
status: test
logsource: { product: windows, category: process_creation }
detection:
  selection: { Image|endswith: '\\cmd.exe' }
  condition: selection
regression_tests_path: ${PATH}
`;
const info = (more = 'match_count: 2', type = 'evtx', name = `${ID}.evtx`): string => `id: ${ID}
rule_metadata:
    - id: ${ID}
      title: A rule
regression_tests_info:
    - name: Positive Detection Test
      type: ${type}
      provider: Microsoft-Windows-Sysmon
      ${more}
      path: ${join(dirname(PATH), name)}
`;
const event = (image: string): object => ({
  Event: {
    System: {
      EventID: 1,
      Channel: 'Microsoft-Windows-Sysmon/Operational',
      Provider: { '#attributes': { Name: 'x' } },
    },
    EventData: { Image: image },
  },
});
const HIT = event('C:\\cmd.exe');
const MISS = event('C:\\other "}{" \\"exe');

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'picket-regression-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Lays a repository out and tests its rules. */
function run(files: Readonly<Record<string, string>>, regressionOnly = false): ReturnType<typeof testRules> {
  for (const [name, text] of Object.entries({ 'rules/windows/a.yml': RULE, ...files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return testRules({
    folders: [join(root, 'rules')],
    pipelines,
    routes,
    regressionOnly,
    normalise: () => [],
  });
}
const SAMPLE = join(dirname(PATH), `${ID}.json`);

describe('regression tests of SigmaHQ', () => {
  test('read the JSON beside an EVTX sample, however its objects are laid out', () => {
    const pretty = [HIT, MISS, HIT].map((one) => JSON.stringify(one, null, 2)).join('\n');
    for (const sample of [
      pretty,
      pretty.replaceAll(/^\{/gm, 'Record 1\n{'),
      [HIT, MISS, HIT].map((one) => JSON.stringify(one)).join('\n'),
      JSON.stringify([HIT, MISS, HIT]),
    ]) {
      const { results, refused } = run({ [PATH]: info(), [SAMPLE]: sample });
      expect(refused).toEqual([]);
      expect(results).toMatchObject([{ matching: 3, failures: [], warnings: [] }]);
    }
  });

  test('fail for fewer matches than said, warn for more, and want one when nothing is said', () => {
    const outcome = (more: string, events: object[]): string[] => {
      const { results } = run({ [PATH]: info(more), [SAMPLE]: JSON.stringify(events) });
      return [...(results[0]?.failures ?? []), ...(results[0]?.warnings ?? [])].map(({ code }) => code);
    };
    expect(outcome('match_count: 2', [HIT])).toEqual(['REGRESSION_FEWER']);
    expect(outcome('match_count: 2', [HIT, HIT, HIT])).toEqual(['REGRESSION_MORE']);
    expect(outcome('provider2: x', [MISS, HIT, HIT])).toEqual([]);
    expect(outcome('provider2: x', [MISS])).toEqual(['REGRESSION_FEWER']);
    expect(outcome('match_count: 0', [MISS])).toEqual([]);
  });

  test('apply the pipelines and filters that they name', () => {
    const files = {
      [SAMPLE]: JSON.stringify([
        { image_path: 'C:\\cmd.exe', who: 'eve' },
        { image_path: 'C:\\cmd.exe', who: 'backup' },
      ]),
      'regression_data/pipelines/map.yml':
        'name: map\npriority: 1\ntransformations:\n  - { id: m, type: field_name_mapping, mapping: { Image: image_path, User: who } }\n',
      'regression_data/filters/own.yml': `title: Backup\nid: 00000000-0000-4000-8000-000000000009\nlogsource: { product: windows }\nfilter:\n  rules: [${ID}]\n  selection: { User: backup }\n  condition: not selection\n`,
      [PATH]: info(
        'match_count: 1\n      pipelines: [regression_data/pipelines/map.yml]\n      filters: [regression_data/filters/own.yml]',
        'json',
        `${ID}.json`,
      ),
    };
    expect(run(files).results).toMatchObject([{ matching: 2, failures: [], warnings: [] }]);
  });

  test.each([
    ['an info file that is not there', {}, 'REGRESSION_MISSING'],
    ['no JSON beside the EVTX', { [PATH]: info() }, 'REGRESSION_EVTX'],
    ['a sample that is no JSON', { [PATH]: info(), [SAMPLE]: '{"Event": ' }, 'REGRESSION_SAMPLE'],
    ['an empty sample', { [PATH]: info(), [SAMPLE]: '\n' }, 'REGRESSION_SAMPLE'],
    [
      'an info file for another rule',
      { [PATH]: info().replaceAll(`- id: ${ID}`, '- id: other') },
      'REGRESSION_INFO',
    ],
    ['an unknown type', { [PATH]: info('match_count: 1', 'pcap') }, 'REGRESSION_INFO'],
    ['YAML that is none', { [PATH]: 'a: [' }, 'YAML_INVALID'],
  ])('say with place and code: %s', (_, files, code) => {
    const { results } = run(files as Record<string, string>);
    expect(results).toMatchObject([{ failures: [{ code, place: { file: expect.any(String) as string } }] }]);
  });

  test('leave rules without them out when only they are wanted, and count these', () => {
    const plain = RULE.replace(/regression_tests_path.*\n/, '').replace('0001', '0002');
    const files = { [PATH]: info(), [SAMPLE]: JSON.stringify([HIT, HIT]), 'rules/windows/b.yml': plain };
    expect(run(files, true)).toMatchObject({ untested: 1, results: [{ rule: { id: ID }, failures: [] }] });
    expect(run(files).results).toHaveLength(2);
  });

  test('are read from a sample file by itself', () => {
    const file = join(root, 'one.json');
    writeFileSync(file, JSON.stringify(MISS));
    expect(readSample(file)).toEqual([MISS]);
  });
});

const CORPORA = join(import.meta.dirname, '../../../../shared/corpora');
describe.skipIf(!existsSync(CORPORA))("the vectors of SigmaHQ's repository", () => {
  test('all give at least their match count with its rules as they are, and one gives more', () => {
    const { rules } = loadRules({ folders: [join(CORPORA, 'sigmahq')] });
    const file = join(CORPORA, 'sigma-regression.jsonl');
    const { results, refused } = testVectors({ rules, file, routes });
    expect(refused).toEqual([]);
    expect(results).toHaveLength(100);
    expect(results.filter(({ failures }) => failures.length > 0)).toEqual([]);
    const warned = results.filter(({ warnings }) => warnings.length > 0);
    expect(warned.map(({ rule }) => rule.id)).toEqual(['45e112d0-7759-4c2a-aa36-9f8fb79d3393']);
    // Why: each of its three events sets the zone to 2, which the rule does not filter (docs/sigma.md).
    const line = readFileSync(file, 'utf8')
      .split('\n')
      .find((one) => one.includes('45e112d0-7759'));
    const { events } = JSON.parse(line ?? '') as {
      events: { Event: { EventData: { Details: string; TargetObject: string } } }[];
    };
    expect(events.map(({ Event }) => Event.EventData.Details)).toEqual(Array(3).fill('DWORD (0x00000002)'));
    for (const { Event } of events) expect(Event.EventData.TargetObject).toContain('\\ZoneMap\\Domains\\');
  }, 60_000);

  test('that name no rule, or are no vectors, are refused with their line', () => {
    const file = join(tmpdir(), `picket-vectors-${process.pid}.jsonl`);
    writeFileSync(file, `{"rule_id":"x","events":[{}]}\n\nnot json\n{"rule_id":"x","events":[]}\n`);
    const { results, refused } = testVectors({ rules: [], file, routes });
    rmSync(file);
    expect(results).toEqual([]);
    expect(refused.map(({ code, place }) => [code, place.line])).toEqual([
      ['RULE_NOT_FOUND', 1],
      ['REGRESSION_VECTOR', 3],
      ['REGRESSION_VECTOR', 4],
    ]);
  });
});
