// What waits on a bus moves with its keys and headers; dead letters move once, with their marks, wherever runs die.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Bus } from '../../../platform/bus/bus.ts';
import { readCommitted } from '../../../platform/bus/embedded/read-committed.ts';
import { openBus } from '../../../platform/bus/open-bus.ts';
import { listDeadLetters, replayDeadLetters } from '../../../platform/bus/replay-dead-letters.ts';
import { systemClock } from '../../../platform/core/clock.ts';
import { TOPICS } from '../../../platform/core/topics.ts';
import { moveDeadLetters } from '../../../server/migrate/move-dead-letters.ts';
import { findRemainders, moveMessages } from '../../../server/migrate/move-messages.ts';
import { openProgress } from '../../../server/migrate/open-progress.ts';
import { waitUntil } from '../../services/wait-until.ts';
import { dieAfter, persistence, runKilled } from './interrupted.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'picket-move-messages-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (name: string): Promise<Bus> =>
  openBus({ engine: 'embedded', folder: join(folder, name), clock: systemClock });

async function textsOf(bus: Bus): Promise<string[]> {
  const bounds = await bus.bounds(TOPICS.events);
  const all = await Promise.all(
    bounds.map((_, partition) =>
      bus.read({ topic: TOPICS.events, partition, offset: 0, max_records: 100_000 }),
    ),
  );
  return all
    .flat()
    .map(({ key, value, headers }) => `${key} ${Buffer.from(value).toString()} ${headers['id']}`);
}

describe('messages that wait', () => {
  test('move from where the slowest of the groups stands, those of a group that never read from the first', async () => {
    let from = await open('old');
    const message = (at: number) => {
      return { key: `k${at % 7}`, value: Buffer.from(`v${at}`), headers: { id: `e${at}` } };
    };
    await from.produce(
      TOPICS.events,
      Array.from({ length: 700 }, (_, at) => message(at)),
    );
    for (const group of ['index', 'detect']) {
      const consumer = from.consume({ group, topics: [TOPICS.events], handle: async () => undefined });
      await waitUntil({
        what: 'the group has worked all',
        timeout_ms: 20_000,
        holds: async () => (await from.lag(group))[TOPICS.events.name] === 0,
      });
      await consumer.stop();
    }
    await from.produce(
      TOPICS.events,
      Array.from({ length: 300 }, (_, at) => message(700 + at)),
    );
    await from.close();
    const committed = readCommitted(join(folder, 'old'));
    from = await open('old');
    const to = await open('new');
    const readers = [{ topic: TOPICS.events, groups: ['index', 'detect'] }];
    const find = (position: () => number | undefined, groups = readers) =>
      findRemainders({ bus: from, committed, readers: groups, position });
    const left = (all: readonly { from: number; next: number }[]): number =>
      all.reduce((sum, one) => sum + one.next - one.from, 0);
    expect(left(await find(() => undefined))).toBe(300);
    // A place of its own goes before what was committed.
    expect(left(await find(() => 0))).toBe(1_000);
    expect(left(await find(() => 1e9))).toBe(0);
    expect(left(await find(() => undefined, [{ topic: TOPICS.events, groups: ['index', 'never'] }]))).toBe(
      1_000,
    );
    const progress = openProgress(folder);
    await moveMessages({
      from,
      to,
      remainders: await find(() => undefined),
      progress,
      persistence: persistence(),
      onMoved: () => undefined,
    });
    await progress.close();
    expect((await textsOf(to)).sort()).toEqual(
      Array.from({ length: 300 }, (_, at) => `k${(700 + at) % 7} v${700 + at} e${700 + at}`).sort(),
    );
    await from.close();
    await to.close();
  });

  test('of a bus that a process has open are refused, and a message that the target does not take is named', async () => {
    const from = await open('old');
    expect(() => readCommitted(join(folder, 'old'))).toThrow('stop it first');
    const large = { key: 'a', value: Buffer.alloc(60_000), headers: { id: 'large' } };
    const small = { key: 'a', value: Buffer.from('v'), headers: { id: 'small' } };
    await from.produce(TOPICS.events, [large, small]);
    const to = await openBus({
      engine: 'embedded',
      folder: join(folder, 'new'),
      clock: systemClock,
      limits: { max_message_bytes: 50_000 },
    });
    const progress = openProgress(folder);
    const remainders = await findRemainders({
      bus: from,
      committed: [],
      readers: [{ topic: TOPICS.events, groups: ['index'] }],
      position: () => undefined,
    });
    await moveMessages({
      from,
      to,
      remainders,
      progress,
      persistence: persistence(),
      onMoved: () => undefined,
    });
    expect(await textsOf(to)).toEqual(['a v small']);
    expect(progress.faults()).toMatchObject([
      {
        kind: 'refused',
        part: 'bus',
        place: `picket.events, partition ${remainders[0]?.partition}, offset 0`,
      },
    ]);
    await progress.close();
    await from.close();
    await to.close();
  });
});

describe('dead letters', () => {
  test('move once each with reason, bytes and mark, wherever runs die', async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ code: fc.constantFrom('A', 'B'), text: fc.string() }), {
          minLength: 1,
          maxLength: 40,
        }),
        fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 4 }),
        async (letters, limits) => {
          const name = `run-${runs++}`;
          const [from, to] = [await open(`${name}/old`), await open(`${name}/new`)];
          for (const { code, text } of letters)
            await from.deadLetter(
              {
                topic: 'picket.events',
                key: 'falco',
                value: Buffer.from(text),
                headers: { source: 'falco' },
              },
              { stage: 'normalise', code, message: `why ${code}`, place: 'line 1' },
            );
          await replayDeadLetters({ bus: from, filter: { code: 'A' }, feed: async () => undefined, now: 1 });
          await runKilled({
            folder: join(folder, name),
            limits,
            work: (progress, limit) =>
              moveDeadLetters({
                from,
                to: dieAfter(to, ['deadLetter', 'produce'], limit),
                progress,
                persistence: persistence(),
                onMoved: () => undefined,
              }),
          });
          const seen = async (bus: Bus) =>
            (await listDeadLetters({ bus }))
              .map(({ stage, code, reason, place, topic, replayed, message }) => {
                const text = Buffer.from(message.value).toString();
                return { stage, code, reason, place, topic, replayed, text, headers: message.headers };
              })
              .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
          expect(await seen(to)).toEqual(await seen(from));
          await from.close();
          await to.close();
        },
      ),
      { numRuns: 15 },
    );
  }, 300_000);
});
