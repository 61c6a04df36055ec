// Fleet rules against the residency files that stand in this repository.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mapRule } from '../../../detect/sigma/map-rule.ts';
import { parseRuleFile } from '../../../detect/sigma/parse-file.ts';
import type { SigmaRule } from '../../../detect/sigma/rule.ts';
import { loadResidencyPolicies } from '../../../platform/residency/load-policies.ts';
import { type FleetRule, findBlindSites } from '../../../server/rules/find-blind-sites.ts';
import { actOn, findHiddenFields } from '../../../server/rules/hidden-fields.ts';
import { ourPipelines } from '../../detect/sigma/compile-text.ts';

const policies = loadResidencyPolicies(join(import.meta.dirname, '../../../rules/residency'));
const { pipelines } = ourPipelines();

function fleetRule(selection: string, classes: string[], keys: string[] = []): FleetRule {
  const text = `title: A rule\nlogsource: { product: kubernetes, service: audit }\ndetection:\n  selection: ${selection}\n  condition: selection\n`;
  const rule = parseRuleFile({ text, file: 'r.yml' }).rules[0] as SigmaRule;
  return { id: 'r', name: 'A rule', inputs: [{ mapped: mapRule(rule, pipelines), classes }], keys };
}
const blindAt = (rule: FleetRule, jurisdiction = 'eu-fr', destination = 'eu-fr') =>
  findBlindSites({
    rules: [rule],
    sites: [{ id: 'lyon', jurisdiction }],
    policies,
    destination,
  });

describe('a fleet rule', () => {
  test('sees what leaves as it is', () => {
    expect(blindAt(fleetRule('{ verb: create }', ['control-plane-audit']))).toEqual([]);
  });

  test('is blind where the field it compares is hashed or dropped, and says which and how', () => {
    expect(blindAt(fleetRule('{ verb: create, user.name: admin }', ['control-plane-audit']))).toMatchObject([
      { sight: 'blind', site: 'lyon', stays: [], hidden: ['user.name: hash'] },
    ]);
    expect(blindAt(fleetRule('{ requestObject.spec.hostPID: true }', ['control-plane-audit']))).toMatchObject(
      [{ sight: 'blind', hidden: ['kubernetes.audit.requestObject.spec.hostPID: drop'] }],
    );
  });

  test('may join by a hashed field, not by a dropped one', () => {
    expect(blindAt(fleetRule('{ verb: create }', ['control-plane-audit'], ['user.name']))).toEqual([]);
    expect(blindAt(fleetRule('{ verb: create }', ['control-plane-audit'], ['user.email']))).toMatchObject([
      { sight: 'blind', hidden: ['user.email: drop'] },
    ]);
  });

  test('is blind where the class stays, or where a jurisdiction has no rules', () => {
    expect(blindAt(fleetRule('{ verb: create }', ['process']))).toMatchObject([
      { sight: 'blind', stays: ['process'] },
    ]);
    expect(blindAt(fleetRule('{ verb: create }', ['network-flow'], []), 'us-ca')).toMatchObject([
      { sight: 'blind', stays: ['network-flow'] },
    ]);
    expect(blindAt(fleetRule('{ verb: create }', ['process', 'network-flow']))).toMatchObject([
      { sight: 'partly', stays: ['process'] },
    ]);
  });
});

test('of rules with conditions the most open one counts', () => {
  const policy = policies.get('eu-fr');
  if (!policy) throw new Error('no policy');
  const [audit] = policy.rules;
  if (!audit) throw new Error('no rule');
  const open = {
    ...audit,
    name: 'open',
    where: 'kubernetes.audit.verb: watch',
    fields: [],
    free_text: 'keep' as const,
  };
  const both = findHiddenFields({
    policy: { ...policy, rules: [open, ...policy.rules] },
    recordClass: 'control-plane-audit',
    destination: 'eu-fr',
  });
  expect(actOn(both, 'user.name')).toBeUndefined();
  const last = findHiddenFields({
    policy: { ...policy, rules: [...policy.rules, { ...open, where: undefined }] },
    recordClass: 'control-plane-audit',
    destination: 'eu-fr',
  });
  expect(actOn(last, 'user.name')).toBe('hash');
});
