import { describe, expect, it } from 'vitest';
import { mapRule } from '../../../../detect/sigma/map-rule.ts';
import { parseRuleFile } from '../../../../detect/sigma/parse-file.ts';
import { CONDITION_NAMES } from '../../../../detect/sigma/pipelines/conditions.ts';
import { parsePipeline } from '../../../../detect/sigma/pipelines/pipeline.ts';
import { fieldsOf } from '../../../../platform/core/expression/expression.ts';
import { ruleText } from '../compile-text.ts';

const RULE = `${ruleText(
  "  sel:\n    A: [x, 'y*']\n    B: null\n    C: 5\n    D|fieldref: E\n  condition: sel",
  '{ product: windows, category: process_creation }',
)}status: test\ndate: 2026-02-03\ntags: [attack.t1059]\nfields: [A]\nzone: dmz\nscore: 7\n`;

/** The fields after `prefix: p.` was put to what the conditions choose. */
function prefixed(conditions: string, before = ''): string[] {
  const { rules } = parseRuleFile({ text: RULE, file: 'r.yml' });
  const text = `transformations:\n${before}- { type: field_name_prefix, prefix: p., ${conditions} }`;
  const mapped = mapRule(rules[0] as never, [parsePipeline({ text, file: 'p.yml' })]);
  return fieldsOf(mapped.expression).filter((field) => field.startsWith('p.'));
}
const ALL = ['p.A', 'p.B', 'p.C', 'p.D', 'p.E'];

describe('rule conditions', () => {
  it.each([
    ['{ type: logsource, product: Windows }', true],
    ['{ type: logsource, product: windows, service: x }', false],
    ['{ type: contains_field, field: A }', true],
    ['{ type: contains_field, field: Z }', false],
    ['{ type: contains_detection_item, field: A, value: x }', true],
    ["{ type: contains_detection_item, field: A, value: 'y*' }", true],
    ["{ type: contains_detection_item, field: A, value: 'y' }", false],
    ['{ type: contains_detection_item, field: C, value: 5 }', true],
    ["{ type: contains_detection_item, field: C, value: '5' }", false],
    ['{ type: is_sigma_rule }', true],
    ['{ type: is_sigma_correlation_rule }', false],
    ['{ type: tag, tag: attack.T1059 }', true],
    ['{ type: tag, tag: attack.t1060 }', false],
    ['{ type: rule_attribute, attribute: level, value: medium, op: gte }', true],
    ['{ type: rule_attribute, attribute: level, value: critical, op: gte }', false],
    ['{ type: rule_attribute, attribute: status, value: stable, op: lt }', true],
    ["{ type: rule_attribute, attribute: date, value: '2026-01-01', op: gt }", true],
    ['{ type: rule_attribute, attribute: tags, value: attack.t1059, op: in }', true],
    ['{ type: rule_attribute, attribute: tags, value: attack.t1059, op: not_in }', false],
    ['{ type: rule_attribute, attribute: tags, value: attack.t1059 }', false],
    ['{ type: rule_attribute, attribute: title, value: Test }', true],
    ['{ type: rule_attribute, attribute: title, value: Test, op: ne }', false],
    ['{ type: rule_attribute, attribute: zone, value: dmz }', true],
    ['{ type: rule_attribute, attribute: score, value: 6.5, op: gt }', true],
    ['{ type: rule_attribute, attribute: nowhere, value: x, op: ne }', false],
    ['{ type: processing_state, key: k, val: v }', false],
    ['{ type: processing_item_applied, processing_item_id: gone }', false],
  ])('%s is %s', (condition, expected) => {
    expect(prefixed(`rule_conditions: [${condition}]`)).toEqual(expected ? ALL : []);
  });

  it('see the state and the items before them', () => {
    const before = '- { id: s, type: set_state, key: k, val: v }\n';
    for (const condition of [
      '{ type: processing_state, key: k, val: v }',
      '{ type: processing_item_applied, processing_item_id: s }',
    ])
      expect(prefixed(`rule_conditions: [${condition}]`, before)).toEqual(ALL);
  });

  it('are joined by and, by or, by an expression, and denied', () => {
    const [yes, no] = ['{ type: is_sigma_rule }', '{ type: is_sigma_correlation_rule }'];
    expect(prefixed(`rule_conditions: [${yes}, ${no}]`)).toEqual([]);
    expect(prefixed(`rule_conditions: [${yes}, ${no}], rule_cond_op: or`)).toEqual(ALL);
    expect(prefixed(`rule_conditions: [${no}], rule_cond_not: true`)).toEqual(ALL);
    expect(prefixed('rule_cond_not: true')).toEqual(ALL);
    expect(
      prefixed(`rule_conditions: { a: ${yes}, b: ${no} }, rule_cond_expr: 'a and not (b or not a)'`),
    ).toEqual(ALL);
    expect(prefixed(`rule_conditions: { a: ${yes}, b: ${no} }, rule_cond_expr: a and b`)).toEqual([]);
    expect(prefixed(`rule_conditions: { a: ${yes}, b: ${no} }`)).toEqual([]);
  });

  it.each([
    ['{ type: rule_attribute, attribute: title, value: x, op: gt }', 'no relation'],
    ['{ type: rule_attribute, attribute: level, value: loud, op: gt }', 'is none of'],
    ['{ type: rule_attribute, attribute: logsource, value: x }', 'neither a list'],
    ['{ type: rule_attribute, attribute: score, value: x, op: gt }', 'is no number'],
  ])('%s refuses the rule', (condition, message) => {
    expect(() => prefixed(`rule_conditions: [${condition}]`)).toThrow(message);
  });
});

describe('detection item conditions', () => {
  it.each([
    ["{ type: match_string, cond: !!str any, pattern: 'y' }", ['p.A']],
    ["{ type: match_string, cond: !!str any, pattern: '\\*' }", []],
    ["{ type: match_string, cond: all, pattern: 'x' }", []],
    ["{ type: match_string, cond: all, pattern: 'x|y', negate: true }", ['p.B', 'p.C', 'p.D', 'p.E']],
    ['{ type: match_value, cond: !!str any, value: 5 }', ['p.C']],
    ['{ type: match_value, cond: all, value: x }', []],
    ['{ type: is_null, cond: all }', ['p.B']],
    ['{ type: contains_wildcard, cond: !!str any }', ['p.A']],
    ['{ type: contains_wildcard, cond: all }', []],
    ['{ type: processing_state, key: k, val: v, op: ne }', []],
    ['{ type: processing_item_applied, processing_item_id: gone }', []],
  ])('%s', (condition, expected) => {
    expect(prefixed(`detection_item_conditions: [${condition}]`)).toEqual(expected);
  });
});

describe('field name conditions', () => {
  it.each([
    ['[{ type: include_fields, fields: [A, E] }]', ['p.A', 'p.E']],
    ['[{ type: include_fields, fields: A }]', ['p.A']],
    ['[{ type: include_fields, fields: ["[AB]$"], mode: re }]', ['p.A', 'p.B']],
    ['[{ type: exclude_fields, fields: [A, B, C] }]', ['p.D', 'p.E']],
    [
      '[{ type: include_fields, fields: [A] }, { type: include_fields, fields: [B] }], field_name_cond_op: or',
      ['p.A', 'p.B'],
    ],
    ['[{ type: include_fields, fields: [A] }], field_name_cond_not: true', ['p.B', 'p.C', 'p.D', 'p.E']],
    ['[{ type: processing_state, key: k, val: v }]', []],
  ])('%s', (conditions, expected) => {
    expect(prefixed(`field_name_conditions: ${conditions}`)).toEqual(expected);
  });

  it('know the items that touched a field', () => {
    const before = '- { id: m, type: field_name_mapping, mapping: { A: Q } }\n';
    const applied = 'field_name_conditions: [{ type: processing_item_applied, processing_item_id: m }]';
    expect(prefixed(applied, before)).toEqual(['p.Q']);
    expect(prefixed(`${applied}, field_name_cond_not: true`, before)).toEqual(['p.B', 'p.C', 'p.D', 'p.E']);
  });
});

it('conditions are all of pySigma 1.5', () => {
  expect(CONDITION_NAMES.rule.toSorted()).toEqual(
    'contains_detection_item contains_field is_sigma_correlation_rule is_sigma_rule logsource processing_item_applied processing_state rule_attribute tag'.split(
      ' ',
    ),
  );
  expect(CONDITION_NAMES.detection_item.toSorted()).toEqual(
    'contains_wildcard is_null match_string match_value processing_item_applied processing_state'.split(' '),
  );
});
