// Which exception hides which match, by filter, pipelines and clock.
import { describe, expect, test } from 'vitest';
import { readExceptions } from '../../../detect/exceptions/exception.ts';
import { buildExceptionTable, type ExceptionTable } from '../../../detect/exceptions/exception-table.ts';
import type { Match } from '../../../detect/match.ts';
import { compileRules } from '../../../detect/sigma/compile-rules.ts';
import { parseRuleFile } from '../../../detect/sigma/parse-file.ts';
import type { PicketEvent } from '../../../platform/core/event.ts';
import { ourPipelines } from '../sigma/compile-text.ts';

const { pipelines, routes } = ourPipelines();
const NOW = Date.parse('2026-11-26T00:00:00Z');
const RULES = `
title: A shell
id: 00000000-0000-4000-8000-000000000001
name: a_shell
logsource: { product: windows, category: process_creation }
detection:
  selection: { Image|endswith: '\\cmd.exe' }
  condition: selection
---
title: A shell of Linux
id: 00000000-0000-4000-8000-000000000002
logsource: { product: linux, category: process_creation }
detection:
  selection: { Image|endswith: sh }
  condition: selection
---
title: Many shells
id: 00000000-0000-4000-8000-000000000003
correlation:
  type: event_count
  rules: [a_shell]
  group-by: [Computer]
  timespan: 1m
  condition: { gte: 3 }
`;
const { rules, correlations } = parseRuleFile({ text: RULES, file: 'rules.yml' });
const { engine } = compileRules({ rules: rules.map((rule) => ({ rule, pack: 'p' })), pipelines, routes });

interface Written {
  title?: string;
  rules?: string;
  selection?: string;
  condition?: string;
  expires?: string;
  logsource?: string;
}
let written = 0;
const filter = (one: Written = {}): string => `---
title: ${one.title ?? 'An exception'}
id: 10000000-0000-4000-8000-${String(++written).padStart(12, '0')}
author: li
logsource: ${one.logsource ?? '{ product: windows }'}
filter:
  rules: ${one.rules ?? '[a_shell]'}
  selection: ${one.selection ?? '{ User: backup }'}
  condition: ${one.condition ?? 'not selection'}
picket: { reason: known${one.expires === undefined ? '' : `, expires: ${one.expires}`} }
`;

function tableOf(...filters: string[]): ExceptionTable {
  const { exceptions, refused } = readExceptions({ text: filters.join(''), file: 'own.yml' });
  if (refused.length > 0) throw new Error(JSON.stringify(refused));
  return buildExceptionTable({ exceptions, rules, correlations, pipelines });
}

function matchOf(data: object, more: object = {}): Match {
  const event = {
    '@timestamp': '2026-11-26T00:00:00.000Z',
    event: { dataset: 'windows.sysmon', code: '1' },
    winlog: {
      channel: 'Microsoft-Windows-Sysmon/Operational',
      event_data: { Image: 'C:\\cmd.exe', ...data },
    },
    ...more,
  } as unknown as PicketEvent;
  const [match] = engine.match(event);
  if (!match) throw new Error('no match');
  return match;
}

const hides = (table: ExceptionTable, match: Match, now = NOW): string | undefined =>
  table.suppressedBy(match, now)?.filter.title;

describe('an exception', () => {
  test('hides what fails its condition, its fields named as the rule names them', () => {
    const table = tableOf(filter({ selection: "{ User|endswith: '\\backup' }" }));
    expect(table.problems).toEqual([]);
    expect(hides(table, matchOf({ User: 'PLANT\\backup' }))).toBe('An exception');
    expect(hides(table, matchOf({ User: 'PLANT\\eve' }))).toBeUndefined();
    expect(hides(table, matchOf({}))).toBeUndefined();
  });

  test('may name fields of ECS', () => {
    const table = tableOf(filter({ selection: '{ host.name: build-7 }' }));
    expect(hides(table, matchOf({}, { host: { name: 'build-7' } }))).toBe('An exception');
    expect(hides(table, matchOf({}, { host: { name: 'build-8' } }))).toBeUndefined();
  });

  test('ends by the clock', () => {
    const table = tableOf(filter({ expires: '2026-12-01' }));
    const match = matchOf({ User: 'backup' });
    expect(hides(table, match)).toBe('An exception');
    expect(hides(table, match, Date.parse('2026-11-30T23:59:59.999Z'))).toBe('An exception');
    expect(hides(table, match, Date.parse('2026-12-01T00:00:00Z'))).toBeUndefined();
  });

  test('the first in force that hides a match is the one that counts it', () => {
    const table = tableOf(
      filter({ title: 'ended', expires: '2026-11-01' }),
      filter({ title: 'first' }),
      filter({ title: 'second' }),
    );
    expect(hides(table, matchOf({ User: 'backup' }))).toBe('first');
    expect(table.exceptionsOf(rules[0]?.id ?? '')).toHaveLength(3);
  });

  test('for any rule is for those of its logsource only', () => {
    const table = tableOf(filter({ title: 'any', rules: 'any' }));
    const [windows, linux] = rules;
    expect(table.exceptionsOf(windows?.id ?? '').map(({ filter: { title } }) => title)).toEqual(['any']);
    expect(table.exceptionsOf(linux?.id ?? '')).toEqual([]);
  });

  test.each<[string, Written, string]>([
    ['an unknown rule', { rules: '[nobody]' }, 'SIGMA_FILTER_UNKNOWN_RULE'],
    [
      'a rule of another logsource',
      { rules: '[00000000-0000-4000-8000-000000000002]' },
      'SIGMA_FILTER_LOGSOURCE',
    ],
    ['a correlation', { rules: '[00000000-0000-4000-8000-000000000003]' }, 'EXCEPTION_CORRELATION'],
    ['a placeholder nobody fills', { selection: "{ User|expand: '%admins%' }" }, 'SIGMA_PLACEHOLDER'],
    ['no rule at all', { rules: 'any', logsource: '{ product: zos }' }, 'SIGMA_FILTER_NO_RULE'],
  ])('that names %s says so, and hides nothing', (_, one, code) => {
    const table = tableOf(filter(one));
    expect(table.problems).toMatchObject([
      { code, place: { file: 'own.yml', line: expect.any(Number) as number } },
    ]);
    expect(hides(table, matchOf({ User: 'backup' }))).toBeUndefined();
  });

  test('with a regular expression that explodes elsewhere does not stall', () => {
    const table = tableOf(filter({ selection: "{ User|re: '^(a+)+$' }" }));
    expect(hides(table, matchOf({ User: `${'a'.repeat(60_000)}!` }))).toBeUndefined();
    expect(hides(table, matchOf({ User: 'aaaa' }))).toBe('An exception');
  });
});
