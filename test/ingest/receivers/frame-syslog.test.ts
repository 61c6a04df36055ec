// Framing of syslog streams: counted and line-ended, mixed, cut anywhere, and bounded.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSyslogFramer } from '../../../ingest/receivers/frame-syslog.ts';

function frames(chunks: readonly (string | Buffer)[], max = 1_000): string[] {
  const framer = createSyslogFramer(max);
  const found = chunks.flatMap((chunk) => framer.push(Buffer.from(chunk)));
  return [...found, ...framer.end()].map((frame) => frame.toString('utf8'));
}

test('counted frames may hold line feeds, line-ended ones may begin with digits, and both may mix', () => {
  expect(frames(['9 <13>a\nb\nc<13>line\r\n2026-11-23 log\n11 <13>\u00e9 \u5B57.x', '12 monkeys\n'])).toEqual(
    ['<13>a\nb\nc', '<13>line', '2026-11-23 log', '<13>\u00e9 \u5B57.', 'x12 monkeys'],
  );
});

test('an unfinished message at the end is kept', () => {
  expect(frames(['<13>whole\n<13>half'])).toEqual(['<13>whole', '<13>half']);
  expect(frames(['20 <13>cut'])).toEqual(['<13>cut']);
});

test('what is too long comes once, cut one byte above the bound, and the next message is whole', () => {
  const long = 'x'.repeat(50);
  expect(frames([`<13>${long}\n<13>next\n`], 10)).toEqual([`<13>${'x'.repeat(7)}`, '<13>next']);
  expect(frames([`54 <13>${long}8 <13>next`], 10)).toEqual([`<13>${'x'.repeat(7)}`, '<13>next']);
});

test('any messages in either framing, cut anywhere, come out as they went in', () => {
  const message = fc
    .string({ unit: 'grapheme', minLength: 0, maxLength: 40 })
    .map((text) => `<13>${text.replace(/[\r\n\0]/g, '_')}`);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(message, fc.boolean()), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (messages, cuts) => {
        const stream = Buffer.concat(
          messages.map(([text, counted]) =>
            Buffer.from(counted ? `${Buffer.byteLength(text)} ${text}` : `${text}\n`),
          ),
        );
        const chunks: Buffer[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const length = cuts[turn % cuts.length] as number;
          chunks.push(stream.subarray(at, at + length));
          at += length;
        }
        expect(frames(chunks)).toEqual(messages.map(([text]) => text));
      },
    ),
  );
});

test('random bytes lose nothing but line ends and counts, and hold no more than the bound', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
      for (const frame of frames(
        chunks.map((chunk) => Buffer.from(chunk)),
        64,
      ))
        expect(frame.length).toBeLessThanOrEqual(65);
    }),
  );
});
