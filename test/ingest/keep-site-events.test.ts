// Events of the site itself over a real bus: told once at once, then summed, and few however many subjects a stranger makes up.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keepSiteEvents, type SiteEventKeeper } from '../../ingest/keep-site-events.ts';
import type { Bus } from '../../platform/bus/bus.ts';
import { openBus } from '../../platform/bus/open-bus.ts';
import { systemClock } from '../../platform/core/clock.ts';
import { Counters } from '../../platform/core/counters.ts';
import { PicketEvent } from '../../platform/core/event.ts';
import { silentLogger } from '../../platform/core/log.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import { makeClock, readTopic } from '../respond/open-stores.ts';
import { SITE } from './start-intake.ts';

let folder: string;
let bus: Bus;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'picket-site-events-'));
  bus = await openBus({ engine: 'embedded', folder, clock: systemClock });
  await bus.ensureTopics([TOPICS.events]);
});
afterEach(async () => {
  await bus.close();
  await rm(folder, { recursive: true, force: true });
});

const clock = makeClock(Date.UTC(2026, 10, 24));
const counters = new Counters();
const keep = (to: Pick<Bus, 'produce'> = bus): SiteEventKeeper =>
  keepSiteEvents({ site: SITE, bus: to, clock, counters, logger: silentLogger, window_ms: 60_000 });

interface Told {
  site_event: { count: number; first: string; last: string; source?: string; others?: boolean };
}

const tell = (keeper: SiteEventKeeper, subject: string): void =>
  keeper.tell({
    action: 'sender-refused',
    subject,
    code: 'unauthorised',
    message: `${subject} may not write`,
    fields: { source: { ip: subject }, site_event: { source: 'falco' } },
  });

describe('a site event', () => {
  test('stands on the bus as a whole event with the headers that index, detector and uplink read', async () => {
    const keeper = keep();
    tell(keeper, '203.0.113.7');
    await keeper.close();
    const [record] = await bus.read({
      topic: TOPICS.events,
      partition: await partition(),
      offset: 0,
      max_records: 1,
    });
    const event = PicketEvent.parse(JSON.parse(Buffer.from(record?.value ?? []).toString('utf8')));
    expect(event).toMatchObject({
      '@timestamp': '2026-11-24T00:00:00.000Z',
      event: { action: 'sender-refused', type: ['denied'], outcome: 'failure' },
      error: { code: 'unauthorised' },
      source: { ip: '203.0.113.7' },
      site_event: { source: 'falco', count: 1 },
    });
    expect(record?.headers).toMatchObject({
      id: event.event.id,
      dataset: 'picket.site',
      class: 'operational',
      site: SITE.id,
      time: 'ok',
    });
  });

  test('that repeats is told at once, and once more with its count when its minute is over', async () => {
    const keeper = keep();
    for (let time = 0; time < 1_000; time++) tell(keeper, '203.0.113.7');
    clock.move(61_000);
    tell(keeper, '203.0.113.7');
    await keeper.close();
    const told = await readTopic<Told>(bus, TOPICS.events);
    expect(told.map(({ site_event }) => site_event.count)).toEqual([1, 999, 1]);
  });

  test('of ever new subjects stays few, and none is lost from the count', async () => {
    const keeper = keep();
    for (let at = 0; at < 5_000; at++) tell(keeper, `203.0.${at >> 8}.${at & 255}`);
    await keeper.close();
    const told = await readTopic<Told>(bus, TOPICS.events);
    expect(told.length).toBeLessThanOrEqual(33);
    expect(told.reduce((sum, { site_event }) => sum + site_event.count, 0)).toBe(5_000);
    const others = told.filter(({ site_event }) => site_event.others);
    expect(others).toHaveLength(1);
    expect(others[0]).not.toHaveProperty('source');
  });

  test('that the bus does not take is counted as lost and stops nothing', async () => {
    const keeper = keep({ produce: () => Promise.reject(new Error('full')) });
    tell(keeper, '203.0.113.7');
    await keeper.close();
    expect(counters.total('bus', 'site-event-lost')).toBe(1);
  });
});

async function partition(): Promise<number> {
  return (await bus.bounds(TOPICS.events)).findIndex(({ next }) => next > 0);
}
