// Alerts that go on stand as one row; what is known of an alert's entities is counted over records, scopes kept apart.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Alert } from '../../../platform/core/alert.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';
import { groupAlerts, knowEntities } from '../../../server/api/alert-knowledge.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 20);

function alertOf(id: string, hour: number, more: Partial<Alert> = {}): Alert {
  const at = new Date(START + hour * HOUR).toISOString();
  return {
    schema: 1,
    id,
    tenant: 'acme',
    site: { id: 'lyon', tier: 'edge' },
    jurisdiction: 'eu-fr',
    class: 'process',
    rule: { id: 'r', name: 'Rule', level: 'medium', kind: 'plain', version: '1', pack: 'p', tags: [] },
    scope: 'site',
    key: { 'user.name': 'ann' },
    state: 'current',
    revision: 1,
    first: at,
    last: at,
    count: 2,
    events: [],
    reasons: [],
    entities: [],
    threat: [],
    detection_delay_ms: 0,
    replayed: false,
    created: at,
    status: 'open',
    ...more,
  };
}

describe('alerts that go on', () => {
  it('stand as one row while no gap is above the window, apart by rule, key and site', () => {
    const groups = groupAlerts(
      [
        alertOf('a', 0),
        alertOf('b', 20, { status: 'closed' }),
        alertOf('c', 40),
        alertOf('later', 100),
        alertOf('other-key', 20, { key: { 'user.name': 'bob' } }),
        alertOf('other-site', 20, { site: { id: 'kyoto', tier: 'edge' } }),
      ],
      24 * HOUR,
    );
    expect(groups.map(({ latest, alerts, open, count }) => [latest.id, alerts, open, count])).toEqual([
      ['later', ['later'], 1, 2],
      ['c', ['c', 'b', 'a'], 2, 6],
      ['other-key', ['other-key'], 1, 2],
      ['other-site', ['other-site'], 1, 2],
    ]);
    expect(groups[1]).toMatchObject({
      first: new Date(START).toISOString(),
      last: new Date(START + 40 * HOUR).toISOString(),
    });
  });

  it('lose none and double none, in whatever order they are handed in', () => {
    const alerts = fc
      .uniqueArray(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.constantFrom('ann', 'bob')), {
        selector: ([hour, user]) => `${hour} ${user}`,
        maxLength: 20,
      })
      .map((list) =>
        list.map(([hour, user]) => alertOf(`${user}-${hour}`, hour, { key: { 'user.name': user } })),
      );
    fc.assert(
      fc.property(alerts, fc.integer({ min: 0, max: 12 }), (list, hours) => {
        const groups = groupAlerts(list, hours * HOUR);
        expect(groupAlerts([...list].reverse(), hours * HOUR)).toEqual(groups);
        const ids = groups.flatMap((group) => group.alerts);
        expect(new Set(ids)).toEqual(new Set(list.map(({ id }) => id)));
        expect(ids).toHaveLength(list.length);
      }),
    );
  });
});

describe('what is known of an entity', () => {
  let folder = '';
  let records: RecordStore;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'picket-knowledge-'));
    records = await openEmbeddedRecords({ folder, clock: systemClock });
  });
  afterEach(async () => {
    await records.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is other alerts, scans, sites and what the configuration says; one of another scope is another', async () => {
    const image = { type: 'image', scope: 'global', value: 'sha256:1' } as const;
    const host = { type: 'host', scope: 'site:lyon', value: 'plc-7' } as const;
    const elsewhere = { ...host, scope: 'site:kyoto' } as const;
    const own = alertOf('own', 10, { entities: [image, host] });
    for (const alert of [
      own,
      alertOf('scan', 1, { class: 'vulnerability', entities: [image], status: 'closed' }),
      alertOf('other', 20, { entities: [image], site: { id: 'kyoto', tier: 'edge' } }),
      alertOf('gone', 30, { entities: [image], state: 'withdrawn' }),
      alertOf('namesake', 40, { entities: [elsewhere] }),
    ])
      await records.create('alerts', alert.id, alert);
    const known = await knowEntities({
      records,
      alert: own,
      assets: [
        { type: 'host', value: 'PLC-*', criticality: 'high' },
        { type: 'host', value: 'plc-7', criticality: 'critical' },
        { type: 'image', value: 'other', criticality: 'low' },
      ],
    });
    expect(known).toEqual([
      {
        entity: image,
        alerts: 2,
        open: 1,
        weaknesses: 1,
        sites: ['kyoto', 'lyon'],
        first: new Date(START + HOUR).toISOString(),
        last: new Date(START + 20 * HOUR).toISOString(),
        complete: true,
      },
      {
        entity: host,
        criticality: 'critical',
        alerts: 0,
        open: 0,
        weaknesses: 0,
        sites: ['lyon'],
        first: own.first,
        last: own.last,
        complete: true,
      },
    ]);
  });
});
