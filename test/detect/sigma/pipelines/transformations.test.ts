import { describe, expect, it } from 'vitest';
import { mapRule } from '../../../../detect/sigma/map-rule.ts';
import { parseRuleFile } from '../../../../detect/sigma/parse-file.ts';
import { parsePipeline } from '../../../../detect/sigma/pipelines/pipeline.ts';
import { TRANSFORMATION_NAMES } from '../../../../detect/sigma/pipelines/transformations.ts';
import type { MappedRule } from '../../../../detect/sigma/rule.ts';
import { compileExpression } from '../../../../platform/core/expression/compile.ts';
import { ruleText } from '../compile-text.ts';

const one = (item: string): string => `  sel:\n    ${item}\n  condition: sel`;

function map(items: string, detection: string, more = ''): MappedRule {
  const { rules, refused } = parseRuleFile({
    text: `${ruleText(detection, '{ product: windows, service: system }')}${more}`,
    file: 'r.yml',
  });
  if (!rules[0]) throw new Error(JSON.stringify(refused));
  return mapRule(rules[0], [
    parsePipeline({
      text: `vars: { users: [bob, 'al*'], n: 7, bad: [[1]], nets: [10.0.0.0/8, 'fd00::/8'] }\ntransformations:\n${items}`,
      file: 'p.yml',
    }),
  ]);
}

/** Each transformation with what a rule of one item then matches and does not. */
const CASES: [name: string, items: string, item: string, yes: object[], no: object[]][] = [
  [
    'field_name_mapping',
    '- { type: field_name_mapping, mapping: { A: [x, y], B: z } }',
    'A|neq: 1',
    [{ x: 2, y: 2 }, {}],
    [{ x: 1 }, { y: 1 }],
  ],
  [
    'field_name_mapping',
    '- { type: field_name_mapping, mapping: { B: z } }',
    'A|fieldref: B',
    [{ A: 1, z: 1 }],
    [{ A: 1, B: 1 }],
  ],
  [
    'field_name_mapping',
    '- { type: field_name_mapping, mapping: { null: message } }',
    "'|all': [one, two]",
    [{ message: 'one and two' }],
    [{ other: 'one and two' }, { message: 'one' }],
  ],
  [
    'field_name_prefix_mapping',
    "- { type: field_name_prefix_mapping, mapping: { 'win.': [w., v.] } }",
    'win.x: 1',
    [{ w: { x: 1 } }, { v: { x: 1 } }],
    [{ win: { x: 1 } }],
  ],
  ['field_name_prefix', '- { type: field_name_prefix, prefix: p. }', 'A: 1', [{ p: { A: 1 } }], [{ A: 1 }]],
  ['field_name_suffix', '- { type: field_name_suffix, suffix: .s }', 'A: 1', [{ A: { s: 1 } }], [{ A: 1 }]],
  [
    'drop_detection_item',
    '- { type: drop_detection_item, field_name_conditions: [{ type: include_fields, fields: [B] }] }',
    'A: 1\n    B: 2',
    [{ A: 1 }],
    [{ B: 2 }],
  ],
  [
    'hashes_fields',
    '- { type: hashes_fields, valid_hash_algos: [MD5, SHA1], field_prefix: h. }',
    `Hashes|contains: ['SHA1=${'a'.repeat(40)}', 'MD5=${'b'.repeat(32)}', 'IMPHASH=${'c'.repeat(32)}']`,
    [{ h: { SHA1: 'A'.repeat(40) } }, { h: { MD5: 'b'.repeat(32) } }],
    [{ h: { MD5: 'c'.repeat(32) } }, { Hashes: `MD5=${'b'.repeat(32)}` }],
  ],
  [
    'hashes_fields',
    '- { type: hashes_fields, valid_hash_algos: [MD5, SHA1], field_prefix: h., field_to_parse: Sum }',
    `Sum|all: ['SHA1=${'a'.repeat(40)}', '${'b'.repeat(32)}']`,
    [{ h: { SHA1: 'a'.repeat(40), MD5: 'b'.repeat(32) } }],
    [{ h: { SHA1: 'a'.repeat(40) } }],
  ],
  [
    'hashes_fields',
    '- { type: hashes_fields, valid_hash_algos: [MD5], drop_algo_prefix: true, field_prefix: hash }',
    `Hashes|neq: 'MD5=${'b'.repeat(32)}'`,
    [{ hash: 'x' }, {}],
    [{ hash: 'B'.repeat(32) }],
  ],
  [
    'extract_fields',
    "- { type: extract_fields, regex: '(?P<kind>[A-Za-z]+):(?P<value>\\d+)', field_prefix: reg }",
    "Details: ['Dword:12', 'Qword:0013', 'none at all']",
    [{ reg: { kind: 'dword', value: 12 } }, { reg: { kind: 'QWORD', value: '0013' } }],
    [{ reg: { kind: 'dword', value: '0013' } }, { reg: { value: 12 } }, { Details: 'none at all' }],
  ],
  [
    'extract_fields',
    "- { type: extract_fields, regex: '(?P<kind>Dword):', preserve_unmatched: true }",
    "Details: ['Dword:12', other]",
    [{ kind: 'Dword' }, { Details: 'other' }],
    [{ Details: 'Dword:12' }],
  ],
  [
    'wildcard_placeholders',
    '- { type: wildcard_placeholders }',
    "A|expand: 'x%users%y'",
    [{ A: 'x-y' }],
    [{ A: 'x' }],
  ],
  [
    'value_placeholders',
    '- { type: value_placeholders, include: [users] }\n- { type: value_placeholders, exclude: [users] }',
    "A|expand|contains|all: ['%users%', '%n%']",
    [{ A: 'bob7' }, { A: '7 alx' }],
    [{ A: 'bob' }, { A: 'eve7' }],
  ],
  [
    'value_placeholders',
    '- { type: value_placeholders, include: [n] }',
    "A|re|expand: '^a%n%+$'",
    [{ A: 'a77' }],
    [{ A: 'a%n%' }, { A: 'a7b' }],
  ],
  [
    'value_placeholders',
    '- { type: value_placeholders }',
    "A|cidr|expand: '%nets%'",
    [{ A: '10.1.2.3' }, { A: 'fd00::1' }],
    [{ A: '10.0.0.0/8' }, { A: '11.0.0.1' }],
  ],
  [
    'add_condition',
    "- { type: add_condition, conditions: { 'src|contains': 'log-$service', n: [1, 2] }, template: true }",
    'A: 1',
    [{ A: 1, src: 'a log-system', n: 2 }],
    [
      { A: 1, src: 'log-system' },
      { A: 1, n: 1 },
    ],
  ],
  [
    'add_condition',
    '- { id: c, type: add_condition, conditions: { B: 1 } }\n- { type: field_name_prefix, prefix: p., field_name_conditions: [{ type: processing_item_applied, processing_item_id: c }], field_name_cond_not: true }',
    'A: 1',
    [{ p: { A: 1 }, B: 1 }],
    [{ p: { A: 1, B: 1 } }],
  ],
  [
    'replace_string',
    "- { type: replace_string, regex: '^\\*\\\\(\\w)', replacement: 'C:\\\\\\1' }",
    "A|endswith: '\\temp'",
    [{ A: 'c:\\temp' }],
    [{ A: 'd:\\temp' }, { A: 'x\\temp' }],
  ],
  [
    'replace_string',
    "- { type: replace_string, regex: b, replacement: '*', skip_special: true }",
    "A: 'a?b'",
    [{ A: 'ax*' }],
    [{ A: 'axcc' }],
  ],
  [
    'replace_string',
    "- { type: replace_string, regex: b, replacement: '*', skip_special: true, interpret_special: true }",
    "A: 'a?b'",
    [{ A: 'axcc' }],
    [{ A: 'a' }],
  ],
  [
    'replace_string',
    "- { type: replace_string, regex: '^4', replacement: '5' }",
    'A: 47',
    [{ A: 57 }],
    [{ A: 47 }],
  ],
  [
    'replace_string',
    "- { type: replace_string, regex: '(?P<a>x)(y)', replacement: '\\2\\g<a>$1' }",
    "A: 'a\\*xy'",
    [{ A: 'a*yx$1' }],
    [{ A: 'abyx$1' }],
  ],
  [
    'map_string',
    "- { type: map_string, mapping: { a: [x, y], '*b*': z } }",
    "A: [a, '*b*']",
    [{ A: 'x' }, { A: 'Y' }, { A: 'z' }],
    [{ A: 'a' }, { A: 'abc' }],
  ],
  ['regex', '- { type: regex, method: plain }', "A: 'Ab*'", [{ A: 'Abc' }], [{ A: 'abc' }]],
  ['regex', '- { type: regex }', "A: 'Ab*'", [{ A: 'abC' }], [{ A: 'xab' }]],
  ['set_value', '- { type: set_value, value: 5, force_type: str }', 'A: [1, x]', [{ A: '5' }], [{ A: 1 }]],
  ['set_value', '- { type: set_value, value: null }', 'A: 1', [{}], [{ A: 1 }]],
  ['set_value', "- { type: set_value, value: '7', force_type: num }", 'A: 1', [{ A: 7 }], [{ A: 1 }]],
  [
    'convert_type',
    '- { type: convert_type, target_type: num }',
    "A: '7'",
    [{ A: 7 }, { A: '7.0' }],
    [{ A: 8 }],
  ],
  ['convert_type', '- { type: convert_type, target_type: str }', 'A: 7', [{ A: '7' }], [{ A: '7.0' }]],
  ['case', '- { type: case, method: upper }', 'A|cased: abC', [{ A: 'ABC' }], [{ A: 'abC' }]],
  ['case', '- { type: case }', 'A|cased: abC', [{ A: 'abc' }], [{ A: 'abC' }]],
  ['case', '- { type: case, method: snake_case }', 'A|cased: AbCd', [{ A: 'ab_cd' }], [{ A: 'AbCd' }]],
  [
    'set_state',
    '- { type: set_state, key: k, val: 3 }\n- { type: field_name_prefix, prefix: p., rule_conditions: [{ type: processing_state, key: k, val: 2, op: gt }] }',
    'A: 1',
    [{ p: { A: 1 } }],
    [{ A: 1 }],
  ],
  [
    'set_custom_attribute',
    '- { type: set_custom_attribute, attribute: zone, value: dmz }\n- { type: field_name_prefix, prefix: p., rule_conditions: [{ type: rule_attribute, attribute: zone, value: dmz }] }',
    'A: 1',
    [{ p: { A: 1 } }],
    [{ A: 1 }],
  ],
  [
    'nest',
    '- { type: nest, rule_conditions: [{ type: logsource, service: system }], items: [{ type: field_name_prefix, prefix: p. }, { type: nest, items: [{ type: field_name_suffix, suffix: .s }] }] }',
    'A: 1',
    [{ p: { A: { s: 1 } } }],
    [{ A: 1 }],
  ],
  [
    'nest',
    '- { type: nest, rule_conditions: [{ type: logsource, service: security }], items: [{ type: field_name_prefix, prefix: p. }] }',
    'A: 1',
    [{ A: 1 }],
    [{ p: { A: 1 } }],
  ],
  [
    'change_logsource',
    '- { type: change_logsource, category: Dns }\n- { type: field_name_prefix, prefix: p., rule_conditions: [{ type: logsource, product: windows }] }',
    'A: 1',
    [{ A: 1 }],
    [{ p: { A: 1 } }],
  ],
];

describe('transformations', () => {
  it.each(CASES)('%s: %s', (_name, items, item, yes, no) => {
    const holds = compileExpression(map(items, one(item)).expression);
    expect(yes.filter((event) => !holds(event))).toEqual([]);
    expect(no.filter((event) => holds(event))).toEqual([]);
  });

  it('change the list of fields', () => {
    const items =
      '- { type: add_field, field: [b, c] }\n- { type: remove_field, field: a }\n- { type: field_name_mapping, mapping: { b: [x, y] } }';
    expect(map(items, one('A: 1'), 'fields: [a, d]\n').fields).toEqual(['d', 'x', 'y', 'c']);
    expect(map('- { type: set_field, fields: [q] }', one('A: 1'), 'fields: [a]\n').fields).toEqual(['q']);
  });

  it.each([
    ['rule_failure', '- { type: rule_failure, message: not here }', 'A: 1', 'not here'],
    ['detection_item_failure', '- { type: detection_item_failure, message: no A }', 'A: 1', 'no A'],
    [
      'strict_field_mapping_failure',
      '- { type: field_name_mapping, mapping: { A: x } }\n- { type: strict_field_mapping_failure }',
      'A: 1\n    B: 2',
      'no mapping for field `B`',
    ],
    ['drop_detection_item', '- { type: drop_detection_item }', 'A: 1', 'left nothing'],
    ['hashes_fields', '- { type: hashes_fields, valid_hash_algos: [MD5] }', 'Hashes: SHA9=abc', 'no hash'],
    ['convert_type', '- { type: convert_type, target_type: num }', 'A: abc', 'no number'],
    ['value_placeholders', '- { type: value_placeholders }', "A|expand: '%gone%'", 'no variable'],
    ['value_placeholders', '- { type: value_placeholders }', "A|expand: '%bad%'", 'no text or number'],
    [
      'query_expression_placeholders',
      '- { type: query_expression_placeholders }',
      "A|expand: '%n%'",
      'no pipeline',
    ],
    ['file_placeholders', '- { type: file_placeholders, path: x }', "A|expand: '%n%'", 'no pipeline'],
    ['http_placeholders', '- { type: http_placeholders, url: x }', "A|expand: '%n%'", 'no pipeline'],
    [
      'command_placeholders',
      '- { type: command_placeholders, cmd: x }',
      "A|re|expand: 'a%n%'",
      'no pipeline',
    ],
  ])('%s refuses a rule and says why', (_name, items, item, message) => {
    expect(() => map(items, one(item))).toThrow(message);
  });

  it('are all of pySigma 1.5 that YAML can hold, each tried here', () => {
    const all =
      'field_name_mapping field_name_prefix_mapping drop_detection_item hashes_fields extract_fields field_name_suffix field_name_prefix wildcard_placeholders value_placeholders query_expression_placeholders file_placeholders http_placeholders command_placeholders add_condition change_logsource add_field remove_field set_field replace_string map_string set_state regex set_value convert_type rule_failure detection_item_failure strict_field_mapping_failure set_custom_attribute nest case';
    expect([...TRANSFORMATION_NAMES].sort()).toEqual(all.split(' ').sort());
  });
});
