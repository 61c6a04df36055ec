// What two real sites tell of themselves when things go wrong: every kind of site event, made where it happens.
import { beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject, PicketEvent } from '../../../platform/core/event.ts';
import { SITE_EVENTS } from '../../../platform/core/site-events.ts';
import { playSiteTroubles } from '../../rules/play-site-troubles.ts';

let events: PicketEvent[];
beforeAll(async () => {
  events = await playSiteTroubles();
}, 120_000);

interface SiteEventFields {
  event: { action: string };
  error?: { code: string };
  site_event: JsonObject & { count: number };
}

function told(action: string): (PicketEvent & SiteEventFields)[] {
  return (events as (PicketEvent & SiteEventFields)[]).filter(({ event }) => event.action === action);
}

const codesOf = (action: string): string[] =>
  [...new Set(told(action).map(({ error }) => error?.code ?? ''))].sort();

describe('site events', () => {
  test('are told of everything on the list, in ECS, as operational events of the site that saw it', () => {
    expect([...new Set(events.map(({ event }) => String(event['action'])))].sort()).toEqual(
      Object.keys(SITE_EVENTS).sort(),
    );
    for (const event of events) {
      expect(event).toMatchObject({
        event: { kind: 'event', module: 'picket', dataset: 'picket.site' },
        observer: { product: 'Picket', name: event.picket.site.id },
        picket: { class: 'operational', source: { id: 'picket' }, time: 'ok' },
        site_event: { count: expect.any(Number) },
        message: expect.any(String),
      });
      expect(event.event).not.toHaveProperty('original');
    }
    expect(new Set(events.map(({ event }) => event.id)).size).toBe(events.length);
  });

  test('a refused certificate says why, who asked, and what it said of itself', () => {
    expect(codesOf('certificate-refused')).toEqual([
      'LINK_CERTIFICATE_INVALID',
      'LINK_CERTIFICATE_MISSING',
      'SITE_REVOKED',
    ]);
    const [invalid] = told('certificate-refused').filter(
      ({ error }) => error?.code === 'LINK_CERTIFICATE_INVALID',
    );
    expect(invalid).toMatchObject({
      source: { ip: '127.0.0.1' },
      tls: {
        client: {
          subject: 'CN=factory-lyon',
          issuer: 'CN=Picket acme CA',
          x509: { serial_number: expect.any(String) },
        },
      },
    });
    expect(codesOf('certificate-renewal-refused')).toEqual(['LINK_MESSAGE_INVALID', 'SITE_REVOKED']);
    expect(codesOf('enrolment-refused')).toEqual(['TOKEN_EXPIRED', 'TOKEN_USED']);
    expect(told('site-enrolled').map(({ site_event }) => site_event['site'])).toContain('factory-nantes');
    expect(told('site-enrolled').every(({ site_event }) => typeof site_event['again'] === 'boolean')).toBe(
      true,
    );
  });

  test('a chain that breaks, a batch and a record that are refused name their site', () => {
    expect(codesOf('chain-broken')).toEqual(['LINK_BATCH_FORK', 'LINK_BATCH_GAP']);
    expect(told('chain-broken')[0]).toMatchObject({
      site_event: { site: 'factory-nantes', sequence: 5, expected: 2 },
    });
    expect(codesOf('batch-refused')).toEqual([
      'LINK_BATCH_INVALID',
      'LINK_BATCH_MISDIRECTED',
      'SIGNATURE_KEY_UNKNOWN',
    ]);
    expect(told('residency-breach')).toMatchObject([
      { site_event: { site: 'factory-nantes', jurisdiction: 'eu-fr' } },
    ]);
    expect(codesOf('record-quarantined')).toEqual(['LINK_RECORD_FOREIGN']);
  });

  test('the site itself tells of a parent that is lost, refuses it or is another, and of postures that it did not take', () => {
    expect(codesOf('posture-refused')).toEqual(['POSTURE_FOREIGN', 'POSTURE_ROLLBACK', 'SIGNATURE_INVALID']);
    expect(codesOf('parent-unreachable')).toEqual(['LINK_UNREACHABLE']);
    expect(codesOf('parent-refused')).toEqual(expect.arrayContaining(['LINK_PIN_MISMATCH', 'SITE_REVOKED']));
    expect(codesOf('parent-untrusted')).toHaveLength(1);
    expect(told('posture-refused')[0]?.picket.site.id).toBe('factory-lyon');
  });

  test('a firewall that others changed is told with what is different, a lease with its end', () => {
    expect(codesOf('posture-drifted')).toEqual(['ADDRESS_GONE', 'RULES_CHANGED', 'TABLE_GONE']);
    expect(told('posture-drifted')[0]).toMatchObject({
      site_event: { posture_version: 2, drift: 'not denied any more: 45.77.10.7' },
    });
    expect(codesOf('lease-ended')).toEqual(['LEASE_ENDED', 'LIFTED']);
    expect(told('posture-entry-refused')).toMatchObject([
      { error: { code: 'SITE_POLICY' }, site_event: { entry: 'deny-own' } },
      { error: { code: 'EXECUTOR_FAILED' }, site_event: { entry: 'deny-b' } },
      { error: { code: 'EXECUTOR_FAILED' }, site_event: { entry: 'deny-broken' } },
    ]);
  });

  test('what repeats is one event at once and then one with a count', () => {
    const refused = told('sender-refused').filter(({ error }) => error?.code === 'unauthorised');
    expect(refused.map(({ site_event }) => site_event.count)).toEqual([1, 39]);
    expect(told('records-dead-lettered').map(({ site_event }) => site_event.count)).toEqual([1, 59]);
    const missing = told('certificate-refused').filter(
      ({ error }) => error?.code === 'LINK_CERTIFICATE_MISSING',
    );
    expect(missing.map(({ site_event }) => site_event.count).reduce((sum, count) => sum + count, 0)).toBe(26);
    expect(missing).toHaveLength(2);
  });
});
