// The id of an alert that leaves is no way to guess the key that was hidden.
import { expect, test } from 'vitest';
import { alertId } from '../../../detect/correlate/episodes.ts';
import type { Alert } from '../../../platform/core/alert.ts';
import type { JsonObject } from '../../../platform/core/event.ts';
import { compileResidencyPolicy } from '../../../platform/residency/compile-policy.ts';
import { loadResidencyPolicies } from '../../../platform/residency/load-policies.ts';
import type { ResidencyPolicy } from '../../../platform/residency/policy.ts';
import { makeAlert } from '../link/records.ts';

const policy = compileResidencyPolicy({
  policy: loadResidencyPolicies('rules/residency').get('cn-gd') as ResidencyPolicy,
  hashKey: Buffer.alloc(32, 7),
});

function alertOf(key: Record<string, string>, more: object = {}): JsonObject {
  const alert = makeAlert({ id: 'x' }) as unknown as Alert;
  const anchor = { t: Date.parse(alert.first), event: alert.events[0]?.id ?? '' };
  const id = alertId({ rule: alert.rule.id, scope: alert.scope, tenant: alert.tenant, key, anchor });
  return {
    ...alert,
    id,
    key,
    class: 'authentication',
    jurisdiction: 'cn-gd',
    ...more,
  } as unknown as JsonObject;
}

function leave(record: JsonObject): Alert {
  const { document } = policy.decide({ kind: 'alert', record, destination: 'eu-fr' });
  return document as unknown as Alert;
}

test('trying every name does not find the user of an alert whose user was hashed', () => {
  const left = leave(alertOf({ 'user.name': 'wang.wei' }));
  expect(left.key['user.name']).toMatch(/^hmac-cn-gd-/);
  const anchor = { t: Date.parse(left.first), event: left.events[0]?.id ?? '' };
  const guesses = ['li.na', 'wang.wei', 'zhang.min'].filter(
    (name) =>
      left.id ===
      alertId({
        rule: left.rule.id,
        scope: left.scope,
        tenant: left.tenant,
        key: { 'user.name': name },
        anchor,
      }),
  );
  expect(guesses).toEqual([]);
});

test('every revision of an alert, and the one that names its heir, keeps one id, whichever rule decides', () => {
  const first = leave(alertOf({ 'user.name': 'wang.wei' }));
  const again = leave(alertOf({ 'user.name': 'wang.wei' }, { revision: 2, class: 'network-flow' }));
  expect(again.id).toBe(first.id);
  const heir = alertOf({ 'user.name': 'wang.wei' });
  const gone = leave(
    alertOf({ 'user.name': 'wang.wei' }, { state: 'superseded', superseded_by: heir['id'] }),
  );
  expect(gone.superseded_by).toBe(first.id);
});

test('an alert whose key leaves as it is keeps its id', () => {
  const alert = alertOf({ 'destination.ip': '8.8.4.4' }, { class: 'network-flow' });
  expect(leave(alert).id).toBe(alert['id']);
});
