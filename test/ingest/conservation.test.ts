// Conservation over the whole of ingest, on a real bus and a real index: in = indexed + duplicate + dead-lettered + filtered.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AcceptResult } from '../../ingest/intake.ts';
import type { RawRecord } from '../../ingest/source.ts';
import { silentLogger } from '../../platform/core/log.ts';
import type { EventIndex } from '../../platform/index/event-index.ts';
import { openIndex } from '../../platform/index/open-index.ts';
import { startIndexWriter } from '../../platform/index/write-events.ts';
import { waitUntil } from '../services/wait-until.ts';
import { linesOf } from './normalise-text.ts';
import { type RunningIntake, SITE, startIntake } from './start-intake.ts';

const RECEIVED = Date.UTC(2026, 10, 23, 22, 0, 0);
const YEARS_50_MS = 50 * 365.25 * 86_400_000;

const flows = (name: string): Buffer[] =>
  readFileSync(new URL(`../fixtures/netflow/${name}.hex`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line) => Buffer.from(line, 'hex'));
const texts = (lines: readonly string[]): Buffer[] => lines.map((line) => Buffer.from(line));

/** Good records of every adapter. */
const GOOD: Readonly<Record<string, readonly Buffer[]>> = {
  'kubernetes-audit': texts(linesOf('demo/recordings/kubernetes-audit.ndjson').slice(0, 30)),
  windows: texts(linesOf('test/fixtures/windows/security-datasets.ndjson').slice(0, 30)),
  falco: texts(linesOf('demo/recordings/falco.ndjson')),
  trivy: [
    readFileSync(new URL('../fixtures/trivy/alpine-vulnerability.json', import.meta.url)),
    readFileSync(new URL('../fixtures/trivy/dockerfile-misconfiguration.json', import.meta.url)),
  ],
  syslog: texts(linesOf('test/fixtures/syslog/linux-auth-rfc5424.log').slice(0, 30)),
  netflow: [...flows('pmacct-dns-v5'), ...flows('pmacct-dns-v9'), ...flows('pmacct-dns-v10')],
  ecs: texts(['{"@timestamp":"2026-11-23T21:00:00Z","message":"a"}', '{"message":"no time"}']),
};
const FORMATS = Object.keys(GOOD);
/** Kept from the index by the source's own configuration. */
const DETECTION_ONLY = 'ecs-detection-only';

/** Documents of ECS whose clock is off by so much. */
const clockOff = (by_ms: number): Buffer =>
  Buffer.from(JSON.stringify({ '@timestamp': new Date(RECEIVED + by_ms).toISOString(), message: 'off' }));

const BAD: readonly Buffer[] = [
  ...texts(['', '{', '[1]', '{}', `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`, 'null', '\u0000']),
  Buffer.from([0xff, 0xfe]),
  Buffer.from('00090001', 'hex'),
  Buffer.alloc(70_000, 0x78),
];
/** What is left out by a rule with a name. */
const FILTERED = Buffer.from('{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[]}');

let running: RunningIntake;
let index: EventIndex;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'picket-conservation-'));
  index = await openIndex({ engine: 'embedded', folder });
  running = await startIntake([
    ...FORMATS.map((format) => ({ id: format, format, max_record_bytes: 60_000 })),
    { id: DETECTION_ONLY, format: 'ecs', detection_only: true },
  ]);
});
afterAll(async () => {
  await index.close();
  await running.close();
  await rm(folder, { recursive: true, force: true });
});

const indexTotal = (): number =>
  running.counters
    .snapshot()
    .filter(({ stage }) => stage === 'index')
    .reduce((sum, { count }) => sum + count, 0);

/** Lets the index take what stands on the bus. */
async function settle(): Promise<void> {
  const { bus, counters } = running;
  const writer = startIndexWriter({ bus, index, counters, logger: silentLogger });
  await waitUntil({
    what: 'the index decided on every event',
    timeout_ms: 20_000,
    interval_ms: 10,
    holds: () => indexTotal() >= counters.total('bus', 'produced'),
  });
  await writer.stop();
}

interface Delivery {
  readonly sourceId: string;
  readonly record: RawRecord;
}

const delivery: fc.Arbitrary<Delivery> = fc.constantFrom(...FORMATS, DETECTION_ONLY).chain((sourceId) => {
  const format = sourceId === DETECTION_ONLY ? 'ecs' : sourceId;
  const late = fc.integer({ min: -20_000, max: 20_000 }).map((days) => clockOff(days * 86_400_000));
  const good = fc.constantFrom(...(GOOD[format] as readonly Buffer[]));
  const cut = fc.tuple(good, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % bytes.length));
  const bytes = fc.oneof(
    { weight: 6, arbitrary: good },
    { weight: 2, arbitrary: cut },
    { weight: 2, arbitrary: fc.constantFrom(...BAD, FILTERED) },
    { weight: format === 'ecs' ? 4 : 1, arbitrary: late },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((random) => Buffer.from(random)) },
  );
  return fc.record({
    sourceId: fc.constant(sourceId),
    record: fc.record({
      bytes,
      received: fc.constant(RECEIVED),
      // Few places for the same bytes, never one place for different bytes: no file holds that.
      position: fc.nat({ max: 2 }).map((ordinal) => ({ kind: 'request', ordinal }) as const),
    }),
  });
});

describe('conservation', () => {
  test('whatever comes, once or twice: in = indexed + duplicate + dead-lettered + filtered, and nothing is lost', {
    timeout: 120_000,
  }, async () => {
    const ids = new Set<string>();
    const detectionOnly = new Set<string>();
    let received = 0;
    let deadLettered = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(delivery, fc.boolean()), { minLength: 10, maxLength: 40 }),
        async (deliveries) => {
          const all = deliveries.flatMap(([one, twice]) => (twice ? [one, one] : [one]));
          for (const { sourceId, record } of all) {
            const [result] = (await running.intake.accept(sourceId, [record])) as [AcceptResult];
            received++;
            expect(result.events.length + result.rejected.length + result.filtered.length).toBeGreaterThan(0);
            if (result.rejected.length > 0) deadLettered++;
            for (const id of result.events) (sourceId === DETECTION_ONLY ? detectionOnly : ids).add(id);
          }
        },
      ),
      { numRuns: 20 },
    );
    await settle();
    const { counters } = running;
    const sum = (stage: string, pattern: RegExp): number =>
      counters
        .snapshot()
        .filter((value) => value.stage === stage && pattern.test(value.reason))
        .reduce((total, { count }) => total + count, 0);
    // Records, then their outcomes, then events: each side of each step.
    expect(counters.total('receive', 'received')).toBe(received);
    expect(counters.total('normalise', 'dead-lettered')).toBe(deadLettered);
    expect((await running.deadLetters()).length).toBe(deadLettered);
    expect(counters.total('normalise', 'outcomes')).toBe(
      sum('normalise', /^(?:accepted$|rejected:|filtered:)/),
    );
    expect(counters.total('normalise', 'accepted')).toBe(counters.total('bus', 'produced'));
    expect(sum('index', /^(?:created|duplicate|filtered:detection-only)$/)).toBe(
      counters.total('bus', 'produced'),
    );
    expect(sum('index', /^rejected$/)).toBe(0);
    // Nothing lost, nothing doubled: every id that was answered stands in the index once.
    expect(counters.total('index', 'created')).toBe(ids.size);
    expect((await index.count({ tenant: SITE.tenant })).count).toBe(ids.size);
    for (const id of ids) expect(await index.get({ tenant: SITE.tenant, id })).toBeDefined();
    for (const id of detectionOnly) expect(await index.get({ tenant: SITE.tenant, id })).toBeUndefined();
    expect(ids.size).toBeGreaterThan(50);
  });

  test.each([
    ['50 years ahead', YEARS_50_MS, 'future', RECEIVED + YEARS_50_MS],
    ['a day and a second ahead', 86_401_000, 'future', RECEIVED + 86_401_000],
    ['a day ahead', 86_400_000, 'ok', RECEIVED + 86_400_000],
    ['50 years behind', -YEARS_50_MS, 'ok', RECEIVED - YEARS_50_MS],
    ['at the epoch', -RECEIVED, 'missing', RECEIVED],
  ] as const)('a clock %s is kept, judged and searchable', async (_what, by_ms, time, timestamp) => {
    const bytes = clockOff(by_ms);
    const record: RawRecord = {
      bytes,
      received: RECEIVED,
      position: { kind: 'assigned', id: `clock ${by_ms}` },
    };
    const [result] = await running.intake.accept('ecs', [record]);
    await settle();
    const created = running.counters.total('index', 'created');
    const [again] = await running.intake.accept('ecs', [{ ...record, received: RECEIVED + 500 }]);
    expect(again?.events).toEqual(result?.events);
    await settle();
    expect(running.counters.total('index', 'created')).toBe(created);
    const id = result?.events[0] as string;
    expect(await index.get({ tenant: SITE.tenant, id })).toMatchObject({
      '@timestamp': new Date(timestamp).toISOString(),
      picket: { time },
    });
  });

  test('what shares its bytes but not its place is two events', async () => {
    const bytes = Buffer.from('{"message":"alike"}');
    const at = (offset: number): RawRecord => ({
      bytes,
      received: RECEIVED,
      position: { kind: 'file', identity: 'alike', offset },
    });
    const results = await running.intake.accept('ecs', [at(0), at(20), at(0)]);
    expect(new Set(results.flatMap(({ events }) => events)).size).toBe(2);
  });
});
