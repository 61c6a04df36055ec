import { describe, expect, it } from 'vitest';
import { parsePipeline } from '../../../../detect/sigma/pipelines/pipeline.ts';
import { compileText, ourPipelines, ruleText } from '../compile-text.ts';

function withPipeline(
  pipeline: string,
  detection: string,
  event: object,
  logsource = 'product: windows',
): boolean {
  const { engine, refused } = compileText({
    text: ruleText(detection, logsource),
    pipelines: [parsePipeline({ text: pipeline, file: 'p.yml' })],
  });
  if (refused.length > 0) throw new Error(refused[0]?.code);
  return engine.match(event).length > 0;
}

const SEL = "  sel:\n    Image|endswith: 'x'\n    Other: 1\n  condition: sel";

describe('pipelines', () => {
  it('maps field names, to several as alternatives', () => {
    const pipeline =
      'transformations:\n- type: field_name_mapping\n  mapping:\n    Image: [a.b, c]\n    Other: o';
    expect(withPipeline(pipeline, SEL, { a: { b: 'ax' }, o: 1 })).toBe(true);
    expect(withPipeline(pipeline, SEL, { c: 'ax', o: 1 })).toBe(true);
    expect(withPipeline(pipeline, SEL, { Image: 'ax', Other: 1 })).toBe(false);
  });

  it('prefixes what another item has not mapped', () => {
    const pipeline = `transformations:
- id: m
  type: field_name_mapping
  mapping: { Image: exe }
- type: field_name_prefix
  prefix: data.
  field_name_conditions: [{ type: processing_item_applied, processing_item_id: m }]
  field_name_cond_not: true`;
    expect(withPipeline(pipeline, SEL, { exe: 'x', data: { Other: 1 } })).toBe(true);
  });

  it('adds conditions, plain and denied, with templates', () => {
    const detection = '  sel:\n    A: 1\n  condition: sel';
    const added =
      "transformations:\n- type: add_condition\n  conditions: { src: 'log-$product' }\n  template: true";
    expect(withPipeline(added, detection, { A: 1, src: 'log-windows' })).toBe(true);
    expect(withPipeline(added, detection, { A: 1 })).toBe(false);
    const denied = 'transformations:\n- type: add_condition\n  conditions: { B: [1, 2] }\n  negated: true';
    expect(withPipeline(denied, detection, { A: 1, B: 2 })).toBe(false);
    expect(withPipeline(denied, detection, { A: 1 })).toBe(true);
  });

  it('drops items, replaces texts and changes logsources under conditions', () => {
    const drop =
      'transformations:\n- type: drop_detection_item\n  field_name_conditions: [{ type: include_fields, fields: [Other] }]';
    expect(withPipeline(drop, SEL, { Image: 'x' })).toBe(true);
    const replace =
      "transformations:\n- type: replace_string\n  regex: '^HK(LM)$'\n  replacement: '\\1!'\n  rule_conditions: [{ type: logsource, product: windows }]";
    expect(withPipeline(replace, '  sel:\n    A: HKLM\n  condition: sel', { A: 'LM!' })).toBe(true);
    const skipped = replace.replace('product: windows', 'product: linux');
    expect(withPipeline(skipped, '  sel:\n    A: HKLM\n  condition: sel', { A: 'LM!' })).toBe(false);
  });

  it('fills placeholders from vars and with wildcards', () => {
    const detection = "  sel:\n    A|expand: 'x-%users%'\n  condition: sel";
    const values = 'vars: { users: [bob, al*] }\ntransformations:\n- type: value_placeholders';
    expect(withPipeline(values, detection, { A: 'x-bob' })).toBe(true);
    expect(withPipeline(values, detection, { A: 'x-alice' })).toBe(true);
    expect(withPipeline(values, detection, { A: 'x-eve' })).toBe(false);
    expect(withPipeline('transformations:\n- type: wildcard_placeholders', detection, { A: 'x-eve' })).toBe(
      true,
    );
  });

  it('fails a rule with the words of the pipeline', () => {
    const pipeline = `transformations:
- type: rule_failure
  message: not here
  rule_conditions:
    - { type: contains_detection_item, field: A, value: 1 }
    - { type: processing_state, key: k, val: v }
  rule_cond_op: or`;
    expect(() => withPipeline(pipeline, '  sel:\n    A: 1\n  condition: sel', {})).toThrow('SIGMA_PIPELINE');
    expect(withPipeline(pipeline, '  sel:\n    A: 2\n  condition: sel', { A: 2 })).toBe(true);
  });

  it('notes what has no effect here, and works all the same', () => {
    const pipeline = parsePipeline({
      text: `allowed_backends: [splunk]
transformations:
- type: query_expression_placeholders
  expression: '{field} lookup {id}'
- type: field_name_prefix
  prefix: p.
postprocessing:
- type: embed
  prefix: 'search '
finalizers:
- type: concat
  separator: x`,
      file: 'p.yml',
    });
    expect(pipeline.items.map(({ transformation }) => transformation.type)).toEqual(['field_name_prefix']);
    expect(pipeline.notes.map(({ code, place }) => [code, place.line])).toEqual([
      ['PIPELINE_NO_EFFECT', 8],
      ['PIPELINE_NO_EFFECT', 11],
      ['PIPELINE_OTHER_BACKEND', 1],
      ['PIPELINE_NO_EFFECT', 3],
    ]);
  });

  it('goes by priority', () => {
    const parse = (text: string) => parsePipeline({ text, file: 'p.yml' });
    const late = parse('priority: 20\ntransformations:\n- type: field_name_prefix\n  prefix: late.');
    const early = parse('priority: 10\ntransformations:\n- type: field_name_prefix\n  prefix: early_');
    const { engine } = compileText({
      text: ruleText('  sel:\n    A: 1\n  condition: sel'),
      pipelines: [late, early],
    });
    expect(engine.match({ late: { early_A: 1 } })).toHaveLength(1);
  });

  it.each([
    ['transformations:\n- type: make_coffee', 'PIPELINE_TRANSFORMATION_UNKNOWN', 2],
    ['transformations:\n- type: field_name_prefix\n  prefix: x\n  prefx: x', 'PIPELINE_INVALID', 4],
    [
      'transformations:\n- type: drop_detection_item\n  rule_conditions:\n  - type: full_moon',
      'PIPELINE_CONDITION_UNKNOWN',
      4,
    ],
    ['transformations:\n- type: field_name_transform', 'PIPELINE_TRANSFORMATION_UNKNOWN', 2],
    ['postprocessing:\n- type: make_coffee', 'PIPELINE_TRANSFORMATION_UNKNOWN', 2],
    ['colour: red', 'PIPELINE_INVALID', 1],
    [
      "transformations:\n- type: replace_string\n  regex: '(a*)*\\1'\n  replacement: x",
      'PIPELINE_INVALID',
      3,
    ],
    ['transformations:\n- type: extract_fields\n  regex: abc', 'PIPELINE_INVALID', 3],
    ['transformations:\n- type: set_value\n  value: x\n  force_type: num', 'PIPELINE_INVALID', 2],
    ['transformations:\n- type: add_condition\n  conditions: { "A|cidr": x }', 'PIPELINE_INVALID', 3],
    ['transformations:\n- type: value_placeholders\n  include: [a]\n  exclude: [b]', 'PIPELINE_INVALID', 2],
    [
      'transformations:\n- type: nest\n  items:\n  - type: drop_detection_item\n    colour: red',
      'PIPELINE_INVALID',
      5,
    ],
    [
      'transformations:\n- type: drop_detection_item\n  rule_conditions: { a: { type: is_sigma_rule } }\n  rule_cond_expr: a and b',
      'PIPELINE_INVALID',
      4,
    ],
    [
      'transformations:\n- type: drop_detection_item\n  rule_conditions: { a: { type: is_sigma_rule }, b: { type: is_sigma_rule } }\n  rule_cond_expr: not a',
      'PIPELINE_INVALID',
      4,
    ],
    [
      'transformations:\n- type: drop_detection_item\n  rule_conditions: [{ type: is_sigma_rule }]\n  rule_cond_expr: a',
      'PIPELINE_INVALID',
      4,
    ],
    [
      'transformations:\n- type: drop_detection_item\n  rule_conditions: { a: { type: is_sigma_rule } }\n  rule_cond_op: and\n  rule_cond_expr: a',
      'PIPELINE_INVALID',
      5,
    ],
    ['transformations:\n- type: drop_detection_item\n  rule_cond_opp: or', 'PIPELINE_INVALID', 3],
    ['transformations: [', 'YAML_INVALID', 1],
  ])('refuses %j with its place', (text, code, line) => {
    expect(() => parsePipeline({ text, file: 'p.yml' })).toThrow(
      expect.objectContaining({
        code,
        place: expect.objectContaining({ file: 'p.yml', line }) as unknown,
      }) as Error,
    );
  });
});

describe('our own pipelines', () => {
  const match = (detection: string, logsource: string, event: object): boolean => {
    const { engine, refused } = compileText({
      text: ruleText(detection, logsource),
      pipelines: ourPipelines().pipelines,
      raw: false,
    });
    if (refused.length > 0) throw new Error(JSON.stringify(refused));
    return engine.match(event).length > 0;
  };

  it('read Windows events where the source puts them', () => {
    const event = {
      event: { dataset: 'windows.sysmon', code: '1' },
      winlog: {
        channel: 'Microsoft-Windows-Sysmon/Operational',
        event_data: { Image: 'C:\\x.exe', CommandLine: 'x -a' },
      },
    };
    const detection =
      "  sel:\n    Image|endswith: '\\x.exe'\n    CommandLine|contains: ' -a'\n    EventID: 1\n  condition: sel";
    expect(match(detection, '{product: windows, category: process_creation}', event)).toBe(true);
    expect(match(detection, '{product: windows, service: sysmon}', event)).toBe(true);
    expect(match(detection, '{product: windows, category: file_event}', event)).toBe(false);
    expect(match(detection, '{product: linux, category: process_creation}', event)).toBe(false);
  });

  it('read Security 4688 as a process creation', () => {
    const event = {
      event: { dataset: 'windows.security', code: '4688' },
      winlog: { channel: 'Security', event_data: { NewProcessName: 'C:\\x.exe' } },
    };
    expect(
      match(
        "  sel:\n    Image|endswith: '\\x.exe'\n  condition: sel",
        '{product: windows, category: process_creation}',
        event,
      ),
    ).toBe(true);
  });

  it('read Kubernetes audit, Falco and flow events', () => {
    const audit = {
      event: { dataset: 'kubernetes.audit' },
      kubernetes: { audit: { verb: 'create', objectRef: { resource: 'pods' }, user: { username: 'eve' } } },
    };
    expect(
      match(
        '  sel:\n    verb: create\n    objectRef.resource: pods\n    user.username: eve\n  condition: sel',
        '{product: kubernetes, service: audit}',
        audit,
      ),
    ).toBe(true);
    const falco = {
      event: { dataset: 'falco.alerts' },
      falco: { output_fields: { 'proc.name': 'nc' } },
      rule: { name: 'Shell' },
    };
    expect(
      match('  sel:\n    proc.name: nc\n    rule.name: Shell\n  condition: sel', 'product: falco', falco),
    ).toBe(true);
    const flow = { event: { dataset: 'netflow.flow' }, destination: { ip: '203.0.113.9', port: 4444 } };
    expect(
      match(
        "  sel:\n    dst_ip|cidr: '203.0.113.0/24'\n    dst_port: 4444\n  condition: sel",
        'category: firewall',
        flow,
      ),
    ).toBe(true);
    expect(match('  sel:\n    destination.port: 4444\n  condition: sel', 'product: netflow', flow)).toBe(
      true,
    );
  });
});
