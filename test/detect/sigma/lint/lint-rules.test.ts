import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LINT_CHECKS, type LintCode } from '../../../../detect/sigma/lint/catalogue.ts';
import { lintRules, lintRuleText } from '../../../../detect/sigma/lint/lint-rules.ts';
import { REFUSED_BY_PARSER } from '../../../../detect/sigma/lint/refused-by-parser.ts';

const ID = '5f113a8f-8b61-41ca-b90f-d374fa7e4a39';
const HEAD = `title: Tool
id: ${ID}
name: tool
status: test
description: Words on the rule.
author: A. Nother
date: 2026-01-02
modified: 2026-02-03
references:
  - https://example.org/a
tags:
  - attack.t1059.001
  - cve.2021-44228
falsepositives:
  - Administrators at work
level: high
`;
const RULE = `${HEAD}logsource:
  category: process_creation
  product: windows
detection:
  selection:
    Image|endswith: '\\tool.exe'
    Args|contains|all:
      - alpha
      - beta
  filter_main:
    User: [x, y]
  condition: selection and not filter_main
`;
const CORRELATION = `${HEAD.replace(ID, ID.replace('5', '6')).replace('name: tool', 'name: many').replace('title: Tool', 'title: Many')}correlation:
  type: event_count
  rules: [tool]
  group-by: [user.name]
  timespan: 5m
  condition: { gte: 3 }
  generate: true
`;
const FILTER = `title: Less
id: ${ID.replace('5', '7')}
description: Words.
author: A. Nother
date: 2026-01-02
logsource:
  product: windows
filter:
  rules: [tool]
  selection:
    User: z
  condition: not selection
`;

const change = (from: string, to: string, text = RULE): string => {
  if (!text.includes(from)) throw new Error(`no ${from}`);
  return text.replace(from, to);
};
const item = (line: string): string => change('    User: [x, y]', `    ${line}`);

/** A bad rule for each check that a single file shows, with the line of the finding. */
const BAD: Partial<Record<LintCode, [text: string, line: number | undefined, file?: string]>> = {
  LINT_FILE_NAME: [RULE, undefined, 'Some Rule Here.yml'],
  LINT_FILE_NAME_LENGTH: [RULE, undefined, 'a.yml'],
  LINT_LINE_BREAKS: [RULE.replaceAll('\n', '\r\n'), undefined],
  LINT_BYTE_ORDER_MARK: [`\ufeff${RULE}`, undefined],
  LINT_KEY_CASE: [change('author:', 'Author:'), 6],
  LINT_KEY_UNKNOWN: [change('references:', 'refernces:'), 9],
  LINT_ID_MISSING: [change(`id: ${ID}\n`, ''), 1],
  LINT_ID: [change(ID, '1234'), 2],
  LINT_TITLE_LONG: [change('title: Tool', `title: ${'x'.repeat(257)}`), 1],
  LINT_NAME_LONG: [change('name: tool', `name: ${'x'.repeat(257)}`), 3],
  LINT_TAXONOMY_LONG: [`${RULE}taxonomy: ${'x'.repeat(257)}\n`, 29],
  LINT_TAXONOMY: [`${RULE}taxonomy: other\n`, 29],
  LINT_SIGMA_VERSION: [`${RULE}sigma-version: 3\n`, 29],
  LINT_DESCRIPTION_MISSING: [change('description: Words on the rule.\n', ''), 1],
  LINT_DESCRIPTION_LONG: [change('Words on the rule.', 'x'.repeat(65_536)), 5],
  LINT_AUTHOR_MISSING: [change('author: A. Nother\n', ''), 1],
  LINT_DATE_MISSING: [change('date: 2026-01-02\n', ''), 1],
  LINT_DATE: [change('date: 2026-01-02', 'date: 2026-02-30'), 7],
  LINT_DATE_ORDER: [change('modified: 2026-02-03', 'modified: 2026-01-01'), 8],
  LINT_LEVEL_MISSING: [change('level: high\n', ''), 1],
  LINT_LEVEL_CASE: [change('level: high', 'level: High'), 16],
  LINT_STATUS_MISSING: [change('status: test\n', ''), 1],
  LINT_STATUS_CASE: [change('status: test', 'status: Test'), 4],
  LINT_DEPRECATED: [change('status: test', 'status: deprecated'), 4],
  LINT_RELATED_ID: [`${RULE}related:\n  - id: x\n    type: derived\n`, 30],
  LINT_RELATED_TYPE: [`${RULE}related:\n  - id: ${ID}\n    type: cousin\n`, 31],
  LINT_LIST: [change('falsepositives:\n  - Admin', 'falsepositives: Admin'), 14],
  LINT_TAG_TWICE: [change('  - cve.2021-44228', '  - cve.2021-44228\n  - attack.t1059.001'), 14],
  LINT_REFERENCE_TWICE: [
    change('  - https://example.org/a', '  - https://example.org/a\n  - https://example.org/a'),
    11,
  ],
  LINT_FIELD_TWICE: [`${RULE}fields: [A, B, A]\n`, 29],
  LINT_TAG_CASE: [change('attack.t1059.001', 'attack.T1059.001'), 12],
  LINT_TAG_FORMAT: [change('attack.t1059.001', 'attack'), 12],
  LINT_TAG_NAMESPACE: [change('attack.t1059.001', 'mitre.t1059'), 12],
  LINT_TAG_ATTACK: [change('attack.t1059.001', 'attack.t105'), 12],
  LINT_TAG_CAR: [change('attack.t1059.001', 'car.2016-4-5'), 12],
  LINT_TAG_CVE: [change('cve.2021-44228', 'cve.44228'), 13],
  LINT_TAG_D3FEND: [change('attack.t1059.001', 'd3fend.process'), 12],
  LINT_TAG_DETECTION: [change('attack.t1059.001', 'detection.hunting'), 12],
  LINT_TAG_STP: [change('attack.t1059.001', 'stp.6'), 12],
  LINT_TAG_TLP: [change('attack.t1059.001', 'tlp.blue'), 12],
  LINT_FALSE_POSITIVE_SHORT: [change('Administrators at work', 'N/A'), 15],
  LINT_SCOPE_SHORT: [`${RULE}scope: [x]\n`, 29],
  LINT_LOGSOURCE_CASE: [change('product: windows', 'product: Windows'), 19],
  LINT_LOGSOURCE_KEY: [change('product: windows', 'product: windows\n  channel: x'), 20],
  LINT_LOGSOURCE_GENERIC: [
    change('category: process_creation', 'service: sysmon', item('EventID: [1, 99]')),
    27,
  ],
  LINT_SELECTION_UNUSED: [change(' and not filter_main', ''), 26],
  LINT_THEM_SINGLE: [
    change(
      'condition: selection',
      'condition: 1 of them',
      `${HEAD}logsource: { product: a }\ndetection:\n  s: { A: x }\n  condition: selection\n`,
    ),
    20,
  ],
  LINT_ALL_OF_THEM: [change('selection and not filter_main', 'all of them'), 28],
  LINT_CONDITION_CASE: [change('selection and not', 'selection AND not'), 28],
  LINT_TIMEFRAME: [change('  condition:', '  timeframe: 5m\n  condition:'), 28],
  LINT_ALL_SINGLE: [item('User|contains|all: x'), 27],
  LINT_ALL_WHOLE: [item('User|all: [x, y]'), 27],
  LINT_ALL_RE: [item('User|re|all: [x, y]'), 27],
  LINT_BASE64OFFSET_WHOLE: [item('User|base64offset: xyz'), 27],
  LINT_WINDASH_ALL: [item("User|windash|contains|all: [' -a', ' -b']"), 27],
  LINT_MODIFIER_TWICE: [item('User|contains|contains: x'), 27],
  LINT_VALUE_TWICE: [item('User: [x, y, X]'), 27],
  LINT_NULL_IN_LIST: [item('User: [x, null]'), 27],
  LINT_WILDCARD_ONLY: [item("User: '*'"), 27],
  LINT_WILDCARD_NEEDLESS: [item("User|contains: '*x'"), 27],
  LINT_WILDCARD_FOR_MODIFIER: [item("User: ['*x', '*y']"), 27],
  LINT_WILDCARD_DOUBLE: [item("User: 'a**b'"), 27],
  LINT_WILDCARD_ESCAPED: [item("User: 'a\\*b'"), 27],
  LINT_NUMBER_AS_TEXT: [item("User: '42'"), 27],
  LINT_CONTROL_CHARACTER: [item('User: "C:\\temp"'), 27],
  LINT_CORRELATION_UNGROUPED: [change('  group-by: [user.name]\n', '', CORRELATION), 17],
  LINT_CORRELATION_ONLY: [change('  generate: true\n', '', CORRELATION), 19],
  LINT_FILTER_LEVEL: [`${FILTER}level: high\n`, 13],
  LINT_FILTER_STATUS: [`${FILTER}status: test\n`, 13],
  LINT_FILTER_KEEPS: [change('not selection', 'selection', FILTER), 12],
};
const TOGETHER: LintCode[] = [
  'LINT_FILE_NAME_TWICE',
  'LINT_ID_TAKEN',
  'LINT_TITLE_TWICE',
  'LINT_NAME_TWICE',
  'LINT_REFERENCE_UNKNOWN',
  'LINT_REFERENCE_TITLE',
];

describe('the linter', () => {
  it.each([
    ['rule', RULE],
    ['correlation', CORRELATION],
    ['filter', FILTER],
  ])('finds nothing in a good %s', (_kind, text) => {
    expect(lintRuleText({ text, file: 'a_good_rule.yml' }).findings).toEqual([]);
  });

  it.each(Object.entries(BAD))('%s is found at its line', (code, [text, line, file = 'a_bad_rule.yml']) => {
    const found = lintRuleText({ text, file }).findings.filter((finding) => finding.code === code);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ severity: LINT_CHECKS[code as LintCode].severity, place: { file } });
    expect(found[0]?.place.line).toBe(line);
    expect(found[0]?.message).not.toBe('');
  });

  it('looks at keywords too', () => {
    const text = change('    User: [x, y]', "    - 'a\\*b'\n    - word\n    - Word");
    expect(
      lintRuleText({ text, file: 'a_bad_rule.yml' }).findings.map(({ code, place }) => [code, place.line]),
    ).toEqual([
      ['LINT_WILDCARD_ESCAPED', 27],
      ['LINT_VALUE_TWICE', 29],
    ]);
  });

  it('tries every check of the catalogue', () => {
    expect([...Object.keys(BAD), ...TOGETHER].sort()).toEqual(Object.keys(LINT_CHECKS).sort());
  });

  it('has every validator of pySigma 1.5 and every lint of rsigma 0.26 for Sigma 2', () => {
    const ours = (peer: 'pysigma' | 'rsigma'): Set<string> =>
      new Set([
        ...Object.values(LINT_CHECKS).flatMap((check) => check[peer]?.split(', ') ?? []),
        ...Object.keys(REFUSED_BY_PARSER),
      ]);
    const pysigma =
      'all_of_them_condition dangling_condition dangling_detection them_condition_with_single_detection fieldname_logsource specific_instead_of_generic_logsource custom_attributes duplicate_filename duplicate_references duplicate_title filename_length identifier_existence identifier_uniqueness invalid_modifier_combinations attacktag cartag cvetag d3_fendtag detection_tag duplicate_tag namespace_tag stptag tlptag tlpv1_tag tlpv2_tag tag_format control_character double_wildcard escaped_wildcard number_as_string wildcards_instead_of_modifiers';
    expect(pysigma.split(' ').filter((name) => !ours('pysigma').has(name))).toEqual([]);
    const rsigma =
      'yaml_parse_error not_a_mapping file_read_error missing_title empty_title title_too_long missing_description missing_author invalid_id invalid_status missing_level invalid_level invalid_date invalid_modified modified_before_date description_too_long name_too_long taxonomy_too_long non_lowercase_key missing_logsource missing_detection missing_condition empty_detection invalid_related_type invalid_related_id related_missing_required deprecated_without_related invalid_tag unknown_tag_namespace duplicate_tags duplicate_references duplicate_fields falsepositive_too_short scope_too_short logsource_value_not_lowercase condition_references_unknown invalid_condition deprecated_aggregation_syntax deprecated_detection_timeframe missing_correlation missing_correlation_type invalid_correlation_type missing_correlation_rules empty_correlation_rules missing_correlation_timespan invalid_timespan_format invalid_window_mode missing_session_gap gap_without_session invalid_gap_format missing_group_by missing_correlation_condition missing_condition_field invalid_condition_operator condition_value_not_numeric generate_not_boolean correlation_only_references missing_filter missing_filter_rules empty_filter_rules missing_filter_selection missing_filter_condition filter_has_level filter_has_status missing_filter_logsource filter_reference_by_title null_in_value_list single_value_all_modifier all_with_re incompatible_modifiers empty_value_list wildcard_only_value unsupported_sigma_version unknown_rule_reference unknown_key';
    expect(rsigma.split(' ').filter((name) => !ours('rsigma').has(name))).toEqual([]);
  });
});

describe('the linter over folders', () => {
  const folder = mkdtempSync(join(tmpdir(), 'picket-lint-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const write = (files: Record<string, string>): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  };

  it('finds what must be there once and references that lead nowhere', () => {
    write({
      'a/the_first_rule.yml': RULE,
      'b/the_first_rule.yml': RULE,
      'c/a_correlation.yml': change('rules: [tool]', 'rules: [tool, nobody, Tool title]', CORRELATION),
      'c/a_rule_by_title.yml': RULE.replace(ID, ID.replace('5', '8'))
        .replace('title: Tool', 'title: Tool title')
        .replace('name: tool', 'name: other'),
      'd/broken_yaml_file.yml': 'title: [',
    });
    const found = lintRules({ folders: [folder, join(folder, 'nowhere')] });
    const codes = found.map(
      ({ code, place }) => `${code} ${place.file?.slice(folder.length + 1)}:${place.line ?? 0}`,
    );
    expect(codes).toEqual([
      'RULES_UNREADABLE nowhere:0',
      'LINT_FILE_NAME_TWICE b/the_first_rule.yml:0',
      'LINT_TITLE_TWICE b/the_first_rule.yml:1',
      'LINT_ID_TAKEN b/the_first_rule.yml:2',
      'LINT_NAME_TWICE b/the_first_rule.yml:3',
      'LINT_REFERENCE_UNKNOWN c/a_correlation.yml:19',
      'LINT_REFERENCE_TITLE c/a_correlation.yml:19',
      'YAML_INVALID d/broken_yaml_file.yml:1',
    ]);
    const fewer = lintRules({ folders: [folder], disable: ['LINT_TITLE_TWICE', 'YAML_INVALID'] });
    expect(fewer.map(({ code }) => code)).not.toContain('LINT_TITLE_TWICE');
    expect(fewer.map(({ code }) => code)).not.toContain('YAML_INVALID');
  });
});
