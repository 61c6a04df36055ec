// What a parent keeps, and does not keep, of records that it refuses.
import { expect, test } from 'vitest';
import type { Alert } from '../../../platform/core/alert.ts';
import type { JsonObject } from '../../../platform/core/event.ts';
import type { SiteRecord } from '../../../platform/core/site.ts';
import { type Received, receiveRecord } from '../../../platform/link/receive-record.ts';
import { makeAlert, makeEvent } from './records.ts';
import { CENTRE, compile, SITE, TENANT } from './two-sites.ts';

const site: SiteRecord = {
  schema: 1,
  id: SITE.id,
  name: 'Lyon',
  tenant: TENANT,
  tier: 'edge',
  jurisdiction: SITE.jurisdiction,
  state: 'enrolled',
  created: '2026-11-23T00:00:00.000Z',
};
const residency = { jurisdiction: CENTRE.jurisdiction, policies: new Map([[SITE.jurisdiction, compile()]]) };

function receive(kind: 'event' | 'alert', document: JsonObject): Received {
  return receiveRecord({ line: { kind, document }, site, tenant: TENANT, residency });
}
const receiveAlert = (alert: Alert): Received => receive('alert', alert as unknown as JsonObject);

test('of a record that should not have left, its name is kept and nothing that it said', () => {
  const event = makeEvent({ id: 'e-1', class: 'authentication', fields: { user: { name: 'jeanne' } } });
  const received = receive('event', event);
  expect(received).toMatchObject({ outcome: 'refused', code: 'RESIDENCY_BREACH' });
  const kept = received.outcome === 'refused' ? received.message_to_keep : undefined;
  expect(JSON.parse(Buffer.from(kept?.value ?? []).toString('utf8'))).toMatchObject({
    kind: 'event',
    id: 'e-1',
  });
  expect(JSON.stringify(received)).not.toContain('jeanne');
});

test('an alert over several sites is not taken of one of them', () => {
  expect(receiveAlert(makeAlert({ id: 'a' })).outcome).toBe('taken');
  expect(receiveAlert(makeAlert({ id: 'a', scope: 'fleet' }))).toMatchObject({ code: 'LINK_RECORD_INVALID' });
});

test('an alert with more entities or reasons than any detector writes is refused', () => {
  const entities = Array.from({ length: 5_000 }, (_, at) => ({
    type: 'domain' as const,
    scope: 'global',
    value: `d${at}.example`,
  }));
  expect(receiveAlert(makeAlert({ id: 'a', entities }))).toMatchObject({ code: 'LINK_RECORD_INVALID' });
});

test('a refusal quotes no more than a line of what came', () => {
  const received = receive('alert', {
    ...(makeAlert({ id: 'a' }) as unknown as JsonObject),
    key: { ['k'.repeat(100_000)]: 1 },
  });
  expect(received).toMatchObject({ outcome: 'refused' });
  expect(received.outcome === 'refused' && received.message.length).toBeLessThanOrEqual(500);
});
