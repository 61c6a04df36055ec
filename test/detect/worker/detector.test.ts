// The detector over the embedded bus and records: from events to kept alerts and incidents, also through kill -9.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { correlatePlainRule } from '../../../detect/correlate/correlation.ts';
import { changeIncident } from '../../../detect/incidents/change-incident.ts';
import { startIncidentBuilder } from '../../../detect/incidents/start-incident-builder.ts';
import { loadEntityTable } from '../../../detect/worker/entity-table.ts';
import type { DetectorRules } from '../../../detect/worker/route-matches.ts';
import type { DetectorOptions } from '../../../detect/worker/start-detector.ts';
import type { Bus } from '../../../platform/bus/bus.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import { Alert } from '../../../platform/core/alert.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { Incident } from '../../../platform/core/incident.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { openEmbeddedRecords } from '../../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../../platform/records/record-store.ts';
import {
  essence,
  eventMessage,
  manyEvents,
  readThen,
  ruleInfo,
  START,
  startTestDetector,
  testEvent,
  testRules,
} from './fixture.ts';
import { startAlertKeeper } from './start-alert-keeper.ts';

const entityTable = loadEntityTable('rules/entities/entity-fields.yaml');
const clock = systemClock;
const logger = silentLogger;
const topics = [TOPICS.events, TOPICS.signals, TOPICS.alerts, TOPICS.incidents];

/** How this run's detectors correlate. */
let steps: 'one' | 'two' = 'one';
let folder = '';
let closers: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'picket-detector-'));
  closers = [];
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

async function openStores(under = folder): Promise<{ bus: Bus; records: RecordStore }> {
  const bus = await openEmbeddedBus({ folder: join(under, 'bus'), clock });
  const records = await openEmbeddedRecords({ folder: join(under, 'records'), clock });
  await bus.ensureTopics(topics);
  return { bus, records };
}

async function startAll(more: Partial<DetectorOptions> & { rules?: DetectorRules } = {}) {
  const { bus, records } = await openStores();
  const counters = new Counters();
  const builder = await startIncidentBuilder({ bus, records, clock, counters, logger });
  const keeper = startAlertKeeper({ bus, records, counters, logger });
  const detector = startTestDetector({
    bus,
    folder: join(folder, 'detect'),
    counters,
    revision_wait_ms: 20,
    steps,
    ...more,
  });
  closers.push(
    () => records.close(),
    () => bus.close(),
    () => builder.stop(),
    () => keeper.stop(),
    () => detector.stop(),
  );
  return { bus, records, counters, detector };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await clock.sleep(20);
}

async function alertsOf(records: RecordStore): Promise<Alert[]> {
  const { records: found } = await records.query<Alert>('alerts', { limit: 10_000 });
  return found.map(({ value }) => Alert.parse(value));
}

async function incidentsOf(records: RecordStore): Promise<Incident[]> {
  const { records: found } = await records.query<Incident>('incidents', { limit: 10_000 });
  return found
    .map(({ value }) => Incident.parse(value))
    .filter(({ merged_into }) => merged_into === undefined);
}

describe.each(['one', 'two'] as const)('the detector in steps: %s', (how) => {
  beforeEach(() => {
    steps = how;
  });

  it('makes a full alert of a plain match and an incident of the alerts that share a host', async () => {
    const { bus, records } = await startAll();
    const at = clock.now() - 60_000;
    const events = ['shell', 'login-failed', 'login-failed', 'login-failed', 'login'].map((action, step) =>
      testEvent({
        id: `e${step}`,
        action,
        t: at + step * 1_000,
        user: 'mallory',
        host: 'plc-7.factory.example',
      }),
    );
    await bus.produce(
      TOPICS.events,
      events.map((event) => eventMessage(event)),
    );
    await until(async () =>
      (await incidentsOf(records)).some(({ alerts, level }) => alerts.length === 3 && level === 'critical'),
    );
    const shell = (await alertsOf(records)).find(({ rule }) => rule.id === 'shell');
    expect(shell).toMatchObject({
      tenant: 'acme',
      site: { id: 'lyon', tier: 'edge' },
      jurisdiction: 'eu-fr',
      class: 'authentication',
      scope: 'site',
      key: { 'picket.site.id': 'lyon', 'host.name': 'plc-7.factory.example', 'user.name': 'mallory' },
      count: 1,
      threat: [{ tactic: 'execution', technique: 'T1059.004' }],
      reasons: [{ field: 'event.action', value: 'shell' }],
      replayed: false,
    });
    expect(shell?.events[0]?.summary).toContain('plc-7.factory.example: shell by mallory');
    expect(shell?.entities).toContainEqual({
      type: 'host',
      scope: 'tenant:acme',
      value: 'plc-7.factory.example',
    });
    const [incident] = await incidentsOf(records);
    expect(incident).toMatchObject({ level: 'critical', quiet: false, sites: ['lyon'], status: 'open' });
    expect(incident?.joins).toHaveLength(2);
    expect(incident?.title).toContain('about host plc-7.factory.example at lyon');
    await until(async () => (await bus.bounds(TOPICS.incidents))[0]?.next !== 0);
  });

  it('works rules of scope fleet only at the centre, and for what a child has worked only those', async () => {
    const rules = testRules([ruleInfo('fleet-wide', { scope: 'fleet' })]);
    const { bus, records } = await startAll({ rules, mode: 'centre' });
    const event = (id: string, action: string) =>
      testEvent({ id, action, t: START, user: 'ann', host: 'h1' });
    await bus.produce(TOPICS.events, [
      eventMessage(event('1', 'shell'), { detected: '1' }),
      eventMessage(event('2', 'fleet-wide'), { detected: '1' }),
      eventMessage(event('3', 'login-failed')),
    ]);
    await until(
      async () => (await alertsOf(records)).length > 0 && (await bus.lag('detect'))[TOPICS.events.name] === 0,
    );
    expect((await alertsOf(records)).map(({ rule, scope }) => [rule.id, scope])).toEqual([
      ['fleet-wide', 'fleet'],
    ]);
  });

  it('does not correlate events of no usable time, dead-letters what is no event, and counts both', async () => {
    const { bus, records, counters } = await startAll();
    const good = testEvent({ id: 'good', action: 'shell', t: START, user: 'ann', host: 'h1' });
    await bus.produce(TOPICS.events, [
      eventMessage(
        testEvent({ id: 'no', action: 'shell', t: START, user: 'ann', host: 'h2', time: 'future' }),
      ),
      { key: 'bad', value: Buffer.from('{"event":'), headers: {} },
      eventMessage(good),
    ]);
    await until(async () => (await alertsOf(records)).length === 1);
    await until(async () => (await bus.lag('detect'))[TOPICS.events.name] === 0);
    expect((await alertsOf(records))[0]?.events[0]?.id).toBe('good');
    expect(counters.total('detect', 'time-future')).toBe(1);
    expect(counters.total('detect', 'dead-lettered')).toBe(1);
  });

  it('takes new rules while it runs and lists correlations that it cannot work', async () => {
    const { bus, records, detector } = await startAll();
    const rules = testRules([ruleInfo('added')]);
    const refused = detector.replaceRules({
      ...rules,
      correlations: [
        {
          rule: ruleInfo('odd'),
          type: 'value_sum',
          rules: ['added'],
          group_by: [],
          timespan_ms: 1,
          generate: false,
        },
      ],
    });
    expect(refused).toMatchObject([{ rule: 'odd', code: 'CORRELATION_INVALID' }]);
    const event = testEvent({ id: '1', action: 'added', t: START, user: 'ann', host: 'h1' });
    await bus.produce(TOPICS.events, [eventMessage(event)]);
    await until(async () => (await alertsOf(records)).some(({ rule }) => rule.id === 'added'));
  });

  it('loses no event and counts none twice while rules are swapped under a stream', async () => {
    const { bus, counters, records, detector } = await startAll();
    const total = 3_000;
    const worked: string[] = [];
    const watch = (version: string): DetectorRules => {
      const rules = [ruleInfo('seen', { version })];
      const match: DetectorRules['match'] = (event) => {
        worked.push(event.event.id);
        return rules.map((rule) => ({ rule, event, reasons: () => [] }));
      };
      return { rules, correlations: [], match, matchJson: readThen((event) => [...match(event)]) };
    };
    detector.replaceRules(watch('v0'));
    let swaps = 0;
    const swapping = setInterval(() => detector.replaceRules(watch(`v${++swaps}`)), 1);
    closers.push(async () => clearInterval(swapping));
    const events = manyEvents(total);
    for (let at = 0; at < total; at += 100)
      await bus.produce(
        TOPICS.events,
        events.slice(at, at + 100).map((event) => eventMessage(event)),
      );
    await until(async () => counters.total('detect', 'worked') === total);
    clearInterval(swapping);
    expect(swaps).toBeGreaterThan(5);
    expect(worked.length).toBe(total);
    expect(new Set(worked).size).toBe(total);
    // Every event is in an alert, whichever version saw it.
    await until(async () => {
      const alerts = (await alertsOf(records)).filter(({ state }) => state === 'current');
      return alerts.reduce((sum, { count }) => sum + count, 0) === total;
    });
  }, 60_000);

  it('keeps what people decided, marks late incidents quiet and asks for a verdict before closing', async () => {
    const { bus, records } = await startAll();
    const late = testEvent({ id: '1', action: 'shell', t: START - 86_400_000, user: 'ann', host: 'h1' });
    await bus.produce(TOPICS.events, [eventMessage(late)]);
    await until(async () => (await incidentsOf(records)).length === 1);
    const [incident] = (await incidentsOf(records)) as [Incident];
    expect(incident.quiet).toBe(true);
    const act = { records, clock, id: incident.id, actor: 'user:li' };
    await expect(changeIncident({ ...act, change: { status: 'closed' } })).rejects.toMatchObject({
      code: 'INCIDENT_VERDICT_NEEDED',
    });
    await changeIncident({ ...act, change: { status: 'acknowledged', owner: 'li', comment: 'looking' } });
    const more = testEvent({ id: '2', action: 'shell', t: START - 86_399_000, user: 'ann', host: 'h1' });
    await bus.produce(TOPICS.events, [eventMessage(more)]);
    await until(async () => (await incidentsOf(records))[0]?.alerts[0]?.count === 2);
    expect((await incidentsOf(records))[0]).toMatchObject({ status: 'acknowledged', owner: 'li' });
    expect((await incidentsOf(records))[0]?.notes.map(({ actor, kind }) => `${actor} ${kind}`)).toEqual([
      'user:li owner',
      'user:li status',
      'user:li comment',
    ]);
  });

  it('ends in the same alerts and incidents after kill -9 at any time', async () => {
    const events = manyEvents(3_000);
    const results = [];
    for (const kills of [0, 4]) {
      const under = join(folder, `kills-${kills}`);
      const { bus, records } = await openStores(under);
      await bus.produce(
        TOPICS.events,
        events.map((event) => eventMessage(event)),
      );
      await bus.close();
      await records.close();
      for (let round = 0; round < kills; round++) {
        const child = runDetector(under);
        await once(child.stdout as NodeJS.ReadableStream, 'data');
        await clock.sleep(100 + round * 150);
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      const child = runDetector(under);
      expect((await once(child, 'exit'))[0]).toBe(0);
      const again = await openStores(under);
      const alerts = await alertsOf(again.records);
      const incidents = await incidentsOf(again.records);
      results.push({
        alerts: essence(alerts),
        partition: incidents
          .map((incident) => incident.alerts.map(({ id }) => id).sort())
          .filter((ids) => ids.length > 0)
          .sort((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1)),
      });
      await again.bus.close();
      await again.records.close();
    }
    expect(results[0]?.alerts.length).toBeGreaterThan(20);
    expect(results[1]).toEqual(results[0]);
  }, 120_000);
});

function runDetector(under: string): ChildProcess {
  return spawn(process.execPath, ['test/detect/worker/detector-process.ts', under, steps], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

describe('the key of a plain rule', () => {
  it('comes from the table by dataset, and differs in identity from another dataset', () => {
    const [windows, kubernetes] = ['windows.security', 'kubernetes.audit'].map((dataset) =>
      correlatePlainRule(ruleInfo('r'), entityTable.keyFields(dataset)),
    );
    expect(windows?.group_by).toEqual(['host.name', 'user.name']);
    expect(kubernetes?.group_by[0]).toBe('user.name');
    expect(windows?.identity).not.toBe(kubernetes?.identity);
  });
});
