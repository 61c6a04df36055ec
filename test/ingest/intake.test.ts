import * as fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { RawRecord } from '../../ingest/source.ts';
import { splitRecords } from '../../ingest/split-records.ts';
import type { Bus } from '../../platform/bus/bus.ts';
import { PicketError } from '../../platform/core/errors.ts';
import { linesOf } from './normalise-text.ts';
import { type RunningIntake, startIntake } from './start-intake.ts';

let running: RunningIntake | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const FALCO = linesOf('demo/recordings/falco.ndjson');
const records = (text: string, received = 1_790_000_000_000): RawRecord[] =>
  splitRecords({ bytes: Buffer.from(text), framing: 'line', received, peer: '10.0.0.9' });

/** The sums of SEMANTICS, Conservation: outcomes = accepted + rejected + filtered. */
function conserve({ counters }: RunningIntake): { outcomes: number; accounted: number; received: number } {
  const values = counters.snapshot().filter(({ stage }) => stage === 'normalise');
  const accounted = values
    .filter(
      ({ reason }) =>
        reason === 'accepted' || reason.startsWith('rejected:') || reason.startsWith('filtered:'),
    )
    .reduce((sum, { count }) => sum + count, 0);
  return {
    outcomes: counters.total('normalise', 'outcomes'),
    accounted,
    received: counters.total('receive', 'received'),
  };
}

describe('the intake', () => {
  test('puts events with their routing headers on the bus before it answers', async () => {
    running = await startIntake([{ id: 'runtime', format: 'falco' }]);
    const results = await running.intake.accept('runtime', records(FALCO.join('\n')));
    const events = await running.events();
    expect(new Set(results.map(({ events: [id] }) => id))).toEqual(
      new Set(events.map(({ event }) => event.id)),
    );
    expect(events[0]).toMatchObject({
      picket: {
        tenant: 'acme',
        site: { id: 'lyon' },
        jurisdiction: 'eu-fr',
        source: { id: 'runtime', type: 'falco', peer: '10.0.0.9' },
      },
    });
  });

  test('a record that cannot be read is a dead letter with its bytes, reason and place, and nothing else stops', async () => {
    running = await startIntake([{ id: 'any', format: 'ecs' }]);
    const bad = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]);
    const results = await running.intake.accept('any', [
      ...records('{"a":1}'),
      { bytes: bad, received: 5, position: { kind: 'request', ordinal: 0 } },
      ...records('{"b":2}'),
    ]);
    expect(results.map(({ events, rejected }) => [events.length, rejected.length])).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
    ]);
    const [letter] = await running.deadLetters();
    expect(Buffer.from(letter?.value ?? []).equals(bad)).toBe(true);
    expect(letter?.headers).toMatchObject({
      'dl-stage': 'normalise',
      'dl-code': 'INVALID_UTF8',
      'dl-place': 'byte 2',
      source: 'any',
    });
  });

  test('a replayed dead letter has the id, receipt and peer that it would have had', async () => {
    running = await startIntake([{ id: 'any', format: 'falco' }]);
    await running.intake.accept('any', records('{"rule":"x"}', 1_790_000_000_123));
    const [letter] = await running.deadLetters();
    if (!letter) throw new Error('no dead letter');
    const repaired = Buffer.from(FALCO[0]?.replace(/"uuid":"[^"]+",/, '') ?? '');
    const first = await running.intake.replayDeadLetter({ headers: letter.headers, value: repaired });
    const direct = await running.intake.accept('any', records(repaired.toString(), 1_790_000_000_123));
    expect(first.events).toEqual(direct[0]?.events);
    const [replayed] = await running.events();
    expect(replayed?.picket).toMatchObject({
      replayed: true,
      received: new Date(1_790_000_000_123).toISOString(),
      source: { peer: '10.0.0.9' },
    });
  });

  test('a dead letter that says nothing of its origin cannot be replayed', async () => {
    running = await startIntake([{ id: 'any', format: 'ecs' }]);
    await expect(
      running.intake.replayDeadLetter({ headers: {}, value: Buffer.from('{}') }),
    ).rejects.toMatchObject({ code: 'DEAD_LETTER_NOT_REPLAYABLE' });
    await expect(running.intake.accept('nobody', [])).rejects.toMatchObject({ code: 'SOURCE_UNKNOWN' });
  });

  test('a record above the source’s size is refused and the first part kept', async () => {
    running = await startIntake([{ id: 'any', format: 'ecs', max_record_bytes: 1_024 }]);
    const [result] = await running.intake.accept('any', records(`{"a":"${'x'.repeat(2_000)}"}`));
    expect(result?.rejected).toEqual([expect.objectContaining({ code: 'RECORD_TOO_LARGE' })]);
    expect(await running.deadLetters()).toHaveLength(1);
  });

  test('a record delivered twice is one id, two that look alike in one body are two', async () => {
    running = await startIntake([{ id: 'any', format: 'ecs' }]);
    const body = '{"a":1}\n{"a":1}';
    const once = await running.intake.accept('any', records(body));
    const again = await running.intake.accept('any', records(body, 1_790_000_099_000));
    const ids = once.flatMap(({ events }) => events);
    expect(new Set(ids).size).toBe(2);
    expect(again.flatMap(({ events }) => events)).toEqual(ids);
  });

  test('when the bus is full nothing is acknowledged or counted, and sending again gives the same ids', async () => {
    let full = true;
    const failing = (bus: Bus): Pick<Bus, 'produce' | 'deadLetter' | 'congested'> => ({
      produce: async (topic, messages) => {
        if (full) throw new PicketError({ code: 'BUS_FULL', message: 'full' });
        return bus.produce(topic, messages);
      },
      deadLetter: (message, reason) => bus.deadLetter(message, reason),
      congested: () => full,
    });
    running = await startIntake([{ id: 'any', format: 'ecs' }], failing);
    await expect(running.intake.accept('any', records('{"a":1}'))).rejects.toMatchObject({
      code: 'BUS_FULL',
    });
    expect(conserve(running)).toEqual({ outcomes: 0, accounted: 0, received: 0 });
    full = false;
    await running.intake.accept('any', records('{"a":1}'));
    expect(await running.events()).toHaveLength(1);
  });

  test('an event too large for the bus is a dead letter and the others of its call stand', async () => {
    const limiting = (bus: Bus): Pick<Bus, 'produce' | 'deadLetter' | 'congested'> => ({
      produce: async (topic, messages) => {
        if (messages.some(({ value }) => value.length > 5_000))
          throw new PicketError({ code: 'BUS_MESSAGE_TOO_LARGE', message: 'large' });
        return bus.produce(topic, messages);
      },
      deadLetter: (message, reason) => bus.deadLetter(message, reason),
      congested: () => false,
    });
    running = await startIntake([{ id: 'any', format: 'ecs' }], limiting);
    await Promise.all([
      running.intake.accept('any', records(`{"a":1}\n{"b":"${'x'.repeat(9_000)}"}`)),
      running.intake.accept('any', records('{"c":1}')),
    ]);
    expect(await running.events()).toHaveLength(2);
    expect((await running.deadLetters())[0]?.headers['dl-code']).toBe('BUS_MESSAGE_TOO_LARGE');
    expect(running.counters.total('bus', 'produced')).toBe(2);
  });

  test('in = accepted + rejected + filtered, for any mixture of good and bad records of every format', async () => {
    const formats = ['kubernetes-audit', 'windows', 'falco', 'trivy', 'ecs'];
    running = await startIntake(formats.map((format) => ({ id: format, format })));
    const started = running;
    const line = fc.oneof(
      fc.constantFrom(
        ...FALCO,
        '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[]}',
        '{"kind":"EventList","items":[1,2,{}]}',
        '{}',
        '{',
      ),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...formats),
        fc.array(line, { maxLength: 5 }),
        async (format, lines) => {
          const raw = records(lines.join('\n'));
          const before = conserve(started).received;
          const results = await started.intake.accept(format, raw);
          expect(results).toHaveLength(raw.length);
          for (const result of results) {
            expect(result.events.length + result.rejected.length + result.filtered.length).toBeGreaterThan(0);
          }
          const after = conserve(started);
          expect(after.received - before).toBe(raw.length);
          expect(after.accounted).toBe(after.outcomes);
        },
      ),
      { numRuns: 60 },
    );
    expect(await started.events()).toHaveLength(started.counters.total('bus', 'produced'));
    expect(await started.deadLetters()).toHaveLength(started.counters.total('normalise', 'dead-lettered'));
  });

  test('refused records of one call go to the dead letters together, within bounds', async () => {
    let waiting: (() => void)[] = [];
    let most = 0;
    let bytes = 0;
    running = await startIntake([{ id: 'any', format: 'ecs', max_record_bytes: 2_097_152 }], (bus) => ({
      produce: (topic, messages) => bus.produce(topic, messages),
      congested: () => bus.congested(),
      deadLetter: async (message, reason) => {
        bytes += message.value.length;
        most = Math.max(most, bytes);
        // None is done before all hundred were asked for: one at a time would wait forever.
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
          if (reason.code !== 'JSON_INVALID' || waiting.length === 100) {
            for (const go of waiting) go();
            waiting = [];
          }
        });
        await bus.deadLetter(message, reason);
        bytes -= message.value.length;
      },
    }));
    const rubbish = Array.from({ length: 100 }, (_, at) => `rubbish ${at}`);
    await running.intake.accept('any', records(rubbish.join('\n')));
    const letters = await running.deadLetters();
    expect(letters.map(({ value }) => Buffer.from(value).toString())).toEqual(rubbish);

    most = 0;
    const large = Buffer.from(`[${'1,'.repeat(500_000)}1]`);
    await running.intake.accept(
      'any',
      Array.from({ length: 24 }, (_, ordinal) => ({
        bytes: large,
        received: 5,
        position: { kind: 'request' as const, ordinal },
      })),
    );
    expect(await running.deadLetters()).toHaveLength(124);
    expect(most).toBeLessThanOrEqual(8 * 1024 * 1024);
  });

  test('a record of which the receiver kept only a part is never replayed as if it were whole', async () => {
    running = await startIntake([{ id: 'any', format: 'syslog', max_record_bytes: 4_096 }]);
    const bytes = Buffer.from(`<13>${'x'.repeat(1_021)}`);
    await running.intake.accept('any', [
      { bytes, received: 5, position: { kind: 'assigned', id: '1' }, cut: true },
    ]);
    const [letter] = await running.deadLetters();
    expect(letter?.headers).toMatchObject({ 'dl-code': 'RECORD_TOO_LARGE', truncated: '1' });
    if (!letter) throw new Error('a dead letter');
    await expect(running.intake.replayDeadLetter(letter)).rejects.toMatchObject({
      code: 'DEAD_LETTER_NOT_REPLAYABLE',
    });
    expect(await running.events()).toEqual([]);
  });

  test('a record that is played at another time is another event, also by way of the dead letters', async () => {
    running = await startIntake([{ id: 'any', format: 'ecs' }]);
    const { intake } = running;
    const shifted = (shift_ms?: number): RawRecord[] =>
      records('{"message":"x"}').map((record) => (shift_ms === undefined ? record : { ...record, shift_ms }));
    const idOf = async (list: RawRecord[]): Promise<string | undefined> =>
      (await intake.accept('any', list))[0]?.events[0];
    const ids = [
      await idOf(shifted()),
      await idOf(shifted(0)),
      await idOf(shifted(5)),
      await idOf(shifted(5)),
    ];
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
    expect(ids[3]).toBe(ids[2]);
    await intake.accept('any', [{ ...(records('rubbish')[0] as RawRecord), shift_ms: 7 }]);
    const [letter] = await running.deadLetters();
    expect(letter?.headers['shift_ms']).toBe('7');
    if (!letter) throw new Error('a dead letter');
    await intake.replayDeadLetter({ ...letter, value: Buffer.from('{"message":"mended"}') });
    const mended = (await running.events()).find((event) => event['message'] === 'mended');
    expect(mended?.picket['shift_ms']).toBe(7);
  });
});
