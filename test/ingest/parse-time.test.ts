import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createZone, parseTime } from '../../ingest/parse-time.ts';

const paris = createZone('Europe/Paris');

describe('times of JSON formats', () => {
  test.each([
    ['2026-11-23T21:07:14.610000000Z', '2026-11-23T21:07:14.610Z', true],
    ['2026-11-23 21:07:14', '2026-11-23T21:07:14.000Z', false],
    ['2026-11-23T21:07:14.1234567+01:00', '2026-11-23T20:07:14.123Z', true],
    ['2026-11-23T21:07:14-0530', '2026-11-24T02:37:14.000Z', true],
    ['2025-11-28 08:30:20.964', '2025-11-28T08:30:20.964Z', false],
  ])('%s is %s', (text, expected, zoned) => {
    const time = parseTime(text);
    expect(time && { at: new Date(time.timestamp).toISOString(), zoned: time.zoned }).toEqual({
      at: expected,
      zoned,
    });
  });

  test.each([
    '',
    'yesterday',
    '2026-13-01',
    '2026-02-30T00:00:00Z',
    '2026-01-01T25:00:00',
    '1'.repeat(100),
    5,
    null,
  ])('%j is no time', (text) => expect(parseTime(text)).toBeUndefined());

  test('a time without zone is wall time of the zone, summer and winter', () => {
    expect(parseTime('2026-07-01 12:00:00', paris)?.timestamp).toBe(Date.UTC(2026, 6, 1, 10));
    expect(parseTime('2026-12-01 12:00:00', paris)?.timestamp).toBe(Date.UTC(2026, 11, 1, 11));
  });

  test('the hour that occurs twice is the first one; the hour that does not occur has a time near it', () => {
    expect(parseTime('2026-10-25 02:30:00', paris)?.timestamp).toBe(Date.UTC(2026, 9, 25, 0, 30));
    expect(parseTime('2026-03-29 02:30:00', paris)?.timestamp).toBeGreaterThanOrEqual(
      Date.UTC(2026, 2, 29, 0, 30),
    );
  });

  test('every ISO time comes back', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
        expect(parseTime(date.toISOString())?.timestamp).toBe(date.getTime());
      }),
    );
  });

  test('an unknown zone is none', () => {
    expect(createZone('Mars/Olympus')).toBeUndefined();
  });
});
