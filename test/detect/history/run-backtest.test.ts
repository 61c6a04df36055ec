// A backtest over a real index says what the detector would have made of the same events.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openCorrelator } from '../../../detect/correlate/correlator.ts';
import { makeSignals } from '../../../detect/correlate/signal.ts';
import { type BacktestOptions, runBacktest } from '../../../detect/history/run-backtest.ts';
import { compileEntityTable } from '../../../detect/worker/entity-table.ts';
import { routeMatches } from '../../../detect/worker/route-matches.ts';
import type { PicketEvent } from '../../../platform/core/event.ts';
import { equals } from '../../../platform/core/expression/expression.ts';
import type { EventIndex } from '../../../platform/index/event-index.ts';
import { openIndex } from '../../../platform/index/open-index.ts';
import { manyEvents, START, testEvent, testRules } from '../worker/fixture.ts';

const table = compileEntityTable({
  keys: [{ dataset: '*', fields: ['host.name', 'user.name'] }],
  entities: [],
});
const folder = mkdtempSync(join(tmpdir(), 'picket-backtest-'));
const events = [
  ...manyEvents(2_000),
  ...['login-failed', 'login-failed', 'login-failed', 'login'].map((action, at) =>
    testEvent({ id: `guess-${at}`, action, t: START + at * 1_000, user: 'guessed', host: 'h' }),
  ),
  testEvent({ id: 'undated', action: 'shell', t: START, user: 'u', host: 'h', time: 'missing' }),
];
let index: EventIndex;

beforeAll(async () => {
  index = await openIndex({ engine: 'embedded', folder: join(folder, 'index') });
  await index.write(
    events.map((event) => ({
      id: event.event.id,
      tenant: 'acme',
      dataset: event.event.dataset,
      jurisdiction: 'eu-fr',
      timestamp: event['@timestamp'],
      time: event.picket.time,
      body: Buffer.from(JSON.stringify(event)),
    })),
  );
});
afterAll(async () => {
  await index.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(more: Partial<BacktestOptions> = {}): ReturnType<typeof runBacktest> {
  return runBacktest({
    index,
    tenant: 'acme',
    from: 0,
    to: Date.UTC(2030, 0),
    rules: testRules(),
    entityTable: table,
    folder: join(folder, 'work'),
    samples: 2,
    signal: new AbortController().signal,
    ...more,
  });
}

/** Alerts a rule by the detector's own parts, over events in the order in which they were made. */
function expectedAlerts(given: readonly PicketEvent[]): Map<string, number> {
  const rules = testRules();
  const correlator = openCorrelator({
    file: ':memory:',
    memory_bytes: 1 << 20,
    revision_wait_ms: 0,
    count: () => undefined,
  });
  const router = routeMatches({ rules, table, retention_ms: 30 * 86_400_000 });
  for (const event of given) {
    if (event.picket.time !== 'ok') continue;
    const signals = rules.match(event).flatMap((match) =>
      router.correlationsOf(match, 'both').flatMap((correlation) =>
        makeSignals({
          correlation,
          rule: match.rule.id,
          document: event,
          event: event.event.id,
          t: Date.parse(event['@timestamp']),
          tenant: 'acme',
          site: 'lyon',
          describe: () => ({}),
          count: () => undefined,
        }),
      ),
    );
    correlator.work({ signals, now: 0 });
  }
  const counts = new Map<string, number>();
  for (const { rule } of correlator.current()) counts.set(rule.id, (counts.get(rule.id) ?? 0) + 1);
  correlator.close();
  return counts;
}

describe('a backtest', () => {
  test('counts matches and alerts of plain rules and correlations as the detector does', async () => {
    const result = await run();
    const expected = expectedAlerts(events);
    expect(expected.get('guessing')).toBeGreaterThan(0);
    expect(result).toMatchObject({
      complete: true,
      events: events.length,
      undated: 1,
      suppressed: 0,
      refused: [],
    });
    for (const { id, alerts } of result.rules) expect([id, alerts]).toEqual([id, expected.get(id) ?? 0]);
    const shell = result.rules.find(({ id }) => id === 'shell');
    const own = events.filter(({ event }) => event['action'] === 'shell');
    const times = own.map((event) => event['@timestamp']).sort();
    expect(shell).toMatchObject({ matches: own.length, first: times[0], last: times.at(-1) });
    expect(shell?.samples).toHaveLength(2);
    expect(own.map(({ event }) => event.id)).toContain(shell?.samples[0]?.event);
    expect(existsSync(join(folder, 'work'))).toBe(false);
  });

  test('looks only at the time, sites and events that were asked for', async () => {
    const to = START + 3_600_000;
    const result = await run({ from: START, to, where: equals('event.action', 'shell') });
    const own = events.filter(
      (event) => event.event['action'] === 'shell' && Date.parse(event['@timestamp']) < to,
    );
    expect(result.events).toBe(own.length);
    expect(result.events).toBeGreaterThan(0);
    expect((await run({ sites: ['paris'] })).events).toBe(0);
    expect((await run({ sites: ['paris', 'lyon'] })).events).toBe(events.length);
    expect((await run({ tenant: 'other' })).events).toBe(0);
  });

  test('keeps what exceptions hide out of matches and alerts, and counts it by exception', async () => {
    const hidden = (user: string): boolean => user === 'user-1' || user === 'user-2';
    const userOf = (event: PicketEvent): string => (event['user'] as { name: string }).name;
    const result = await run({
      suppressedBy: ({ rule, event }) => (rule.id === 'shell' && hidden(userOf(event)) ? 'known' : undefined),
    });
    const own = events.filter(({ event }) => event['action'] === 'shell');
    const suppressed = own.filter((event) => hidden(userOf(event))).length;
    expect(suppressed).toBeGreaterThan(0);
    expect(result.rules.find(({ id }) => id === 'shell')).toMatchObject({
      matches: own.length - suppressed,
      suppressed,
      suppressed_by: { known: suppressed },
    });
    const left = events.filter((event) => event.event['action'] !== 'shell' || !hidden(userOf(event)));
    expect(result.rules.find(({ id }) => id === 'shell')?.alerts).toBe(expectedAlerts(left).get('shell'));
  });

  test('tells how far it is, oldest first, and stops at its bound saying so', async () => {
    const seen: (string | undefined)[] = [];
    const result = await run({ max_matches: 300, onProgress: ({ reached }) => void seen.push(reached) });
    expect(result.complete).toBe(false);
    expect(result.events).toBeLessThan(events.length);
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.every((at, place) => place === 0 || (seen[place - 1] ?? '') <= (at ?? ''))).toBe(true);
    expect(result.reached).toBe(seen.at(-1));
  });

  test('ends when it is cancelled, and leaves no file', async () => {
    const stop = new AbortController();
    const running = run({ signal: stop.signal, onProgress: () => stop.abort() });
    await expect(running).rejects.toMatchObject({ code: 'BACKTEST_CANCELLED' });
    expect(existsSync(join(folder, 'work'))).toBe(false);
  });
});
