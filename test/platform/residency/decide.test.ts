// What residency lets leave: the demo's policies, the default, and that a hidden value is nowhere in what leaves.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../platform/core/event.ts';
import { EVERYTHING } from '../../../platform/core/expression/expression.ts';
import { readText } from '../../../platform/core/fields.ts';
import { hashValue, isHashed, maskValue } from '../../../platform/residency/change-value.ts';
import {
  type CompiledResidencyPolicy,
  compileResidencyPolicy,
} from '../../../platform/residency/compile-policy.ts';
import { loadResidencyPolicies, parseResidencyPolicy } from '../../../platform/residency/load-policies.ts';
import { ResidencyPolicy } from '../../../platform/residency/policy.ts';
import { makeAlert, makeEvent } from '../link/records.ts';

const hashKey = Buffer.alloc(32, 7);
const policies = loadResidencyPolicies('rules/residency');

function compile(policy: ResidencyPolicy): CompiledResidencyPolicy {
  return compileResidencyPolicy({ policy, hashKey, parseQuery: () => EVERYTHING });
}
const demo = (jurisdiction: string): CompiledResidencyPolicy =>
  compileResidencyPolicy({ policy: policies.get(jurisdiction) as ResidencyPolicy, hashKey });

function policyWith(rule: object): ResidencyPolicy {
  return ResidencyPolicy.parse({
    schema: 1,
    jurisdiction: 'eu-fr',
    title: 't',
    rules: [
      {
        name: 'only',
        description: 'd',
        reference: 'r',
        kinds: ['event'],
        classes: ['network-flow'],
        destinations: ['*'],
        decision: 'leave',
        ...rule,
      },
    ],
  });
}

describe('a residency policy', () => {
  it('refuses what no rule speaks of, by class, kind, destination and jurisdiction', () => {
    const policy = demo('eu-fr');
    const flow = makeEvent({ id: '1' });
    expect(policy.decide({ kind: 'event', record: flow, destination: 'eu-de' }).outcome).toBe('left');
    expect(policy.decide({ kind: 'event', record: flow, destination: 'us' })).toMatchObject({
      outcome: 'stayed',
      rule: 'default',
    });
    for (const strange of ['system-log', 'application-log', 'operational', 'no-such-class']) {
      const record = { ...flow, picket: { ...(flow['picket'] as JsonObject), class: strange } };
      expect(policy.decide({ kind: 'event', record, destination: 'eu-de' })).toMatchObject({
        outcome: 'stayed',
        rule: 'default',
      });
    }
    expect(policy.decide({ kind: 'event', record: {}, destination: 'eu-de' }).outcome).toBe('stayed');
  });

  it('lets from France what the centre needs to contain an attack, with people hashed and bodies gone', () => {
    const policy = demo('eu-fr');
    const record = makeEvent({
      id: '1',
      class: 'control-plane-audit',
      dataset: 'kubernetes.audit',
      event: { original: '{"user":"marie.durand"}' },
      fields: {
        user: { name: 'marie.durand', id: 'u-77' },
        orchestrator: { resource: { name: 'hmi-gateway-7d9c5b8f6d-x2k4q' } },
        container: { image: { hash: { all: ['sha256:abc'] } } },
        kubernetes: { audit: { verb: 'create', requestObject: { note: 'by marie.durand' } } },
        source: { ip: '82.118.225.196' },
      },
    });
    const decision = policy.decide({ kind: 'event', record, destination: 'eu-de' });
    const text = JSON.stringify(decision.document);
    expect(text).not.toContain('marie');
    expect(text).not.toContain('requestObject');
    expect(decision.document).toMatchObject({
      orchestrator: { resource: { name: 'hmi-gateway-7d9c5b8f6d-x2k4q' } },
      container: { image: { hash: { all: ['sha256:abc'] } } },
      source: { ip: '82.118.225.196' },
    });
    const account = makeEvent({
      id: '2',
      class: 'control-plane-audit',
      fields: { user: { name: 'system:serviceaccount:line-3:hmi-gateway' } },
    });
    expect(policy.decide({ kind: 'event', record: account, destination: 'eu-de' }).document).toMatchObject({
      user: { name: 'system:serviceaccount:line-3:hmi-gateway' },
    });
    expect(policy.findBreach({ kind: 'event', record, destination: 'eu-de' })).toContain('user.name');
    expect(
      policy.findBreach({ kind: 'event', record: decision.document ?? {}, destination: 'eu-de' }),
    ).toBeUndefined();
  });

  it('hashes internal addresses of flows from Guangdong and leaves public ones readable', () => {
    const record = makeEvent({
      id: '1',
      fields: { source: { ip: '10.20.3.40' }, destination: { ip: '82.118.225.196' } },
    });
    const { document } = demo('cn-gd').decide({ kind: 'event', record, destination: 'eu-de' });
    expect(document).toMatchObject({ destination: { ip: '82.118.225.196' } });
    expect(isHashed(readText(document, 'source.ip'))).toBe(true);
    expect(record['source']).toEqual({ ip: '10.20.3.40' });
  });

  it('keeps Windows records in Guangdong while their alerts leave with the same hash in reasons, key and entities', () => {
    const policy = demo('cn-gd');
    const login = makeEvent({ id: '1', class: 'authentication', fields: { user: { name: 'pgustavo' } } });
    expect(policy.decide({ kind: 'event', record: login, destination: 'eu-de' })).toMatchObject({
      outcome: 'stayed',
      rule: 'host-records-stay',
    });
    const alert = makeAlert({
      id: 'a',
      class: 'authentication',
      key: { 'user.name': 'pgustavo', 'host.name': 'WORKSTATION5' },
      reasons: [
        { selection: 's', field: 'user.name', value: 'pgustavo', condition: 'c' },
        { selection: 's', field: 'process.command_line', value: 'net user pgustavo /domain', condition: 'c' },
      ],
      entities: [
        { type: 'user', scope: 'tenant:acme', value: 'pgustavo@theshire' },
        { type: 'address', scope: 'global', value: '82.118.225.196' },
        { type: 'host', scope: 'site:x', value: 'workstation5' },
      ],
      events: [
        {
          id: 'e',
          timestamp: '2026-11-23T10:00:00.000Z',
          dataset: 'windows.security',
          summary: 'pgustavo signed in',
        },
      ],
    });
    const { document } = policy.decide({
      kind: 'alert',
      record: alert as unknown as JsonObject,
      destination: 'eu-de',
    });
    const left = document as unknown as typeof alert;
    expect(JSON.stringify(left)).not.toMatch(/pgustavo/i);
    expect(left.key['user.name']).toBe(hashValue('PGUSTAVO', { key: hashKey, jurisdiction: 'cn-gd' }));
    expect(left.reasons[0]?.value).toBe(left.key['user.name']);
    expect(left.entities.map(({ value }) => value).slice(1)).toEqual(['82.118.225.196', 'workstation5']);
    expect(isHashed(left.entities[0]?.value)).toBe(true);
    expect(
      policy.findBreach({ kind: 'alert', record: document ?? {}, destination: 'eu-de' }),
    ).toBeUndefined();
    expect(
      policy.findBreach({ kind: 'alert', record: alert as unknown as JsonObject, destination: 'eu-de' }),
    ).toBeDefined();
  });

  it('hashes people and leaves service accounts, pods, images and public addresses in alerts from France', () => {
    const entities = [
      { type: 'user' as const, scope: 'site:x', value: 'marie.durand' },
      { type: 'user' as const, scope: 'site:x', value: 'ci-deployer' },
      { type: 'pod' as const, scope: 'cluster:lyon-line', value: 'line-3/hmi-gateway-7d9c5b8f6d-x2k4q' },
      { type: 'image' as const, scope: 'global', value: 'sha256:abc' },
      { type: 'address' as const, scope: 'global', value: '82.118.225.196' },
    ];
    const reason = {
      selection: 's',
      field: 'kubernetes.audit.requestObject.spec.image',
      value: 'sha256:abc',
      condition: 'c',
    };
    const alert = makeAlert({ id: 'a', entities, reasons: [reason] });
    const record = alert as unknown as JsonObject;
    const { document } = demo('eu-fr').decide({ kind: 'alert', record, destination: 'eu-de' });
    const left = document as unknown as typeof alert;
    expect(left.entities).toHaveLength(5);
    expect(isHashed(left.entities[0]?.value)).toBe(true);
    expect(left.entities.slice(1)).toEqual(entities.slice(1));
    expect(left.reasons[0]?.value).toBe('[removed]');
    expect(
      demo('eu-fr').findBreach({ kind: 'alert', record: document ?? {}, destination: 'eu-de' }),
    ).toBeUndefined();
  });

  it('never lets the raw record leave when a field of its class is changed, by this rule or another', () => {
    const policy = policyWith({ free_text: 'keep' });
    const record = makeEvent({ id: '1', event: { original: 'raw' }, fields: { message: 'm' } });
    const whole = compile(policy).decide({ kind: 'event', record, destination: 'eu-de' });
    expect(whole.document).toMatchObject({ event: { original: 'raw' }, message: 'm' });
    const [first] = policy.rules;
    const other = {
      ...first,
      name: 'other',
      destinations: ['us'],
      fields: [{ field: 'user.name', act: 'hash' }],
    };
    const two = ResidencyPolicy.parse({ ...policy, rules: [first, other] });
    const without = compile(two).decide({ kind: 'event', record, destination: 'eu-de' });
    expect(JSON.stringify(without.document)).not.toContain('raw');
  });

  it('refuses a file with unknown keys, two rules of one name, fields of routing, and short keys', () => {
    expect(() =>
      parseResidencyPolicy({ text: 'schema: 1\njurisdiction: eu-fr\ntitle: t\nrulez: []\n', file: 'f.yaml' }),
    ).toThrow('CONFIG_UNKNOWN_KEY');
    expect(() => compile(policyWith({ fields: [{ field: 'event.id', act: 'drop' }] }))).toThrow(
      'routes records',
    );
    expect(() => compile(policyWith({ fields: [{ field: 'event', act: 'drop' }] }))).toThrow(
      'routes records',
    );
    expect(() => policyWith({ decision: 'stay', fields: [{ field: 'user.name', act: 'hash' }] })).toThrow(
      'has no fields',
    );
    const policy = policyWith({});
    expect(() =>
      compileResidencyPolicy({ policy, hashKey: Buffer.alloc(8), parseQuery: () => EVERYTHING }),
    ).toThrow('32 bytes');
  });
});

/** Texts that break escaping, patterns and folding; long enough that they do not stand anywhere by chance. */
const hostile = fc
  .tuple(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom('', '"', '\\', '$&', '.*', '[', 'İ', '\u0000', '__proto__', '测试'),
  )
  .map(([random, special]) => `Q7${special}zq${random}9W`);
const act = fc.constantFrom('drop', 'mask', 'hash');

/** Every place where a source might put a value a second time. */
function hide(value: string, shape: number): JsonObject {
  switch (shape % 5) {
    case 0:
      return { user: { name: value }, labels: { note: `see ${value}!`, [value]: 'x' } };
    case 1:
      return { user: [{ name: [value, value] }, { name: value.toUpperCase() }], related: { user: [value] } };
    case 2:
      return { 'user.name': value, vendor: { deep: [[{ copy: ` ${value}` }]] } };
    case 3:
      return { user: { name: { first: value, all: [value] } }, error: { code: value } };
    default:
      return { user: { name: value }, vendor: [[value], { [`k-${value}`]: [value] }], message: `m ${value}` };
  }
}

/** All texts of a document, keys too. */
function textsOf(node: unknown): string[] {
  if (typeof node === 'string') return [node];
  if (node === null || typeof node !== 'object') return [];
  return Object.entries(node).flatMap(([key, member]) => [
    ...(Array.isArray(node) ? [] : [key]),
    ...textsOf(member),
  ]);
}

describe('a hidden value', () => {
  it('stands nowhere in what leaves, whatever it is and wherever the source put it', () => {
    fc.assert(
      fc.property(hostile, fc.nat(), act, fc.constantFrom('keep', 'drop'), (value, shape, act, free_text) => {
        const policy = compile(policyWith({ fields: [{ field: 'user.name', act }], free_text }));
        const record = makeEvent({
          id: 'id-1',
          event: { original: `raw ${value}` },
          fields: hide(value, shape),
        });
        const { document, outcome } = policy.decide({ kind: 'event', record, destination: 'eu-de' });
        expect(outcome).toBe('left');
        const found = textsOf(document).filter((text) =>
          text.toLowerCase().includes(value.trim().toLowerCase()),
        );
        expect(found).toEqual([]);
        expect(JSON.stringify(document)).not.toContain(JSON.stringify(value).slice(1, -1));
        expect(
          policy.findBreach({
            kind: 'event',
            record: JSON.parse(JSON.stringify(document)) as JsonObject,
            destination: 'eu-de',
          }),
        ).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('never changes the record it was read from, nor fails on any JSON', () => {
    const policy = compile(
      policyWith({
        fields: [
          { field: 'a.b', act: 'mask' },
          { field: 'c', act: 'hash' },
          { field: 'd', act: 'drop' },
        ],
      }),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'a.b', 'b', 'c', 'd', '__proto__', 'message'), fc.jsonValue()),
        (fields) => {
          const record = makeEvent({ id: '1', fields: fields as JsonObject });
          const before = JSON.stringify(record);
          const { document } = policy.decide({ kind: 'event', record, destination: 'eu-de' });
          expect(JSON.stringify(record)).toBe(before);
          expect(document).toMatchObject({ event: { id: '1' } });
        },
      ),
    );
  });

  it('has the same hash in one jurisdiction however it is written, and another with another key', () => {
    const lyon = { key: hashKey, jurisdiction: 'eu-fr' };
    expect(hashValue('CORP\\Alice ', lyon)).toBe(hashValue('corp\\alice', lyon));
    expect(hashValue('::ffff:10.0.0.1', lyon)).toBe(hashValue('10.0.0.1', lyon));
    expect(hashValue('alice', lyon)).not.toBe(hashValue('alice', { ...lyon, key: Buffer.alloc(32, 8) }));
    expect(hashValue(hashValue('alice', lyon), lyon)).toBe(hashValue('alice', lyon));
  });

  it('keeps its shape when masked and is masked only once', () => {
    expect(maskValue('Marie.Durand@acme.fr')).toBe('Xxxxx.Xxxxxx@xxxx.xx');
    expect(maskValue('10.20.3.40')).toBe('00.00.0.00');
    expect(maskValue('xx')).toBe('**');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (value) => {
        const masked = maskValue(value);
        expect(masked !== value || value.includes('*')).toBe(true);
      }),
    );
  });
});
