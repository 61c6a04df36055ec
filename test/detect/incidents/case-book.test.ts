// Incident records over real stores: merging, following people's decisions, withdrawal, what is sent, restart.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CaseBook, openCaseBook } from '../../../detect/incidents/case-book.ts';
import { changeIncident } from '../../../detect/incidents/change-incident.ts';
import {
  mergeIncidents,
  readLinks,
  splitIncident,
  unmergeIncidents,
} from '../../../detect/incidents/link-alerts.ts';
import { countRarity, emptyRarity } from '../../../detect/incidents/rarity.ts';
import { DEFAULT_LIMITS } from '../../../detect/incidents/weigh-entity.ts';
import { keepAlert } from '../../../detect/worker/keep-alert.ts';
import type { Bus } from '../../../platform/bus/bus.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import type { Alert } from '../../../platform/core/alert.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import type { Incident } from '../../../platform/core/incident.ts';
import type { Level } from '../../../platform/core/names.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';

const clock = systemClock;
const START = Date.UTC(2026, 10, 23, 8);
let folder = '';
let bus: Bus;
let records: RecordStore;
let book: CaseBook;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'picket-incidents-'));
  bus = await openEmbeddedBus({ folder: join(folder, 'bus'), clock });
  await bus.ensureTopics([TOPICS.incidents]);
  records = await openEmbeddedRecords({ folder: join(folder, 'records'), clock });
  book = await open();
});
afterEach(async () => {
  await bus.close();
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(): Promise<CaseBook> {
  return openCaseBook({ records, bus, clock, limits: DEFAULT_LIMITS, rarity: emptyRarity() });
}

function alertOf(id: string, minutes: number, hosts: string[], more: Partial<Alert> = {}): Alert {
  const at = new Date(START + minutes * 60_000).toISOString();
  return {
    schema: 1,
    id,
    tenant: 'acme',
    site: { id: 'lyon', tier: 'edge' },
    jurisdiction: 'eu-fr',
    class: 'process',
    rule: { id: 'r', name: 'Rule', level: 'medium', kind: 'plain', version: '1', pack: 'p', tags: [] },
    scope: 'site',
    key: {},
    state: 'current',
    revision: 1,
    first: at,
    last: at,
    count: 1,
    events: [],
    reasons: [],
    entities: hosts.map((value) => ({ type: 'host', scope: 'tenant:acme', value })),
    threat: [],
    detection_delay_ms: 0,
    replayed: false,
    created: at,
    status: 'open',
    ...more,
  };
}

function withLevel(alert: Alert, level: Level): Alert {
  return { ...alert, rule: { ...alert.rule, level } };
}

async function take(...alerts: Alert[]): Promise<void> {
  for (const alert of alerts) {
    await keepAlert(records, alert);
    book.take(alert);
  }
  await book.settle();
}

async function live(): Promise<Incident[]> {
  const { records: found } = await records.query<Incident>('incidents', { limit: 100 });
  return found.map(({ value }) => value).filter(({ merged_into }) => merged_into === undefined);
}

/** Ids of alerts, one list an incident. */
async function partition(): Promise<string[][]> {
  return (await live())
    .map(({ alerts }) => alerts.map(({ id }) => id).sort())
    .sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1));
}

async function sent(): Promise<string[]> {
  const read = await bus.read({ topic: TOPICS.incidents, partition: 0, offset: 0, max_records: 100 });
  return read.map(({ value }) => {
    const { alerts, level } = JSON.parse(Buffer.from(value).toString()) as Incident;
    return `${level} ${alerts.length}`;
  });
}

describe('the case book', () => {
  it('merges two incidents that a third alert bridges; the older goes on with the latest decision', async () => {
    await take(alertOf('a', 0, ['h1']), alertOf('b', 10, ['h2']));
    expect(await live()).toHaveLength(2);
    const younger = (await live()).find(({ alerts }) => alerts[0]?.id === 'b') as Incident;
    const older = (await live()).find(({ alerts }) => alerts[0]?.id === 'a') as Incident;
    await changeIncident({
      records,
      clock,
      id: younger.id,
      actor: 'user:li',
      change: { owner: 'li', status: 'acknowledged' },
    });
    await take(alertOf('c', 5, ['h1', 'h2']));
    const [merged, ...rest] = await live();
    expect(rest).toEqual([]);
    expect(merged).toMatchObject({ id: older.id, owner: 'li', status: 'acknowledged' });
    expect(merged?.alerts.map(({ id }) => id)).toEqual(['a', 'c', 'b']);
    expect(merged?.notes.some(({ text }) => text.includes('took over'))).toBe(true);
    expect((await records.get<Incident>('incidents', younger.id))?.value.merged_into).toBe(older.id);
  });

  it('sends an incident when it is new and when its level rises, not for each alert', async () => {
    await take(alertOf('a', 0, ['h1']));
    await take(alertOf('b', 1, ['h1']));
    await take(withLevel(alertOf('c', 2, ['h1']), 'critical'));
    expect(await sent()).toEqual(['medium 1', 'critical 3']);
  });

  it('lets a quiet incident be heard once an alert comes in time', async () => {
    await take(alertOf('a', 0, ['h1'], { replayed: true }));
    expect((await live())[0]?.quiet).toBe(true);
    await take(alertOf('b', 1, ['h1']));
    expect((await live())[0]?.quiet).toBe(false);
    expect(await sent()).toEqual(['medium 1', 'medium 2']);
  });

  it('follows a superseded alert to its heir, splits when the bridge is withdrawn, and empties with a note', async () => {
    await take(alertOf('a', 0, ['h1']), alertOf('bridge', 1, ['h1', 'h2']), alertOf('c', 2, ['h2']));
    expect(await live()).toHaveLength(1);
    const [first] = (await live()) as [Incident];
    await take(alertOf('bridge', 1, ['h1', 'h2'], { state: 'withdrawn', revision: 2 }));
    const split = await live();
    expect(split).toHaveLength(2);
    expect(split.find(({ id }) => id === first.id)?.alerts.map(({ id }) => id)).toEqual(['a']);
    await take(
      alertOf('a0', -1, ['h9']),
      alertOf('a', 0, ['h1'], { state: 'superseded', superseded_by: 'a0', revision: 2 }),
    );
    const heir = (await live()).find(({ alerts }) => alerts[0]?.id === 'a0') as Incident;
    expect((await records.get<Incident>('incidents', first.id))?.value.merged_into).toBe(heir.id);
    await take(alertOf('c', 2, ['h2'], { state: 'withdrawn', revision: 2 }));
    expect((await live()).some(({ notes }) => notes.some(({ text }) => text.includes('withdrawn')))).toBe(
      true,
    );
  });

  it('goes on after a restart, also when a crash left an alert in two incidents or a sending owed', async () => {
    await take(alertOf('a', 0, ['h1']), alertOf('b', 10, ['h2']));
    const [one, two] = (await live()).sort((x, y) => (x.first < y.first ? -1 : 1)) as [Incident, Incident];
    // As after a crash between writing the survivor and redirecting the other.
    const bridge = alertOf('c', 5, ['h1', 'h2']);
    await keepAlert(records, bridge);
    const stored = await records.get<Incident>('incidents', one.id);
    if (!stored) throw new Error('no record');
    const { announced: _announced, ...value } = stored.value;
    await records.update('incidents', {
      ...stored,
      value: { ...value, alerts: [...one.alerts, ...two.alerts] },
    });
    book = await open();
    expect(await sent()).toEqual(['medium 1', 'medium 1', 'medium 2']);
    await take(bridge);
    const [merged, ...rest] = await live();
    expect(rest).toEqual([]);
    expect(merged?.alerts.map(({ id }) => id)).toEqual(['a', 'c', 'b']);
    expect(merged?.id).toBe(one.id);
  });

  it('merges what a person says belongs together, splits what does not, and takes a merge back', async () => {
    const act = { records, clock, actor: 'user:li', reason: 'same intruder' };
    const heed = async (): Promise<void> => {
      book.useLinks(await readLinks(records));
      await book.settle();
    };
    await take(alertOf('a', 0, ['h1']), alertOf('b', 10, ['h2']), alertOf('b2', 11, ['h2']));
    const [one, two] = (await live()).sort((x, y) => (x.first < y.first ? -1 : 1)) as [Incident, Incident];
    const merge = await mergeIncidents({ ...act, incidents: [one, two] });
    await heed();
    const [merged, ...rest] = await live();
    expect(rest).toEqual([]);
    expect(merged?.id).toBe(one.id);
    expect(merged?.joins.find(({ decision }) => decision === merge.id)).toBeDefined();
    expect((await records.get<Incident>('incidents', two.id))?.value.merged_into).toBe(one.id);
    // Neither a restart nor a new alert undoes it.
    book = await open();
    await heed();
    await take(alertOf('c', 12, ['h2']));
    expect((await live()).map(({ alerts }) => alerts.length)).toEqual([4]);
    await unmergeIncidents({ ...act, link: merge.id });
    await heed();
    expect(await partition()).toEqual([['a'], ['b', 'b2', 'c']]);
    // The one that had gone is there again under its own id.
    expect((await records.get<Incident>('incidents', two.id))?.value.merged_into).toBeUndefined();
    // Detached, though it shares the host with the others; what bridges the two stands with the heavier side.
    const whole = (await live()).find(({ alerts }) => alerts.length === 3) as Incident;
    await splitIncident({ ...act, incident: whole, alerts: ['b2'] });
    await heed();
    expect(await partition()).toEqual([['a'], ['b', 'c'], ['b2']]);
    await take(alertOf('d', 13, ['h2']));
    expect(await partition()).toEqual([['a'], ['b', 'c', 'd'], ['b2']]);
    // What takes over a detached alert is detached too.
    await take(
      alertOf('b3', 10, ['h2']),
      alertOf('b2', 11, ['h2'], { state: 'superseded', superseded_by: 'b3', revision: 2 }),
    );
    expect(await partition()).toEqual([['a'], ['b', 'c', 'd'], ['b3']]);
  });

  it('refuses decisions that mean nothing', async () => {
    const act = { records, clock, actor: 'user:li', reason: 'x' };
    await take(alertOf('a', 0, ['h1']));
    const [incident] = (await live()) as [Incident];
    const codes = await Promise.all(
      [
        mergeIncidents({ ...act, incidents: [incident, incident] }),
        splitIncident({ ...act, incident, alerts: ['nowhere'] }),
        splitIncident({ ...act, incident, alerts: ['a'] }),
        unmergeIncidents({ ...act, link: 'none' }),
      ].map((refused) => refused.then(() => undefined).catch((error: { code: string }) => error.code)),
    );
    expect(codes).toEqual(['INCIDENT_SAME', 'INCIDENT_ALERT_UNKNOWN', 'INCIDENT_WHOLE', 'LINK_NOT_FOUND']);
  });
});

describe('the rarity table', () => {
  it('counts days and hosts, so that one busy host stays rare and a shared address does not', () => {
    const address = { type: 'address' as const, scope: 'global', value: '203.0.113.9' };
    const alerts = Array.from({ length: 40 }, (_, at) => {
      const alert = alertOf(`a${at}`, at, [`h${at}`]);
      return { ...alert, entities: [...alert.entities, address] };
    });
    const busy = Array.from({ length: 40 }, (_, at) => alertOf(`b${at}`, at, ['busy']));
    const table = countRarity([...alerts, ...busy], START);
    expect(table.spread['address|global|203.0.113.9']).toBe(40);
    expect(table.spread['host|tenant:acme|busy']).toBeUndefined();
    expect(table.version).not.toBe('empty');
  });
});
