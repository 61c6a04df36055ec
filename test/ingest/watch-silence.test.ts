import { expect, test } from 'vitest';
import { watchSilence } from '../../ingest/watch-silence.ts';
import type { SiteHappening } from '../../platform/core/site-events.ts';

function begin() {
  let now = Date.UTC(2026, 10, 24);
  const told: SiteHappening[] = [];
  const watch = watchSilence({
    clock: { now: () => now },
    siteEvents: { tell: (one) => void told.push(one) },
  });
  const speak = (times: number, pause_ms: number): void => {
    for (let time = 0; time < times; time++) {
      now += pause_ms;
      watch.heard('falco');
    }
  };
  const wait = (duration_ms: number): void => {
    now += duration_ms;
    watch.check();
  };
  return { told, speak, wait };
}

test('a source that spoke every ten minutes is missed after a hundred, once, and again after it came back', () => {
  const { told, speak, wait } = begin();
  speak(30, 600_000);
  wait(5_900_000);
  expect(told).toEqual([]);
  wait(200_000);
  wait(600_000);
  expect(told).toMatchObject([
    {
      action: 'source-silent',
      subject: 'falco',
      fields: { site_event: { silence_s: 6100, usual_pause_s: 600 } },
    },
  ]);
  speak(2, 600_000);
  wait(6_100_000);
  expect(told).toHaveLength(2);
});

test('one that speaks every second is not missed before half an hour, and one that hardly spoke never', () => {
  const quick = begin();
  quick.speak(1_000, 1_000);
  quick.wait(1_700_000);
  expect(quick.told).toEqual([]);
  quick.wait(200_000);
  expect(quick.told).toHaveLength(1);
  const shy = begin();
  shy.speak(5, 60_000);
  shy.wait(86_400_000);
  expect(shy.told).toEqual([]);
});

test('a burst is one word: a source that sends a file a day is no source that pauses for a millisecond', () => {
  const { told, speak, wait } = begin();
  for (let day = 0; day < 25; day++) {
    speak(1, 86_400_000);
    speak(100, 1);
  }
  wait(5 * 86_400_000);
  expect(told).toEqual([]);
  wait(6 * 86_400_000);
  expect(told).toHaveLength(1);
});
