// From the bus into the index: routed by headers, counted, and what is refused goes to the dead letters.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus, BusMessage } from '../../../platform/bus/bus.ts';
import { openBus } from '../../../platform/bus/open-bus.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { Counters } from '../../../platform/core/counters.ts';
import { silentLogger } from '../../../platform/core/log.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import type { EventIndex } from '../../../platform/index/event-index.ts';
import { openIndex } from '../../../platform/index/open-index.ts';
import { dropExpiredSegments } from '../../../platform/index/retention.ts';
import { startIndexWriter } from '../../../platform/index/write-events.ts';
import { sampleDocument } from './sample-events.ts';

let folder: string;
let bus: Bus;
let index: EventIndex;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'picket-index-writer-'));
  bus = await openBus({ engine: 'embedded', folder: join(folder, 'bus'), clock: systemClock });
  await bus.ensureTopics([TOPICS.events, TOPICS.deadLetters]);
  index = await openIndex({ engine: 'embedded', folder: join(folder, 'index') });
});
afterEach(async () => {
  await index.close();
  await bus.close();
  rmSync(folder, { recursive: true, force: true });
});

function message(id: string, change: { value?: string; headers?: Record<string, string> } = {}): BusMessage {
  const { body, time, ...document } = sampleDocument(id);
  return {
    key: 'plant-1/s',
    value: change.value === undefined ? body : Buffer.from(change.value),
    headers: { ...document, time, class: 'host-audit', site: 'plant-1', source: 's', ...change.headers },
  };
}

/** Waits until the writer has decided on so many records. */
async function decided(counters: Counters, records: number): Promise<void> {
  while (counters.snapshot().reduce((sum, { count }) => sum + count, 0) < records)
    await systemClock.sleep(20);
}

describe('the index writer', () => {
  it('counts each record as created, duplicate or rejected, and dead-letters what it refuses', async () => {
    const counters = new Counters();
    await bus.produce(TOPICS.events, [
      message('a'),
      message('b'),
      message('a'),
      message('torn', { value: '{"a":' }),
      message('lost', { headers: { tenant: '' } }),
      message('clock', { headers: { time: 'maybe' } }),
    ]);
    const writer = startIndexWriter({ bus, index, counters, logger: silentLogger });
    await decided(counters, 6);
    await writer.stop();
    expect(counters.total('index', 'created', 's')).toBe(2);
    expect(counters.total('index', 'duplicate', 's')).toBe(1);
    expect(counters.total('index', 'rejected', 's')).toBe(3);
    const dead = await bus.read({ topic: TOPICS.deadLetters, partition: 0, offset: 0, max_records: 10 });
    expect(
      dead.map(({ headers }) => [headers['id'], headers['dl-stage'], headers['dl-code']].join(' ')).sort(),
    ).toEqual([
      'clock index INDEX_HEADERS_INVALID',
      'lost index INDEX_HEADERS_INVALID',
      'torn index INDEX_BODY_MALFORMED',
    ]);
    expect((await index.get({ tenant: 'acme', id: 'b' }))?.event.id).toBe('b');
  });

  it('leaves out what is for detection only, without reading its body, and counts it by the rule’s name', async () => {
    const counters = new Counters();
    await bus.produce(TOPICS.events, [
      message('kept'),
      message('seen', { headers: { detection_only: '1' } }),
      message('unread', { value: '{"a":', headers: { detection_only: '1' } }),
    ]);
    const writer = startIndexWriter({ bus, index, counters, logger: silentLogger });
    await decided(counters, 3);
    await writer.stop();
    expect(counters.snapshot()).toEqual([
      { stage: 'index', reason: 'filtered:detection-only', source: 's', count: 2 },
      { stage: 'index', reason: 'created', source: 's', count: 1 },
    ]);
    expect(await index.get({ tenant: 'acme', id: 'seen' })).toBeUndefined();
    expect(await index.get({ tenant: 'acme', id: 'kept' })).toBeDefined();
    expect(await bus.bounds(TOPICS.deadLetters)).toMatchObject([{ next: 0 }]);
  });
});

describe('retention', () => {
  it('drops whole segments over age by the first rule that fits, and says which', async () => {
    await index.write([
      sampleDocument('old', { timestamp: '2026-01-05T00:00:00.000Z' }),
      sampleDocument('old-kept', { timestamp: '2026-01-05T00:00:00.000Z', jurisdiction: 'cn-gd' }),
      sampleDocument('new', { timestamp: '2026-11-20T00:00:00.000Z' }),
      sampleDocument('undated', { timestamp: '2026-01-05T00:00:00.000Z', time: 'missing' }),
    ]);
    const rules = [
      { jurisdiction: 'cn-gd', days: 3650 },
      { dataset: 'windows.*', days: 30 },
    ];
    const dropped = await dropExpiredSegments({ index, rules, now: Date.UTC(2026, 10, 23) });
    expect(dropped.map(({ segment, rule }) => [segment.name, segment.events, rule.days])).toEqual([
      ['picket-acme-windows.security-eu-fr-2026-w02', 1, 30],
    ]);
    const left = await index.search({ tenant: 'acme', limit: 10, sort: 'oldest' });
    expect(left.hits.map((hit) => hit.event.id)).toEqual(['old-kept', 'undated', 'new']);
  });

  it('keeps a segment until its last moment is over age', async () => {
    await index.write([sampleDocument('edge', { timestamp: '2026-11-16T00:00:00.000Z' })]);
    const rules = [{ days: 1 }];
    const weekEnd = Date.UTC(2026, 10, 23);
    const after = (ms: number) => dropExpiredSegments({ index, rules, now: weekEnd + 86_400_000 + ms });
    expect(await after(-1)).toEqual([]);
    expect(await after(0)).toHaveLength(1);
  });
});
