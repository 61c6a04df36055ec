// Recorded events of two real sites under the demo's policies: all may leave, without what must not.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../platform/core/event.ts';
import { compileResidencyPolicy } from '../../../platform/residency/compile-policy.ts';
import { loadResidencyPolicies } from '../../../platform/residency/load-policies.ts';
import type { ResidencyPolicy } from '../../../platform/residency/policy.ts';
import { makeAlert } from '../link/records.ts';

const policies = loadResidencyPolicies('rules/residency');
const recorded = readFileSync('test/fixtures/site-events/site-events.ndjson', 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as JsonObject & { picket: JsonObject });

function leave(jurisdiction: string, destination: string): string[] {
  const policy = compileResidencyPolicy({
    policy: policies.get(jurisdiction) as ResidencyPolicy,
    hashKey: Buffer.alloc(32, 5),
  });
  return recorded.map((event) => {
    const record = { ...event, picket: { ...event.picket, jurisdiction } };
    const decision = policy.decide({ kind: 'event', record, destination });
    expect(decision.outcome).toBe('left');
    const document = decision.document as JsonObject;
    expect(policy.findBreach({ kind: 'event', record: document, destination })).toBeUndefined();
    return JSON.stringify(document);
  });
}

describe('site events', () => {
  test('leave France for its neighbours as they are but for their words', () => {
    const left = leave('eu-fr', 'eu-de').join('\n');
    expect(left).toContain('"ip":"10.20.3.77"');
    expect(left).not.toContain('"message"');
    expect(left).toContain('"action":"posture-drifted"');
  });

  test('leave Guangdong without words and with internal addresses hashed, and what they are about is still told', () => {
    const left = leave('cn-gd', 'eu-fr').join('\n');
    expect(left).not.toContain('10.20.3.77');
    expect(left).not.toContain('"message"');
    expect(left).not.toContain('45.77.10.7');
    expect(left).toContain('"site":"factory-nantes"');
    expect(left).toContain('"code":"LINK_BATCH_GAP"');
  });

  test.each(['eu-fr', 'cn-gd'])(
    'alerts on them leave %s, alerts on other operational records do not',
    (jurisdiction) => {
      const policy = compileResidencyPolicy({
        policy: policies.get(jurisdiction) as ResidencyPolicy,
        hashKey: Buffer.alloc(32, 5),
      });
      const about = (dataset: string): string => {
        const alert = makeAlert({ id: 'a-1', class: 'operational' });
        const events = alert.events.map((event) => ({ ...event, dataset }));
        const record = { ...alert, jurisdiction, events } as unknown as JsonObject;
        return policy.decide({ kind: 'alert', record, destination: 'eu-de' }).outcome;
      };
      expect(about('picket.site')).toBe('left');
      expect(about('line.control')).toBe('stayed');
    },
  );

  test('no other operational record leaves with them', () => {
    const policy = compileResidencyPolicy({
      policy: policies.get('cn-gd') as ResidencyPolicy,
      hashKey: Buffer.alloc(32, 5),
    });
    const [event] = recorded;
    const record = { ...event, event: { ...(event?.['event'] as JsonObject), dataset: 'line.control' } };
    expect(policy.decide({ kind: 'event', record, destination: 'eu-fr' }).outcome).toBe('stayed');
  });
});
