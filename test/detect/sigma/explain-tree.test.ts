// The tree of an explanation says what the engine says, and shows the values that decided.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileRules } from '../../../detect/sigma/compile-rules.ts';
import { type Explanation, explainTree } from '../../../detect/sigma/explain-tree.ts';
import { flattenRaw } from '../../../detect/sigma/flatten-raw.ts';
import { loadRules } from '../../../detect/sigma/load-rules.ts';
import { LogsourceRouter } from '../../../detect/sigma/logsource-routes.ts';
import type { JsonObject } from '../../../platform/core/event.ts';
import { compileText, ourPipelines, ruleText } from './compile-text.ts';

const { pipelines, routes } = ourPipelines();

function explainText(
  detection: string,
  event: object,
  more: { logsource?: string; raw?: boolean } = {},
): Explanation {
  const raw = more.raw ?? true;
  const { engine, refused } = compileText({
    text: ruleText(detection, more.logsource),
    raw,
    ...(raw ? {} : { pipelines }),
  });
  if (refused.length > 0) throw new Error(JSON.stringify(refused));
  const [rule] = engine.rules;
  if (!rule) throw new Error('no rule');
  return explainTree({ mapped: rule.mapped, event, router: new LogsourceRouter({ routes, raw }) });
}

const DETECTION = `
  selection:
    Image|endswith: ['\\cmd.exe', '\\powershell.exe']
    CommandLine|contains|all: ['-enc', 'hidden']
  filter:
    User: SYSTEM
  condition: selection and not filter`;

describe('an explanation', () => {
  test('shows each selection, item and value, with what the event has', () => {
    const event = { Image: 'C:\\Windows\\powershell.exe', CommandLine: 'powershell -enc AAAA' };
    const { matches, holds, fed, nodes } = explainText(DETECTION, event);
    expect({ matches, holds, fed }).toEqual({ matches: false, holds: false, fed: true });
    expect(nodes).toMatchObject([
      { depth: 0, kind: 'and', holds: false },
      { depth: 1, kind: 'selection', name: 'selection', holds: false },
      { depth: 2, kind: 'and', holds: false },
      {
        depth: 3,
        kind: 'item',
        field: 'Image',
        holds: true,
        linking: 'any',
        actual: ['C:\\Windows\\powershell.exe'],
        wanted: [
          { test: 'endswith "\\\\powershell.exe"', holds: true },
          { test: 'endswith "\\\\cmd.exe"', holds: false },
        ],
      },
      {
        depth: 3,
        kind: 'item',
        field: 'CommandLine',
        holds: false,
        linking: 'all',
        wanted: [
          { test: 'contains "-enc"', holds: true },
          { test: 'contains "hidden"', holds: false },
        ],
      },
      { depth: 1, kind: 'not', holds: true },
      { depth: 2, kind: 'selection', name: 'filter', holds: false },
      { depth: 3, kind: 'item', field: 'User', holds: false, actual: [] },
    ]);
  });

  test('names fields as the pipelines do, and says when the event does not feed the logsource', () => {
    const event = (code: string): object => ({
      event: { dataset: 'windows.sysmon', code },
      winlog: {
        channel: 'Microsoft-Windows-Sysmon/Operational',
        event_data: { Image: 'C:\\a\\cmd.exe' },
      },
    });
    const text = `
  selection:
    ParentImage: null
    Image|endswith: '\\cmd.exe'
  condition: selection`;
    const logsource = 'product: windows\n  category: process_creation';
    const other = explainText(text, event('3'), { logsource, raw: false });
    expect(other).toMatchObject({ holds: true, fed: false, matches: false });
    expect(other.nodes).toContainEqual(
      expect.objectContaining({
        field: 'winlog.event_data.Image',
        actual: ['C:\\a\\cmd.exe'],
        holds: true,
      }),
    );
    const fed = explainText(text, event('1'), { logsource, raw: false });
    expect(fed).toMatchObject({
      fed: true,
      matches: true,
      logsource: { product: 'windows', category: 'process_creation' },
    });
  });

  test('of keywords shows what was found, not the whole event', () => {
    const keywords = `
  keywords: ['mimikatz']
  condition: keywords`;
    const { nodes } = explainText(keywords, { a: 'run MIMIKATZ now', b: 'other' });
    expect(nodes.at(-1)).toMatchObject({ field: '*', actual: ['run MIMIKATZ now'], holds: true });
    expect(explainText(keywords, { b: 'other' }).nodes.at(-1)).toMatchObject({ actual: [], holds: false });
  });

  test('stays small for large rules and long values, with what held first', () => {
    const values = Array.from({ length: 3_000 }, (_, at) => `      - 'v${at}'`).join('\n');
    const { nodes, cut } = explainText(`\n  selection:\n    a:\n${values}\n  condition: selection`, {
      a: ['v2999', 'x'.repeat(10_000)],
    });
    const item = nodes.at(-1);
    expect(item?.wanted).toHaveLength(50);
    expect(item?.wanted?.[0]).toEqual({ test: 'equals "v2999"', holds: true });
    expect(item?.more).toBe(2_950);
    expect(item?.actual?.[1]?.length).toBe(500);
    expect(cut).toBe(false);
    const fields = Array.from({ length: 3_000 }, (_, at) => `    f${at}: 1`).join('\n');
    const large = explainText(`\n  selection:\n${fields}\n  condition: selection`, {});
    expect(large.nodes).toHaveLength(1_000);
    expect(large.cut).toBe(true);
  });

  test('runs regular expressions that explode for others', () => {
    const event = { a: `${'a'.repeat(50_000)}!` };
    const { nodes } = explainText(`\n  selection:\n    a|re: '^(a+)+$'\n  condition: selection`, event);
    expect(nodes.at(-1)).toMatchObject({ holds: false });
  });
});

const CORPORA = join(import.meta.dirname, '../../../../shared/corpora');
describe.skipIf(!existsSync(CORPORA))("on SigmaHQ's rules", () => {
  test('says of every regression event what the engine says', () => {
    const { rules } = loadRules({ folders: [join(CORPORA, 'sigmahq')] });
    const byId = new Map(rules.map((loaded) => [loaded.rule.id, loaded]));
    const router = new LogsourceRouter({ routes, raw: true });
    let events = 0;
    let matched = 0;
    const lines = readFileSync(join(CORPORA, 'sigma-regression.jsonl'), 'utf8').trimEnd().split('\n');
    for (const line of lines) {
      const vector = JSON.parse(line) as { rule_id: string; events: JsonObject[] };
      const loaded = byId.get(vector.rule_id);
      if (!loaded) throw new Error(`no rule ${vector.rule_id}`);
      const { engine } = compileRules({ rules: [loaded], pipelines: [], routes, raw: true });
      const [rule] = engine.rules;
      if (!rule) throw new Error(`not compiled: ${vector.rule_id}`);
      for (const event of vector.events.map(flattenRaw)) {
        events++;
        const told = explainTree({ mapped: rule.mapped, event, router });
        const matches = engine.match(event).length > 0;
        if (matches) matched++;
        expect([vector.rule_id, told.matches]).toEqual([vector.rule_id, matches]);
        expect(told.nodes[0]?.holds).toBe(told.holds);
      }
    }
    expect(events).toBeGreaterThan(100);
    expect(matched).toBeGreaterThanOrEqual(99);
  }, 60_000);
});
