// A dead letter's whole way: refused, mended, fed in again from the bus, indexed once with the id it would have had.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createIntake, type Intake } from '../../ingest/intake.ts';
import type { RawRecord } from '../../ingest/source.ts';
import { SourceConfig, type SourceConfigInput } from '../../ingest/source-config.ts';
import { createMemoryStateStore } from '../../ingest/source-state.ts';
import type { Bus } from '../../platform/bus/bus.ts';
import { openBus } from '../../platform/bus/open-bus.ts';
import { type ReplaySummary, replayDeadLetters } from '../../platform/bus/replay-dead-letters.ts';
import { systemClock } from '../../platform/core/clock.ts';
import { Counters } from '../../platform/core/counters.ts';
import { silentLogger } from '../../platform/core/log.ts';
import { TOPICS } from '../../platform/core/topics.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import { openIndex } from '../../platform/index/open-index.ts';
import { startIndexWriter } from '../../platform/index/write-events.ts';
import { waitUntil } from '../services/wait-until.ts';
import { SITE } from './start-intake.ts';

let folder: string;
let bus: Bus;
let index: EventIndex;
let counters: Counters;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'picket-replay-'));
  bus = await openBus({ engine: 'embedded', folder: join(folder, 'bus'), clock: systemClock });
  await bus.ensureTopics([TOPICS.events, TOPICS.deadLetters, TOPICS.deadLetterMarks]);
  index = await openIndex({ engine: 'embedded', folder: join(folder, 'index') });
  counters = new Counters();
});
afterEach(async () => {
  await index.close();
  await bus.close();
  await rm(folder, { recursive: true, force: true });
});

function open(source: SourceConfigInput): Promise<Intake> {
  return createIntake({
    site: SITE,
    sources: [SourceConfig.parse(source)],
    bus,
    counters,
    clock: systemClock,
    stateStore: createMemoryStateStore(),
    logger: silentLogger,
  });
}

const replay = (intake: Intake): Promise<ReplaySummary> =>
  replayDeadLetters({
    bus,
    filter: { stage: 'normalise' },
    now: Date.now(),
    feed: async (message) => {
      const { rejected } = await intake.replayDeadLetter(message);
      expect(rejected).toEqual([]);
    },
  });

/** Lets the index take all that stands on the bus; how many events it holds. */
async function indexed(): Promise<number> {
  const writer = startIndexWriter({ bus, index, counters, logger: silentLogger });
  const total = (reason: string): number => counters.total('index', reason);
  await waitUntil({
    what: 'the index took everything',
    timeout_ms: 20_000,
    interval_ms: 20,
    holds: () =>
      total('created') + total('duplicate') + total('rejected') === counters.total('bus', 'produced'),
  });
  await writer.stop();
  return (await index.count({ tenant: SITE.tenant })).count;
}

describe('the replay of dead letters', () => {
  test('a record that was too large is the same event once the limit is raised, and is fed in once', async () => {
    const source = { id: 'any', format: 'ecs', max_record_bytes: 1_024 };
    const bytes = Buffer.from(`{"@timestamp":"2026-11-23T10:00:00Z","message":"${'x'.repeat(2_000)}"}`);
    const record: RawRecord = {
      bytes,
      received: Date.UTC(2026, 10, 23, 10, 0, 1),
      peer: '10.0.0.9',
      position: { kind: 'file', identity: '8:1', offset: 512 },
    };
    const strict = await open(source);
    expect((await strict.accept('any', [record]))[0]).toMatchObject({
      events: [],
      rejected: [{ code: 'RECORD_TOO_LARGE' }],
    });

    const mended = await open({ ...source, max_record_bytes: 100_000 });
    expect(await replay(mended)).toEqual({ matched: 1, replayed: 1, already: 0, failed: [] });
    expect(await replay(mended)).toEqual({ matched: 1, replayed: 0, already: 1, failed: [] });
    expect(counters.total('bus', 'produced')).toBe(1);

    // Had it been good at first, this is what would have come: the same event, so a duplicate now.
    const [first] = await mended.accept('any', [record]);
    expect(await indexed()).toBe(1);
    const id = first?.events[0] as string;
    expect(await index.get({ tenant: SITE.tenant, id })).toMatchObject({
      '@timestamp': '2026-11-23T10:00:00.000Z',
      event: { original: bytes.toString() },
      picket: { replayed: true, received: '2026-11-23T10:00:01.000Z', source: { peer: '10.0.0.9' } },
    });
    expect(counters.total('index', 'duplicate')).toBe(1);
    expect(counters.total('receive', 'received')).toBe(3);
    expect(counters.total('normalise', 'dead-lettered')).toBe(1);
  });

  test('flows that came before their template are events once the template is known', async () => {
    const all = readFileSync(new URL('../fixtures/netflow/pmacct-dns-v9.hex', import.meta.url), 'utf8')
      .trim()
      .split('\n')
      .map((line, at): RawRecord => {
        const bytes = Buffer.from(line, 'hex');
        return {
          bytes,
          received: Date.UTC(2026, 10, 23, 21, 3, 0),
          peer: '192.0.2.1',
          position: { kind: 'assigned', id: `datagram.${at}` },
        };
      });
    const source: SourceConfigInput = { id: 'router', format: 'netflow' };
    // As it should have been: in order.
    const ordered = (await (await open(source)).accept('router', all)).flatMap(({ events }) => events);
    expect(ordered.length).toBeGreaterThan(0);
    const producedFirst = counters.total('bus', 'produced');
    expect(await indexed()).toBe(ordered.length);

    // As UDP delivers it: the datagrams that teach a template last.
    const late = await open(source);
    const results = await late.accept('router', all.toReversed());
    const refused = results.filter(({ rejected }) => rejected.length > 0);
    expect(refused.length).toBeGreaterThan(0);
    const summary = await replay(late);
    expect(summary).toMatchObject({ matched: refused.length, replayed: refused.length, failed: [] });
    // Whatever came twice is one event: nothing new stands in the index.
    expect(counters.total('bus', 'produced')).toBe(2 * producedFirst);
    expect(await indexed()).toBe(ordered.length);
    expect(await replay(late)).toMatchObject({ replayed: 0, already: refused.length });
  });
});
