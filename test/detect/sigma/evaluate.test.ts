import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EvaluatedAlert, evaluateLines } from '../../../detect/sigma/evaluate.ts';
import { linesOf, readBlocks } from '../../../detect/sigma/read-lines.ts';
import { compileText, ruleText } from './compile-text.ts';

const { engine } = compileText({
  text: ruleText(
    '  sel:\n    CommandLine|contains: whoami\n  filter:\n    User: SYSTEM\n  condition: sel and not filter',
  ),
});

describe('evaluating lines', () => {
  it('names each alert by its line and goes on after what is no event', async () => {
    const alerts: EvaluatedAlert[] = [];
    const text =
      '{"CommandLine":"WHOAMI"}\n\nnot json\n[1]\n{"CommandLine":"ls"}\r\n{"Event":{"System":{"EventID":1},"EventData":{"CommandLine":"whoami"}}}';
    const summary = await evaluateLines({
      lines: Readable.from([Buffer.from(text.slice(0, 30)), Buffer.from(text.slice(30))]),
      engine,
      onAlert: (alert) => void alerts.push(alert),
      refused: [{ code: 'X', message: 'why', place: { file: 'r.yml', line: 3 } }],
      rulesLoaded: 1,
      seconds_to_load: 0.5,
      monotonic: () => 0,
    });
    expect(alerts.map(({ rule, event }) => [rule.name, event.sequence])).toEqual([
      ['Test', 1],
      ['Test', 6],
    ]);
    expect(summary).toMatchObject({
      events: 3,
      alerts: 2,
      rules_loaded: 1,
      rules_refused: [{ file: 'r.yml', line: 3, code: 'X', message: 'why' }],
      lines_refused: 2,
      lines_refused_first: [{ line: 3, code: 'JSON_INVALID' }, { line: 4 }],
    });
  });

  it('tells the time and id of an event however its keys are written', async () => {
    const alerts: EvaluatedAlert[] = [];
    const lines = [
      '{"CommandLine":"whoami","@timestamp":"2026-11-26T00:00:00Z","event":{"id":"a"}}',
      '{"CommandLine":"whoami","\\u0040timestamp":"2026-11-26T00:00:01Z","ev\\u0065nt":{"id":"b"}}',
      '{"CommandLine":"whoami","nested":{"event":{"id":"c"}}}',
      '{"CommandLine":"whoami"}',
    ];
    await evaluateLines({
      lines: Readable.from([Buffer.from(lines.join('\n'))]),
      engine,
      onAlert: (alert) => void alerts.push(alert),
      refused: [],
      rulesLoaded: 1,
      seconds_to_load: 0,
      monotonic: () => 0,
    });
    expect(alerts.map((alert) => [alert['@timestamp'], alert.event])).toEqual([
      ['2026-11-26T00:00:00Z', { sequence: 1, id: 'a' }],
      ['2026-11-26T00:00:01Z', { sequence: 2, id: 'b' }],
      [undefined, { sequence: 3 }],
      [undefined, { sequence: 4 }],
    ]);
  });

  it('cuts lines the same however the bytes come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 9 })),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (texts, cuts) => {
          const lines = texts.map((text) => text.replaceAll('\n', ' '));
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const chunks: Buffer[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = cuts[turn % cuts.length] as number;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          const read: string[] = [];
          for await (const block of readBlocks(Readable.from(chunks, { objectMode: true })))
            read.push(...(block ? [...linesOf(block)].map(String) : ['over the limit']));
          expect(read).toEqual(lines.map((line) => Buffer.from(line).toString()));
        },
      ),
    );
  });

  it('counts a line over the limit without holding it', async () => {
    const read: (string | undefined)[] = [];
    const chunks = [Buffer.from('ab'), Buffer.from('cdefgh'), Buffer.from('ij\nok\n')];
    for await (const block of readBlocks(Readable.from(chunks, { objectMode: true }), 5))
      read.push(...(block ? [...linesOf(block)].map(String) : [undefined]));
    expect(read).toEqual([undefined, 'ok']);
  });

  it('tells why: selection, field, value and condition, not what `not` denies', () => {
    const [match] = engine.match({ CommandLine: 'cmd /c whoami', User: 'bob' });
    expect(match?.reasons()).toEqual([
      { selection: 'sel', field: 'CommandLine', value: 'cmd /c whoami', condition: 'contains "whoami"' },
    ]);
  });

  it('survives hostile events', () => {
    let deep: unknown = 'whoami';
    for (let depth = 0; depth < 5_000; depth++) deep = { CommandLine: deep };
    const hostile = [
      '{"__proto__":{"CommandLine":"whoami"}}',
      '{"CommandLine":{"CommandLine":"x"}}',
      '{"CommandLine":[null,[["WhoAmI"]]]}',
      '{"constructor":1,"toString":null}',
    ].map((text) => JSON.parse(text) as object);
    expect(hostile.map((event) => engine.match(event).length)).toEqual([0, 0, 1, 0]);
    expect(engine.match(deep as object)).toEqual([]);
  });
});
