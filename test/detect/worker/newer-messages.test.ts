// Two versions on one topic: what a newer one adds to its messages is let through, from event to incident.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startIncidentBuilder } from '../../../detect/incidents/start-incident-builder.ts';
import type { Bus, BusMessage } from '../../../platform/bus/bus.ts';
import { openEmbeddedBus } from '../../../platform/bus/embedded/open-embedded-bus.ts';
import type { Alert } from '../../../platform/core/alert.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import type { Incident } from '../../../platform/core/incident.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { openRecords } from '../../../platform/records/open-records.ts';
import { eachRecord } from '../../../platform/records/record-store.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { essence, eventMessage, manyEvents, startTestDetector } from './fixture.ts';

const folder = mkdtempSync(join(tmpdir(), 'picket-newer-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A field and a header that this version does not know, in every object of the message. */
function fromNewerVersion(message: BusMessage): BusMessage {
  // Maps of times have no fields that could be added.
  if (message.headers['kind'] === 'as-of') return { ...message, headers: { ...message.headers, next: '1' } };
  const add = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(add);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries([
      ...Object.entries(value).map(([name, inner]) => [name, MAPS.has(name) ? inner : add(inner)]),
      ['of_next_version', { why: ['it', 'is', 1] }],
    ]);
  };
  const value = Buffer.from(JSON.stringify(add(JSON.parse(Buffer.from(message.value).toString('utf8')))));
  return { ...message, value, headers: { ...message.headers, next: '1' } };
}

/** Fields whose objects are maps from values to values, not shapes. */
const MAPS = new Set(['key', 'correlations', 'entities_by_type', 'by_rule', 'joins']);

async function play(name: string, change: (message: BusMessage) => BusMessage) {
  const inner = await openEmbeddedBus({ folder: join(folder, name, 'bus'), clock: systemClock });
  const bus: Bus = new Proxy(inner, {
    get(target, property: keyof Bus) {
      if (property === 'produce')
        return (...[topic, messages]: Parameters<Bus['produce']>) =>
          target.produce(topic, messages.map(change));
      return (target[property] as () => unknown).bind(target);
    },
  });
  const records = await openRecords({
    engine: 'embedded',
    folder: join(folder, name, 'records'),
    clock: systemClock,
  });
  await bus.ensureTopics(Object.values(TOPICS));
  const counters = new Counters();
  const detector = startTestDetector({
    bus,
    folder: join(folder, name, 'detect'),
    counters,
    steps: 'two',
    revision_wait_ms: 0,
  });
  const builder = await startIncidentBuilder({
    bus,
    records,
    clock: systemClock,
    counters,
    logger: silentLogger,
  });
  const events = manyEvents(400);
  await bus.produce(
    TOPICS.events,
    events.map((event) => eventMessage(event)),
  );
  const readAll = async () => {
    const alerts: Alert[] = [];
    for await (const { value } of eachRecord<Alert>(records, 'alerts')) alerts.push(value);
    const incidents: string[][] = [];
    for await (const { value } of eachRecord<Incident>(records, 'incidents'))
      if (value.merged_into === undefined) incidents.push(value.alerts.map(({ id }) => id).sort());
    return { alerts: essence(alerts), incidents: incidents.map((ids) => ids.join()).sort() };
  };
  let before = '';
  await waitUntil({
    what: 'nothing more comes',
    timeout_ms: 30_000,
    interval_ms: 400,
    holds: async () => {
      const now = JSON.stringify(await readAll());
      const still = now === before && counters.total('detect', 'worked') >= events.length;
      before = now;
      return still;
    },
  });
  const found = await readAll();
  await detector.stop();
  await builder.stop();
  const [letters] = await bus.bounds(TOPICS.deadLetters);
  await bus.close();
  await records.close();
  return { ...found, dead_letters: letters?.next };
}

describe('messages of a newer version', () => {
  it('make the same alerts and incidents, and none of them is a dead letter', async () => {
    const same = await play('same', (message) => message);
    const newer = await play('newer', fromNewerVersion);
    expect(newer).toEqual(same);
    expect(same.alerts.length).toBeGreaterThan(10);
    expect(same.incidents.length).toBeGreaterThan(0);
    expect(same.dead_letters).toBe(0);
  }, 90_000);
});
